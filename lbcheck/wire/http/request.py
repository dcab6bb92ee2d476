"""What is asked: a URL taken apart, and the bytes of a request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from lbcheck.errors import LbcheckError
from lbcheck.model.address import URL_PORTS
from lbcheck.model.login import refuse_password, shown
from lbcheck.model.url import in_ascii, taken_apart
from lbcheck.wire.http.head import TOKEN

# What says where a request and its answer end, and whose request it is; the rest may be said otherwise by a step.
OURS = ("connection", "content-length", "transfer-encoding", "user-agent")
_NAME = re.compile(TOKEN.decode())


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
        refuse_password(url)
        try:
            parts = taken_apart(url)
        except LbcheckError as error:
            raise LbcheckError(f"'{shown(url)}' is not a URL: {error}") from None
        if "@" in parts.netloc:
            raise LbcheckError("a URL to ask carries no user or password")  # not repeated: it may be a secret
        host, port = in_ascii(parts.hostname or ""), parts.port
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


def request_bytes(
    target: Target, user_agent: str, *, keep_alive: bool, plain: bool = False, further: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return one GET request, whole; `plain`: the body is not to be encoded; `further` header fields: name, value."""
    if not (user_agent.isascii() and user_agent.isprintable()):
        raise LbcheckError(f"{user_agent!r} cannot stand in a request's User-Agent; use printable ASCII")
    fields = {"Host": target.authority, "User-Agent": user_agent, "Accept": "*/*"}
    if plain:
        fields["Accept-Encoding"] = "identity"
    said = {name.lower() for name, _ in further}
    lines = [f"{name}: {value}" for name, value in fields.items() if name.lower() not in said]
    lines += [_field(name, value) for name, value in further]
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([f"GET {target.path} HTTP/1.1", *lines, "", ""]).encode("ascii")


def _field(name: str, value: str) -> str:
    """Return a header field that a step asks for; LbcheckError where it is none, or would change lbcheck's own."""
    if not _NAME.fullmatch(name):
        raise LbcheckError(f"{name!r} is not a header's name")
    if name.lower() in OURS:
        raise LbcheckError(f"header {name} is lbcheck's own; it cannot be set")
    if not (value.isascii() and value.isprintable()):
        raise LbcheckError(f"{value!r} cannot stand in header {name}; use printable ASCII")
    return f"{name}: {value}"
