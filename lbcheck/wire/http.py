"""HTTP/1.1 as a client sees it: the bytes of a request, answers out of bytes, and who gave them."""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote, urlsplit

from lbcheck.errors import LbcheckError

HEAD_LIMIT = 64 * 1024  # bytes, interim answers and trailers included; HAProxy's and nginx's own limits are below
BODY_LIMIT = 1024 * 1024  # bytes of a body that are read, chunk sizes included; the rest is left
NAME_LIMIT = 255  # bytes of a name that somebody answers with; DNS names are no longer (RFC 1035)
SHAPES_LIMIT = 8  # kinds of heads that are remembered: servers, cache states, error pages
KNOWN_LIMIT = 4096  # answers remembered for each kind

Steps = Generator[None, None, bytes]


class MalformedAnswerError(Exception):
    """The peer sent something that is no HTTP/1.x answer, or only a part of one."""


# --- what is asked ---------------------------------------------------------------------------------------------------


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
        if parts.scheme not in ("http", "https"):
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
        tls = parts.scheme == "https"
        return cls(
            tls=tls,
            host=host,
            port=port or (443 if tls else 80),
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


# --- heads -----------------------------------------------------------------------------------------------------------

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110, section 5.6.2
_STATUS_LINE = re.compile(rb"HTTP/1\.(\d) ([1-5]\d\d)(?: [^\r\n]*)?")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([^\r\n\0]*?)[ \t]*")
_ANYTHING = rb"[^\r\n\0]*"
_LENGTH = re.compile(rb"\d{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_END_OF_HEAD = re.compile(rb"\n\r?\n")  # RFC 9112, section 2.2: a line may end in LF alone


class Head(NamedTuple):
    """Status line and fields; names are as sent."""

    minor: int  # of HTTP/1.x
    status: int
    fields: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def parse(cls, raw: bytes) -> "Head":
        """Read a head, with or without its closing empty line."""
        first, *lines = raw.strip(b"\r\n").replace(b"\r\n", b"\n").split(b"\n")
        status = _STATUS_LINE.fullmatch(first)
        if not status:
            raise MalformedAnswerError(f"an answer begins with {first[:40]!r}, which is no HTTP/1.x status line")
        fields = []
        for line in lines:
            field = _FIELD.fullmatch(line)
            if not field:
                raise MalformedAnswerError(f"{line[:40]!r} is no header field")
            fields.append((field[1], field[2]))
        return cls(int(status[1]), int(status[2]), tuple(fields))

    def values(self, name: bytes) -> list[bytes]:
        """Return the elements of the comma-separated list `name`, in lower case, over all of its fields."""
        joined = b",".join(value for key, value in self.fields if key.lower() == name)
        return [element.strip().lower() for element in joined.split(b",") if element.strip()]

    @property
    def persistent(self) -> bool:
        """Whether the server leaves the connection open (RFC 9112, section 9.3)."""
        options = self.values(b"connection")
        return b"close" not in options and (self.minor >= 1 or b"keep-alive" in options)


class Framing(NamedTuple):
    """How a body ends: after `length` bytes, after its last chunk, or (-1, False) with the connection."""

    length: int = -1
    chunked: bool = False
    doubtful: bool = False  # two framings at once: what follows is not to be trusted

    @classmethod
    def of(cls, head: Head) -> "Framing":
        """Decide as RFC 9112, section 6.3 does."""
        if head.status in (204, 304):
            return cls(length=0)
        codings, lengths = head.values(b"transfer-encoding"), set(head.values(b"content-length"))
        if codings:
            return cls(chunked=codings[-1] == b"chunked", doubtful=bool(lengths) or head.minor == 0)
        if not lengths:
            return cls()
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise MalformedAnswerError(f"Content-Length {length[:40]!r} is not one number")
        return cls(length=int(length))


# --- who answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identifier:
    """Where in an answer the name of who gave it stands: header:NAME, cookie:NAME or body:REGEX."""

    kind: Literal["header", "cookie", "body", "nowhere"]
    name: bytes = b""  # of the header, in lower case, or of the cookie
    pattern: re.Pattern[bytes] | None = None

    @classmethod
    def parse(cls, spec: str) -> "Identifier":
        """Read a specification; an empty one finds nobody."""
        kind, _, rest = spec.partition(":")
        if kind == "body" and rest:
            try:
                return cls("body", pattern=re.compile(rest.encode()))
            except re.error as error:
                raise LbcheckError(f"'{spec}' is not a regular expression: {error}") from None
        if not spec:
            return cls("nowhere")
        name = rest.encode()
        if kind not in ("header", "cookie") or not re.fullmatch(_TOKEN, name):
            raise LbcheckError(f"'{spec}' does not say who answers; write header:NAME, cookie:NAME or body:REGEX")
        return cls("header", name.lower()) if kind == "header" else cls("cookie", name)

    def find(self, head: Head, body: bytes) -> bytes:
        """Return the name; empty where there is none."""
        if self.pattern:
            match = self.pattern.search(body)
            return (match[1 if self.pattern.groups else 0] or b"") if match else b""
        return next((found for name, value in head.fields if (found := self._in_field(name, value)) is not None), b"")

    def _in_field(self, name: bytes, value: bytes) -> bytes | None:
        if self.kind == "header" and name.lower() == self.name:
            return value
        if self.kind == "cookie" and name.lower() == b"set-cookie":
            key, _, rest = value.partition(b"=")
            return rest.partition(b";")[0].strip() if key.strip() == self.name else None
        return None

    def field_pattern(self, group: bytes, name: bytes, value: bytes) -> bytes:
        """Return a pattern for a field's value, `group` around the name that stands in it; empty where none does."""
        if self._in_field(name, value) is None:
            return b""
        if self.kind == "header":
            return b"(?P<" + group + b">" + _ANYTHING + b")"
        return re.escape(self.name) + b"=(?P<" + group + rb">[^;\r\n\0]*)" + _ANYTHING


class Answer(NamedTuple):
    """An HTTP answer as far as it matters here; names are empty where nobody is named."""

    status: int
    server: str
    balancer: str
    reusable: bool  # the connection may carry another request


def _text(name: bytes) -> str:
    return name.strip().decode("utf-8", "replace") if len(name) <= NAME_LIMIT else ""


# --- answers ---------------------------------------------------------------------------------------------------------


class Reader:
    """Reads one answer, fed with bytes as they come; what it takes in is bounded."""

    def __init__(self, server: Identifier, balancer: Identifier) -> None:
        self.head: Head | None = None
        self._server, self._balancer = server, balancer
        self._buffer = bytearray()
        self._ended = self._cut = False
        self._spent = 0  # bytes of heads and trailers so far
        self._steps = self._read()

    def feed(self, data: bytes) -> Answer | None:
        """Take bytes, none at the end of the stream; return the answer once it is whole."""
        self._buffer += data
        self._ended = self._ended or not data
        try:
            next(self._steps)
        except StopIteration as done:
            answer: Answer = done.value
            return answer
        return None

    def close(self) -> None:
        """Let go of an answer that never became whole, and of what it holds, without the garbage collector."""
        self._steps.close()

    def _read(self) -> Generator[None, None, Answer]:
        head = Head.parse((yield from self._lines()))
        while head.status < 200:
            if head.status == 101:
                raise MalformedAnswerError("the server switches to another protocol that nobody asked for")
            head = Head.parse((yield from self._lines()))
        self.head = head
        framing = Framing.of(head)
        body = yield from self._body(framing)
        server, balancer = self._server.find(head, body), self._balancer.find(head, body)
        if self._cut and not server:
            raise MalformedAnswerError(f"a body longer than {BODY_LIMIT} bytes, and nobody named")
        whole = not (self._cut or self._ended or self._buffer or framing.doubtful)
        return Answer(head.status, _text(server), _text(balancer), whole and head.persistent)

    def _more(self) -> Generator[None, None, None]:
        if self._ended:
            raise MalformedAnswerError("the connection ended before the answer did")
        yield

    def _lines(self) -> Steps:
        """Take everything up to an empty line."""
        searched = 0
        while not (end := _END_OF_HEAD.search(self._buffer, searched)):
            searched = max(0, len(self._buffer) - 2)
            if self._spent + searched > HEAD_LIMIT:
                break
            if not b"HTTP/1.".startswith(self._buffer[:7]):
                break  # a stranger is told apart at once, not after its silence
            yield from self._more()
        size = end.end() if end else len(self._buffer)
        self._spend(size)
        return self._take_now(size)

    def _spend(self, size: int) -> None:
        self._spent += size
        if self._spent > HEAD_LIMIT:
            raise MalformedAnswerError(f"a head longer than {HEAD_LIMIT} bytes")

    def _take_now(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _take(self, size: int) -> Steps:
        while len(self._buffer) < size:
            yield from self._more()
        return self._take_now(size)

    def _body(self, framing: Framing) -> Steps:
        if framing.chunked:
            return (yield from self._chunks())
        if framing.length >= 0:
            self._cut = framing.length > BODY_LIMIT
            return (yield from self._take(min(framing.length, BODY_LIMIT)))
        while not self._ended and len(self._buffer) <= BODY_LIMIT:
            yield
        self._cut = not self._ended
        return self._take_now(len(self._buffer))

    def _chunks(self) -> Steps:
        body, left = bytearray(), BODY_LIMIT
        while True:
            line = yield from self._line()
            chunk = _CHUNK.fullmatch(line.rstrip(b"\r\n"))
            if not chunk:
                raise MalformedAnswerError(f"{line[:40]!r} is no chunk size")
            size = int(chunk[1], 16)
            if size == 0:
                break
            left -= size + len(line) + 2
            if left < 0:
                self._cut = True
                return bytes(body)
            body += yield from self._take(size)
            if (yield from self._line()).strip(b"\r\n"):
                raise MalformedAnswerError("a chunk is longer than its size says")
        while (line := (yield from self._line())).strip(b"\r\n"):
            self._spend(len(line))  # trailers name nobody
        return bytes(body)

    def _line(self) -> Steps:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise MalformedAnswerError(f"a line longer than {HEAD_LIMIT} bytes")
            yield from self._more()
        return self._take_now(end + 1)


# --- answers that look like earlier ones -----------------------------------------------------------------------------


def shape(head: Head, server: Identifier, balancer: Identifier) -> bytes | None:
    """Return a pattern for heads with the same status, the same names in the same order and the same framing.

    None where a head alone does not tell where the answer ends and who gave it.
    """
    names = [name.lower() for name, _ in head.fields]
    if head.status in (204, 304) or names.count(b"content-length") != 1 or b"transfer-encoding" in names:
        return None
    wanted = {b"server": server, b"balancer": balancer}
    lines = [rb"HTTP/1\.%d %d(?: %b)?" % (head.minor, head.status, _ANYTHING)]
    lines += [re.escape(name) + rb":[ \t]*" + _value_pattern(name, value, wanted) for name, value in head.fields]
    if any(left.pattern or left.find(head, b"") for left in wanted.values()):
        return None
    return rb"\r\n".join([*lines, b"", b""])


def _value_pattern(name: bytes, value: bytes, wanted: dict[bytes, Identifier]) -> bytes:
    """Return a pattern for a field's value; takes off `wanted` who is named in it."""
    if name.lower() == b"content-length":
        return rb"(?P<length>\d{1,18})[ \t]*"
    if name.lower() == b"connection":
        return re.escape(value) + rb"[ \t]*"
    for group, identifier in wanted.items():
        if pattern := identifier.field_pattern(group, name, value):
            del wanted[group]
            return pattern
    if name.lower() == b"set-cookie":
        return re.escape(value.partition(b"=")[0]) + b"=" + _ANYTHING  # another cookie in its place may be the one
    return _ANYTHING


class _Shape:
    """A pattern for heads, and what its groups meant so far."""

    def __init__(self, head: Head, pattern: bytes) -> None:
        self.match = re.compile(pattern).match
        self.known: dict[tuple[bytes, ...], tuple[Answer, int]] = {}  # groups → answer, bytes of its body
        self.pattern = pattern
        self._head = head

    def understand(self, match: re.Match[bytes]) -> tuple[Answer, int]:
        """Work out, and remember, what the groups of a match mean."""
        groups = {"server": b"", "balancer": b"", **match.groupdict()}
        answer = Answer(self._head.status, _text(groups["server"]), _text(groups["balancer"]), self._head.persistent)
        if len(self.known) >= KNOWN_LIMIT:
            self.known.clear()
        self.known[match.groups()] = found = answer, int(groups["length"])
        return found


class Recogniser:
    """Tells who gave an answer: at a glance where it came whole and looks like an earlier one, else by a reader."""

    def __init__(self, identify: str, identify_balancer: str = "") -> None:
        self._server, self._balancer = Identifier.parse(identify), Identifier.parse(identify_balancer)
        self._shapes: list[_Shape] = []

    def at_a_glance(self, data: bytes) -> Answer | None:
        """Return the answer that `data` is, if it is one whole answer in a known shape."""
        for known in self._shapes:
            if match := known.match(data):
                answer, length = known.known.get(match.groups()) or known.understand(match)
                return answer if match.end() + length == len(data) else None
        return None

    def reader(self) -> Reader:
        """Return a reader for any other answer."""
        return Reader(self._server, self._balancer)

    def learn(self, reader: Reader) -> None:
        """Remember the shape of the answer that a reader has read."""
        if not reader.head or len(self._shapes) >= SHAPES_LIMIT:
            return
        pattern = shape(reader.head, self._server, self._balancer)
        if pattern and all(pattern != known.pattern for known in self._shapes):
            self._shapes.append(_Shape(reader.head, pattern))
