"""Getting a page of statistics over HTTP: one request, no redirect followed, never more than is asked for."""

import http.client
import ssl
from urllib.parse import urlsplit

from lbcheck.model.step import ErrorKind
from lbcheck.sources.failing import SourceError


def get(url: str, *, timeout_s: float, limit_bytes: int, denied: str, wrong: str, ca: str = "") -> bytes:
    """Return the first `limit_bytes` of a page; SourceError for every status but 200.

    `denied` and `wrong` say what to do where the page is forbidden, and where it has another status. `ca`: as in
    `trust`.
    """
    connection, target = _connection(url, timeout_s, ca)
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


def trust(ca: str) -> ssl.SSLContext:
    """Return what trusts the system's authorities, or SSL_CERT_FILE, and beside them those of `ca`, in PEM."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(cadata=ca)
    return context


def _connection(url: str, timeout_s: float, ca: str) -> tuple[http.client.HTTPConnection, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise SourceError(ErrorKind.NOT_FOUND, "write http[s]://HOST[:PORT]/PATH, an IPv6 address in brackets")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=trust(ca)), target
    return http.client.HTTPConnection(host, port, timeout=timeout_s), target
