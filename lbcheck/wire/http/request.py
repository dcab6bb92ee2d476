"""What is asked: a URL taken apart, and the bytes of a request."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.model.address import URL_PORTS


@dataclass(frozen=True)
class Target:
    """What a URL says: whom to ask, under which name, for what."""

    tls: bool
    host: str  # ASCII, without brackets
    port: int
    authority: str  # the Host header
    path: str  # with its query, percent-encoded

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Read an http or https URL; LbcheckError says what is wrong with it."""
        try:
            parts = urlsplit(url)
            port = parts.port
            host = (parts.hostname or "").encode("idna").decode()
        except ValueError as error:
            raise LbcheckError(f"'{url}' is not a URL: {error}") from None
        if parts.scheme not in URL_PORTS:
            raise LbcheckError(f"'{url}' does not start with http:// or https://")
        if not re.fullmatch(r"[\w.:%~-]+", host, re.ASCII):
            raise LbcheckError(f"'{url}' names no host; write http://HOST[:PORT]/PATH")
        if "@" in parts.netloc:
            raise LbcheckError("a URL to ask carries no user or password")  # not repeated: it may be a secret
        if port == 0:
            raise LbcheckError(f"'{url}' asks for port 0, where nobody listens")
        bracketed = f"[{host}]" if ":" in host else host
        path = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~")
        query = f"?{quote(parts.query, safe='/?%!$&()*+,;=:@~')}" if parts.query else ""
        return cls(
            tls=parts.scheme == "https",
            host=host,
            port=port or URL_PORTS[parts.scheme],
            authority=bracketed if port is None else f"{bracketed}:{port}",
            path=path + query,
        )


def request_bytes(target: Target, user_agent: str, *, keep_alive: bool) -> bytes:
    """Return one GET request, whole."""
    if not (user_agent.isascii() and user_agent.isprintable()):
        raise LbcheckError(f"{user_agent!r} cannot stand in a request's User-Agent; use printable ASCII")
    lines = [f"GET {target.path} HTTP/1.1", f"Host: {target.authority}", f"User-Agent: {user_agent}", "Accept: */*"]
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("ascii")
