"""The addresses that a host name has here."""

import socket

from lbcheck.errors import MeasurementError


def addresses_of(host: str) -> tuple[str, ...]:
    """Return every address of `host` in a family that this machine has, in getaddrinfo's order."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else error
        raise MeasurementError(
            f"'{host}' has no address here: {why}; --resolve HOST:PORT:ADDR says where it is"
        ) from None
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
