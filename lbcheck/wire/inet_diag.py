"""What the kernel tells of TCP sockets by SOCK_DIAG: inet_diag_msg (linux/inet_diag.h) → who is connected to whom."""

import ipaddress
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lbcheck.model.address import Endpoint

_PEER = struct.Struct("=24x16s28xI")  # the other end's address; the inode behind ports, cookie, timers and queues
_MAPPED = bytes(10) + b"\xff\xff"  # an IPv4 connection at a socket of IPv6 (RFC 4291, section 2.5.5.2)

_SOCKET = struct.Struct("!xB2xHH16s16s")  # state; ports and addresses of the own end and of the other
# include/net/tcp_states.h. A closed socket is told where its port is taken (Linux 6.8), though it is not connected yet.
_STATES = (
    "", "established", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "bound", "CLOSE-WAIT",
    "LAST-ACK", "listening", "CLOSING", "SYN-RECEIVED",
)  # fmt: skip

Peers = Counter[tuple[str, bool]]  # (address of the other end, whether a program has accepted it) → connections


def peers(answer: bytes | memoryview, bodies: Sequence[int], *, ipv6: bool) -> Peers:
    """Return who is connected to the sockets whose messages begin at `bodies`.

    A connection gets an inode when a program accepts it. One in the listener's queue has none.
    """
    found: Counter[tuple[bytes, bool]] = Counter()
    for at in bodies:
        address, inode = _PEER.unpack_from(answer, at)
        found[address, inode != 0] += 1
    shown = Peers()
    for (address, accepted), count in found.items():
        shown[_text(address, ipv6), accepted] += count
    return shown


@dataclass(frozen=True)
class Socket:
    """A socket in use: its own end, the other one (port 0: there is none), and its state in words."""

    own: Endpoint
    other: Endpoint
    state: str

    def __str__(self) -> str:
        whom = f" to {self.other}" if self.other.port else ""
        return f"{self.own}{whom} ({self.state})"


def sockets(answer: bytes | memoryview, bodies: Sequence[int], *, ipv6: bool) -> Iterator[Socket]:
    """Give the sockets whose messages begin at `bodies`."""
    for at in bodies:
        state, own, other, source, destination = _SOCKET.unpack_from(answer, at)
        ends = Endpoint(_text(source, ipv6), own), Endpoint(_text(destination, ipv6), other)
        yield Socket(*ends, _STATES[state] if state < len(_STATES) else str(state))


def _text(address: bytes, ipv6: bool) -> str:
    if not ipv6:
        return str(ipaddress.IPv4Address(address[:4]))
    if address.startswith(_MAPPED):
        return str(ipaddress.IPv4Address(address[12:]))
    return str(ipaddress.IPv6Address(address))
