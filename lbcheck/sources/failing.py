"""How a source fails: every way told apart, each with a sentence; and no source waits longer than it may."""

import errno
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TypeVar

from lbcheck.model.step import ErrorKind, Failure
from lbcheck.wire import errnos
from lbcheck.wire.certificate import UNKNOWN_ISSUER

T = TypeVar("T")


class SourceError(Exception):
    """A source says no, or cannot be asked; the message ends a sentence that begins with its URI, advice included."""

    def __init__(self, kind: ErrorKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# What a source may raise when its peer or the system fails it; anything else is lbcheck's own fault and propagates.
EXPECTED = (OSError, http.client.HTTPException, UnicodeError, SourceError)

# The first type that fits decides, so the narrower stand first.
_KINDS: tuple[tuple[type[Exception], ErrorKind], ...] = (
    (ssl.SSLError, ErrorKind.TLS),
    (TimeoutError, ErrorKind.TIMEOUT),
    (BlockingIOError, ErrorKind.TIMEOUT),  # a unix socket whose queue of waiting connections is full
    (ConnectionRefusedError, ErrorKind.REFUSED),
    (ConnectionError, ErrorKind.RESET),
    (FileNotFoundError, ErrorKind.NOT_FOUND),
    (NotADirectoryError, ErrorKind.NOT_FOUND),
    (PermissionError, ErrorKind.DENIED),
    (socket.gaierror, ErrorKind.NOT_FOUND),
    (UnicodeError, ErrorKind.NOT_FOUND),  # a host name that IDNA cannot encode
    (http.client.HTTPException, ErrorKind.PROTOCOL),
    (ValueError, ErrorKind.PROTOCOL),  # what wire raises
)
_ERRNOS = {
    **errnos.KINDS,
    errno.ENXIO: ErrorKind.NOT_FOUND,  # a socket where a file should be
    errno.ELOOP: ErrorKind.NOT_FOUND,
    errno.ENAMETOOLONG: ErrorKind.NOT_FOUND,
    errno.EPROTOTYPE: ErrorKind.PROTOCOL,  # a datagram socket, like /dev/log
}


def explain(error: Exception, source: str, advice: Mapping[ErrorKind, str]) -> Failure:
    """Return what failed as a kind and a sentence: the source, what happened, and what to do about it."""
    if isinstance(error, SourceError):
        return Failure(error.kind, f"{source}: {error}")
    root = _root(error)
    kind = _error_kind(root)
    happened = "no complete answer in time" if kind is ErrorKind.TIMEOUT else _what_happened(root)
    what_to_do = _of_certificate(root) if isinstance(root, ssl.SSLCertVerificationError) else advice.get(kind)
    return Failure(kind, "; ".join(filter(None, (f"{source}: {happened}", what_to_do))))


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns or raises; TimeoutError when that takes longer, whatever it waits for.

    A socket's own timeout starts again with each byte, and name resolution has none. What is not done in time is left
    behind in a daemon thread, where its own timeouts end it.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # handed on to whoever waits
            future.set_exception(error)

    threading.Thread(target=run, name="source", daemon=True).start()
    return future.result(timeout=seconds)


def _root(error: BaseException) -> BaseException:
    """Return the deepest cause that the system or http.client gave: libraries wrap it, several times over."""
    told = (OSError, http.client.HTTPException)
    return next((e for e in reversed(list(_chain(error))) if isinstance(e, told)), error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _error_kind(error: BaseException) -> ErrorKind:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror) and number == socket.EAI_AGAIN:
        return ErrorKind.UNREACHABLE  # the resolver is; the name may well exist
    for kind_of_error, kind in _KINDS:
        if isinstance(error, kind_of_error):
            return kind
    # An OSError without a number comes from a library that could not read the answer, not from the system.
    return ErrorKind.PROTOCOL if number is None else _ERRNOS.get(number, ErrorKind.INTERNAL)


def _of_certificate(error: ssl.SSLCertVerificationError) -> str:
    """Return what to do about a certificate; nothing where it is the certificate that has to change."""
    known = error.verify_code not in UNKNOWN_ISSUER
    return "" if known else "--cacert FILE, or lbcheck_cacert in an inventory, trusts the authority that signed it"


def _what_happened(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not verify ({error.verify_message})"
    if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
        return f"not a complete HTTP answer ({type(error).__name__})"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text[:1].lower() + text[1:]
