"""HAProxy's runtime API, over a unix socket or TCP; a socket of `level user` is enough."""

import socket
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.sources.failing import EXPECTED, SourceError, explain, within
from lbcheck.wire.haproxy import QUESTIONS, NotStatisticsError, Process, Row, counters, parse_runtime

LIMIT_BYTES = 64 * 2**20  # a server's rows are about 700 bytes: room for 90,000 servers

_PIECE_BYTES = 2**16
_UNIX_PATH_BYTES = 107  # unix(7): sun_path has 108, one for the NUL
_ADVICE = {
    ErrorKind.NOT_FOUND: "is this HAProxy's `stats socket`, and is HAProxy running?",
    ErrorKind.DENIED: "run as root or as a member of the socket's group",
    ErrorKind.REFUSED: "nobody listens there: is HAProxy running?",
    ErrorKind.TIMEOUT: "is this HAProxy's `stats socket`, and is HAProxy well?",
    ErrorKind.PROTOCOL: "give a `stats socket` of HAProxy, not its master socket and not a port that it balances",
}


def read(step: ReadCounters) -> Counters:
    """Read one process's counters from `unix:PATH` or `tcp://HOST:PORT`; a failure is a sample with its kind."""
    started = time.monotonic()
    try:
        process, rows = within(step.timeout_s, lambda: _read(step.uri, step.timeout_s))
    except (*EXPECTED, NotStatisticsError) as error:
        return replace(step.lost(explain(error, step.uri, _ADVICE)), seconds=time.monotonic() - started)
    return counters(step, process, rows, time.monotonic() - started)


def _read(uri: str, timeout_s: float) -> tuple[Process, Sequence[Row]]:
    # Names may be in any 8-bit encoding; none may be lost, and none may stop the reading.
    return parse_runtime(_ask(uri, timeout_s).decode(errors="backslashreplace"))


def _ask(uri: str, timeout_s: float) -> bytes:
    deadline = time.monotonic() + timeout_s
    with _connect(uri, timeout_s) as connection:
        connection.sendall(f"{QUESTIONS}\n".encode())
        answer = bytearray()
        while piece := connection.recv(_PIECE_BYTES):
            answer += piece
            if len(answer) > LIMIT_BYTES:
                raise NotStatisticsError(f"more than {LIMIT_BYTES // 2**20} MiB of answer")
            if time.monotonic() > deadline:
                raise TimeoutError
    return bytes(answer)


def _connect(uri: str, timeout_s: float) -> socket.socket:
    scheme, _, path = uri.partition(":")
    if scheme == "unix":
        return _connect_unix(path, timeout_s)
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if scheme != "tcp" or not host or not port:
        raise SourceError(ErrorKind.NOT_FOUND, "write unix:PATH or tcp://HOST:PORT, an IPv6 address in brackets")
    return socket.create_connection((host, port), timeout_s)


def _connect_unix(path: str, timeout_s: float) -> socket.socket:
    if not 0 < len(path.encode(errors="surrogateescape")) <= _UNIX_PATH_BYTES:
        raise SourceError(ErrorKind.NOT_FOUND, f"a unix socket's path has 1 to {_UNIX_PATH_BYTES} bytes")
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout_s)
        connection.connect(path)
    except ConnectionRefusedError:
        connection.close()
        if not Path(path).is_socket():
            raise SourceError(ErrorKind.NOT_FOUND, "no socket; give the path of HAProxy's `stats socket`") from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection
