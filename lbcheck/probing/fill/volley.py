"""A volley: many connections of one block started at once, stage by stage, and what the kernel's refusals mean."""

import errno
import socket
from collections.abc import Sequence

from lbcheck.model.address import family
from lbcheck.model.fill import StopKind
from lbcheck.model.opening import BindingMode
from lbcheck.probing.fill.plan import FillBlock
from lbcheck.probing.socket_options import IP_BIND_ADDRESS_NO_PORT, RESET, socket_family

_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_Socket = socket.SocketType  # the plain C type: socket.socket costs as much as a call more
_OPTIONS: dict[BindingMode, tuple[int, int, int | bytes]] = {  # what is set before bind: level, name, value
    BindingMode.EXPLICIT: (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
    BindingMode.NO_PORT: (socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1),
}
_STOPS = {
    errno.EADDRNOTAVAIL: StopKind.NO_PORT,
    errno.EADDRINUSE: StopKind.IN_USE,
    errno.ECONNREFUSED: StopKind.REFUSED,
    errno.ECONNRESET: StopKind.RESET,
    errno.ETIMEDOUT: StopKind.SILENCE,
    errno.ENETUNREACH: StopKind.UNREACHABLE,
    errno.EHOSTUNREACH: StopKind.UNREACHABLE,
    errno.ENETDOWN: StopKind.UNREACHABLE,
    errno.EMFILE: StopKind.DESCRIPTORS,
    errno.ENFILE: StopKind.FILES,
    errno.ENOBUFS: StopKind.BUFFERS,
    errno.ENOMEM: StopKind.BUFFERS,
    errno.EACCES: StopKind.DENIED,
    errno.EPERM: StopKind.DENIED,
}
FOR_GOOD = {StopKind.DESCRIPTORS, StopKind.FILES, StopKind.BUFFERS}  # no other source, port or endpoint changes it


def kind_of(code: int | None, *, binding: bool = False) -> StopKind:
    """Return what an errno means; at bind, EADDRNOTAVAIL is about the address, not about its ports."""
    if binding and code == errno.EADDRNOTAVAIL:
        return StopKind.NO_SOURCE
    return _STOPS.get(code or 0, StopKind.OTHER)


class Volley:
    """Starts connecting from each of many ports to one endpoint, as one binding mode says.

    This is what everything waits for. A connection costs the kernel 10 to 40 µs; Python adds little as long as it is
    five calls on the plain C type, made stage by stage: one call many times in a row is a tenth faster than five in
    turn, for its code stays in the processor's caches, the kernel's part of it too (docs/adr/0005-stage-by-stage.md).
    """

    def __init__(self, binding: BindingMode, *, reset: bool) -> None:
        self._options = [_OPTIONS[binding]] if binding in _OPTIONS else []
        if reset:
            self._options.append((socket.SOL_SOCKET, socket.SO_LINGER, RESET))
        self._binds = binding is not BindingMode.NONE

    def start(self, block: FillBlock, ports: Sequence[int]) -> tuple[list[int], list[StopKind]]:
        """Return the file descriptors of what is under way, and the kernel's refusals.

        Where the kernel picks the ports, the first refusal ends it: what is left of `ports` has not been tried.
        """
        refusals: list[StopKind] = []
        bound = made = _make(block, len(ports), refusals)
        for level, name, value in self._options:
            for connection in made:
                connection.setsockopt(level, name, value)
        if self._binds:
            bound = _bind(block, made, ports, refusals)
        return _connect(block, bound, refusals), refusals


def _make(block: FillBlock, count: int, refusals: list[StopKind]) -> list[_Socket]:
    domain = socket_family(family(block.endpoint.address))
    made: list[_Socket] = []
    try:
        for _ in range(count):
            made.append(_Socket(domain, _KIND))
    except OSError as error:
        refusals.append(kind_of(error.errno))
    return made


def _bind(block: FillBlock, made: Sequence[_Socket], ports: Sequence[int], refusals: list[StopKind]) -> list[_Socket]:
    bound, source = [], block.source
    left = zip(made, ports, strict=False)  # fewer may have been made
    for connection, port in left:
        try:
            connection.bind((source, port))
            bound.append(connection)
        except OSError as error:
            connection.close()
            refusals.append(kind_of(error.errno, binding=True))
            if _is_last(block, refusals):
                break
    for connection, _ in left:
        connection.close()
    return bound


def _connect(block: FillBlock, bound: Sequence[_Socket], refusals: list[StopKind]) -> list[int]:
    fds, to, left = [], (block.endpoint.address, block.endpoint.port), iter(bound)
    for connection in left:
        code = connection.connect_ex(to)
        if code == errno.EINPROGRESS or not code:
            fds.append(connection.detach())
            continue
        connection.close()
        refusals.append(kind_of(code))
        if _is_last(block, refusals):
            break
    for connection in left:
        connection.close()
    return fds


def _is_last(block: FillBlock, refusals: Sequence[StopKind]) -> bool:
    """Return whether what refused would refuse the rest, too; of ours the next port may be free."""
    return not block.low or refusals[-1] in FOR_GOOD
