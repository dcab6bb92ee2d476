"""A socket's family and address, and values of socket options that module socket does not know."""

import errno
import re
import socket
import struct

from lbcheck.model.address import Family

SocketAddress = tuple[str, int] | tuple[str, int, int, int]  # IPv6 also with flow and the number of an interface

RESET = struct.pack("ii", 1, 0)  # SO_LINGER, 0 s: close by RST
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h, for IPv6 sockets, too; module socket has it from Python 3.12 on
_NUMBER = re.compile("[0-9]{1,9}")


def socket_family(family: Family) -> socket.AddressFamily:
    """Return how module socket calls IPv4 (4) or IPv6 (6)."""
    return socket.AF_INET if family == 4 else socket.AF_INET6


def socket_address(address: str, port: int) -> SocketAddress:
    """Return an address and a port as the kernel takes them, with the interface of `fe80::1%eth0` (RFC 4007, 11).

    From the two alone, bind() and connect() lose it. OSError where this host has no such interface.
    """
    plain, _, zone = address.partition("%")
    if not zone:
        return address, port
    try:
        return plain, port, 0, int(zone) if _NUMBER.fullmatch(zone) else socket.if_nametoindex(zone)
    except OSError:
        raise OSError(errno.ENODEV, f"this host has no interface '{zone}'") from None
