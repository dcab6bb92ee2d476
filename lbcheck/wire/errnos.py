"""What the kernel says of a connection that came to nothing, in the words of samples.

Who sees a number otherwise says so in a table of its own, beside the reason.
"""

import errno
from collections.abc import Mapping

from lbcheck.model.step import ErrorKind

KINDS: Mapping[int, ErrorKind] = {
    errno.ECONNREFUSED: ErrorKind.REFUSED,
    errno.ETIMEDOUT: ErrorKind.TIMEOUT,
    errno.ECONNRESET: ErrorKind.RESET,
    errno.ECONNABORTED: ErrorKind.RESET,
    errno.EPIPE: ErrorKind.RESET,
    errno.EHOSTUNREACH: ErrorKind.UNREACHABLE,
    errno.EHOSTDOWN: ErrorKind.UNREACHABLE,
    errno.ENETUNREACH: ErrorKind.UNREACHABLE,
    errno.ENETDOWN: ErrorKind.UNREACHABLE,
    errno.EINVAL: ErrorKind.UNREACHABLE,  # from loopback to an address outside; link-local without its interface
    errno.ENODEV: ErrorKind.UNREACHABLE,  # the interface that an address names is not here
    errno.EADDRNOTAVAIL: ErrorKind.PORTS_EXHAUSTED,
    errno.EADDRINUSE: ErrorKind.PORTS_EXHAUSTED,
    errno.EACCES: ErrorKind.DENIED,
    errno.EPERM: ErrorKind.DENIED,  # the host's own packet filter
}
