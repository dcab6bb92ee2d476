"""Getting a page of statistics over HTTP: one request, no redirect followed, never more than is asked for."""

import http.client
from urllib.parse import urlsplit

from lbcheck.model.step import ErrorKind
from lbcheck.sources.failing import SourceError


def get(url: str, *, timeout_s: float, limit_bytes: int, denied: str, wrong: str) -> bytes:
    """Return the first `limit_bytes` of a page; SourceError for every status but 200.

    `denied` and `wrong` say what to do where the page is forbidden, and where it has another status.
    """
    connection, target = _connection(url, timeout_s)
    try:
        connection.request("GET", target)
        with connection.getresponse() as answer:
            if answer.status in (401, 403):
                raise SourceError(ErrorKind.DENIED, f"answers with HTTP status {answer.status}: {denied}")
            if answer.status != 200:
                raise SourceError(ErrorKind.STATUS, f"answers with HTTP status {answer.status}; {wrong}")
            return answer.read(limit_bytes)
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
