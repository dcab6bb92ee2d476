"""A socket towards a name server, what the kernel says of it, and how long one listens."""

import errno
import socket

from lbcheck.model.address import Endpoint, family
from lbcheck.model.step import ErrorKind
from lbcheck.probing.socket_options import socket_family
from lbcheck.wire import errnos

POLL_S = 0.1  # how often `stopped` is asked
SILENCES = 3  # queries or timeouts in a row: nobody answers

KINDS = {
    **errnos.KINDS,
    errno.EADDRNOTAVAIL: ErrorKind.UNREACHABLE,  # no address of this family to ask from: one socket exhausts no ports
    errno.EAFNOSUPPORT: ErrorKind.UNREACHABLE,  # a kernel without IPv6
    errno.EAGAIN: ErrorKind.PORTS_EXHAUSTED,  # connect(2) of a UDP socket: no port is free
}


def towards(server: Endpoint, kind: socket.SocketKind) -> socket.socket:
    """Return a non-blocking socket of the server's address family."""
    sock = socket.socket(socket_family(family(server.address)), kind)
    sock.setblocking(False)
    return sock


def kind_of(error: OSError) -> ErrorKind:
    """Return what an error of the operating system means here; one that is not understood propagates."""
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT
    if error.errno not in KINDS:
        raise error
    return KINDS[error.errno]
