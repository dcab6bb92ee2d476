"""Where to connect, and from where."""

import socket
import ssl
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from lbcheck.model.address import family
from lbcheck.model.requests import Request
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing.http import tls
from lbcheck.probing.socket_options import IP_BIND_ADDRESS_NO_PORT, socket_address, socket_family
from lbcheck.wire.http.request import Target


class ImpossibleError(Exception):
    """The whole step cannot be done."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)


class Destination:
    """Where to connect, and from where: resolved once.

    `addresses`: those that are asked, in turn; `family` and `address` are those of the last connection.
    """

    def __init__(self, step: Request, target: Target) -> None:
        self.source = step.source
        wanted = family(step.source) if step.source else None
        if step.address and wanted and family(step.address) != wanted:
            raise ImpossibleError(ErrorKind.UNREACHABLE, f"{step.source} cannot reach {step.address}: IPv4 and IPv6")
        try:
            found = socket.getaddrinfo(
                step.address or target.host,
                target.port,
                socket_family(wanted) if wanted else socket.AF_UNSPEC,
                socket.SOCK_STREAM,
                flags=socket.AI_NUMERICHOST if step.address else 0,
            )
        except (OSError, UnicodeError) as error:
            name, why = step.address or target.host, getattr(error, "strerror", None) or error
            zone = name.partition("%")[2]
            advice = f"; is '{zone}' an interface of this host, and the address link-local?" if zone else ""
            raise ImpossibleError(ErrorKind.NOT_FOUND, f"cannot resolve {name}: {why}{advice}") from None
        ends = _reachable([(end[0], end[4]) for end in found]) if step.every_address else [(found[0][0], found[0][4])]
        self.addresses: tuple[str, ...] = tuple(end[0] for _, end in ends)
        self.family, self.address = ends[0]
        self._turns = cycle(ends) if len(ends) > 1 else None
        self.name = target.host.partition("%")[0]  # TLS knows no interfaces
        self.tls = _trust(step) if target.tls else None

    def open(self) -> tuple[socket.SocketType, int]:
        """Begin to connect; return the socket and the error number of connect()."""
        if self._turns:
            self.family, self.address = next(self._turns)
        try:
            new = socket.SocketType(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        except OSError as error:
            raise ImpossibleError(ErrorKind.INTERNAL, f"cannot open a socket: {error.strerror}") from None
        # The request carries the handshake's last ACK (tcp(7)): a packet and a wake-up of the server less.
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        if self.source:
            self._bind(new)
        return new, new.connect_ex(self.address)

    def _bind(self, new: socket.SocketType) -> None:
        try:
            new.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)  # the port is chosen for the whole 4-tuple
            new.bind(socket_address(self.source, 0))
        except OSError as error:
            new.close()
            raise ImpossibleError(
                ErrorKind.NOT_FOUND,
                f"cannot connect from {self.source}: {error.strerror}; is it an address of this host?",
            ) from None


End = tuple[int, tuple[Any, ...]]  # family and address of a socket


def _reachable(found: Sequence[End]) -> list[End]:
    """Return each address once, without those to which this host has no route, unless it has none to any of them."""
    ends = list(dict.fromkeys(found))
    return [end for end in ends if _has_route(*end)] or ends


def _has_route(family: int, address: tuple[Any, ...]) -> bool:
    with socket.socket(family, socket.SOCK_DGRAM) as asked:  # sends nothing: the kernel looks for a route
        return asked.connect_ex(address) == 0


def _trust(step: Request) -> ssl.SSLContext:
    try:
        return tls.client_context(verify=step.verify, ca=step.ca)
    except ssl.SSLError as error:
        raise ImpossibleError(ErrorKind.TLS, f"the given authorities' certificates cannot be read: {error}") from None
