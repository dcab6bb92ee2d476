"""The kernel's own account of TCP sockets: netlink SOCK_DIAG, filtered by the kernel (linux/inet_diag.h)."""

import errno
import os
import socket
import struct
from collections.abc import Iterator

from lbcheck.errors import MeasurementError
from lbcheck.model.address import FAMILIES, Endpoint, Family, PortRange, family
from lbcheck.probing.socket_options import socket_family
from lbcheck.wire import inet_diag

# include/net/tcp_states.h, as bits
ESTABLISHED, SYN_RECEIVED, TIME_WAIT, LISTEN = 1 << 1, 1 << 3, 1 << 6, 1 << 10
_EVERY_STATE = (1 << 14) - 1

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x001 | 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQ_BYTECODE = 1  # INET_DIAG_REQ_BYTECODE
_BC_S_GE, _BC_S_LE = 2, 3  # INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE: the own port is at least …, at most …
_BC_S_COND, _BC_D_COND = 7, 8  # INET_DIAG_BC_S_COND, INET_DIAG_BC_D_COND: the own end is …, the other end is …
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_REQUEST = struct.Struct("=BBBxI48s")  # inet_diag_req_v2: family, protocol, extensions, states, socket (any)
_BUFFER = 1 << 18  # the kernel fills up to 32 KiB a message; more does no harm


def count(destination: Endpoint, states: int = ESTABLISHED) -> int:
    """Return how many sockets of this network namespace are connected to `destination`."""
    dump = _dump(family(destination.address), states, _is(_BC_D_COND, destination))
    return sum(len(bodies) for _, bodies in dump)


def peers(endpoint: Endpoint) -> inet_diag.Peers:
    """Return who is connected to an endpoint of this network namespace, its handshakes under way included."""
    found = inet_diag.Peers()
    # Connections over IPv4 to a listener of both families are sockets of IPv6, and the filter finds them there, too.
    families = FAMILIES if family(endpoint.address) == 4 else FAMILIES[1:]
    for wanted in families:
        for answer, bodies in _dump(wanted, ESTABLISHED | SYN_RECEIVED, _is(_BC_S_COND, endpoint)):
            found += inet_diag.peers(answer, bodies, ipv6=wanted == 6)
    return found


def users(ports: PortRange) -> Iterator[inet_diag.Socket]:
    """Give every socket of this network namespace whose own port is one of these, in whatever state it is."""
    for wanted in FAMILIES:
        for answer, bodies in _dump(wanted, _EVERY_STATE, _between(ports)):
            yield from inet_diag.sockets(answer, bodies, ipv6=wanted == 6)


def listeners(family: Family) -> set[tuple[str, int]]:
    """Return the (address, port) pairs that somebody listens on in this network namespace."""
    found = set()
    for answer, bodies in _dump(family, LISTEN, b""):
        for at in bodies:
            # inet_diag_msg: 4 bytes, then the ports and addresses, in network order.
            (port,) = struct.unpack_from("!H", answer, at + 4)
            packed = bytes(answer[at + 8 : at + 8 + (4 if family == 4 else 16)])
            found.add((socket.inet_ntop(socket_family(family), packed), port))
    return found


def queued(endpoint: Endpoint) -> int:
    """Return how many connections wait at a listener of this network namespace for somebody to accept them."""
    found = 0
    wanted = family(endpoint.address)
    packed = socket.inet_pton(socket_family(wanted), endpoint.address)
    for answer, bodies in _dump(wanted, LISTEN, b""):
        for at in bodies:
            (port,) = struct.unpack_from("!H", answer, at + 4)
            if port == endpoint.port and bytes(answer[at + 8 : at + 8 + len(packed)]) == packed:
                # Behind the 48 bytes of the socket's name and the timer's 4: how long a listener's queue is.
                found += struct.unpack_from("=I", answer, at + 4 + 48 + 4)[0]
    return found


def _is(end: int, endpoint: Endpoint) -> bytes:
    """Return the filter, one condition: where it does not hold, jump 4 bytes past the end, which means no."""
    kind = socket_family(family(endpoint.address))
    packed = socket.inet_pton(kind, endpoint.address)
    condition = struct.pack("=BBxxi", kind, len(packed) * 8, endpoint.port) + packed
    size = 4 + len(condition)
    return struct.pack("=BBH", end, size, size + 4) + condition


def _between(ports: PortRange) -> bytes:
    """Return the filter, two conditions, each of two words: the port stands in the second one's last field."""
    low = struct.pack("=BBHBBH", _BC_S_GE, 8, 20, 0, 0, ports.low)
    return low + struct.pack("=BBHBBH", _BC_S_LE, 8, 12, 0, 0, ports.high)


def _dump(family: Family, states: int, bytecode: bytes) -> Iterator[tuple[memoryview, list[int]]]:
    """Ask for all sockets; yield the kernel's answers, each with where the sockets' messages begin in it."""
    body = _REQUEST.pack(socket_family(family), socket.IPPROTO_TCP, 0, states, b"")
    if bytecode:
        body += struct.pack("=HH", 4 + len(bytecode), _REQ_BYTECODE) + bytecode
    head = _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0)
    buffer, ended = bytearray(_BUFFER), False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.send(head + body)
        while not ended:
            answer = memoryview(buffer)[: kernel.recv_into(buffer)]
            bodies, ended = _read(answer)
            yield answer, bodies


def _read(answer: memoryview) -> tuple[list[int], bool]:
    """Return where the sockets' messages begin, and whether the kernel has said all."""
    at, end, bodies = 0, len(answer), []
    unpack, header = _HEADER.unpack_from, _HEADER.size
    while at < end:
        length, kind, _, _, _ = unpack(answer, at)
        if kind == _SOCK_DIAG_BY_FAMILY:
            bodies.append(at + header)
        elif kind == _NLMSG_DONE:
            return bodies, True
        elif kind == _NLMSG_ERROR:
            (code,) = struct.unpack_from("=i", answer, at + header)
            why = "it has no inet_diag" if -code == errno.ENOENT else os.strerror(-code)
            raise MeasurementError(f"the kernel does not count its sockets (netlink SOCK_DIAG): {why}")
        at += (length + 3) & ~3
    return bodies, False
