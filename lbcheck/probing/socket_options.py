"""A socket's family, and values of socket options that module socket does not know."""

import socket
import struct

from lbcheck.model.address import Family

RESET = struct.pack("ii", 1, 0)  # SO_LINGER, 0 s: close by RST
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h, for IPv6 sockets, too; module socket has it from Python 3.12 on


def socket_family(family: Family) -> socket.AddressFamily:
    """Return how module socket calls IPv4 (4) or IPv6 (6)."""
    return socket.AF_INET if family == 4 else socket.AF_INET6
