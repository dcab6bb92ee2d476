"""What the kernel says of a connection that came to nothing, in the words of samples."""

import errno

from lbcheck.model.step import ErrorKind

KINDS = {
    errno.ECONNREFUSED: ErrorKind.REFUSED,
    errno.ETIMEDOUT: ErrorKind.TIMEOUT,
    errno.ECONNRESET: ErrorKind.RESET,
    errno.ECONNABORTED: ErrorKind.RESET,
    errno.EPIPE: ErrorKind.RESET,
    errno.EHOSTUNREACH: ErrorKind.UNREACHABLE,
    errno.EHOSTDOWN: ErrorKind.UNREACHABLE,
    errno.ENETUNREACH: ErrorKind.UNREACHABLE,
    errno.ENETDOWN: ErrorKind.UNREACHABLE,
    errno.EINVAL: ErrorKind.UNREACHABLE,  # from a loopback address to one outside
    errno.EADDRNOTAVAIL: ErrorKind.PORTS_EXHAUSTED,
    errno.EADDRINUSE: ErrorKind.PORTS_EXHAUSTED,
    errno.EACCES: ErrorKind.DENIED,
    errno.EPERM: ErrorKind.DENIED,
}
