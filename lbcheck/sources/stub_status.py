"""nginx's `stub_status` page."""

import http.client
import time
from dataclasses import replace
from urllib.parse import urlsplit

from lbcheck.model.step import ErrorKind
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.sources.failing import EXPECTED, SourceError, explain, within
from lbcheck.wire.nginx import NotStubStatusError, parse_stub_status

LIMIT_BYTES = 4096  # the page has about 100

_ADVICE = {
    ErrorKind.NOT_FOUND: "is the host's name right?",
    ErrorKind.REFUSED: "nobody listens there: is nginx running?",
    ErrorKind.PROTOCOL: "is this the location with `stub_status`?",
}


def read(step: ReadStubStatus) -> StubStatus:
    """Read what all of nginx counted; a failure is a sample with its kind."""
    started = time.monotonic()
    try:
        page = within(step.timeout_s, lambda: _get(step.url, step.timeout_s))
        counters = parse_stub_status(page.decode(errors="replace"))
    except (*EXPECTED, NotStubStatusError) as error:
        return replace(step.lost(explain(error, step.url, _ADVICE)), seconds=time.monotonic() - started)
    return StubStatus(
        at=step.at,
        server=step.server,
        when=step.when,
        accepts=counters.accepts,
        handled=counters.handled,
        requests=counters.requests,
        seconds=time.monotonic() - started,
    )


def _get(url: str, timeout_s: float) -> bytes:
    connection, target = _connection(url, timeout_s)
    try:
        connection.request("GET", target)
        with connection.getresponse() as answer:
            if answer.status in (401, 403):
                message = f"answers with HTTP status {answer.status}: does its `allow` name this host?"
                raise SourceError(ErrorKind.DENIED, message)
            if answer.status != 200:
                message = f"answers with HTTP status {answer.status}; is this the location with `stub_status`?"
                raise SourceError(ErrorKind.STATUS, message)
            return answer.read(LIMIT_BYTES)
    finally:
        connection.close()


def _connection(url: str, timeout_s: float) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise SourceError(ErrorKind.NOT_FOUND, "write http[s]://HOST[:PORT]/PATH, an IPv6 address in brackets")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(host, port, timeout=timeout_s), target
