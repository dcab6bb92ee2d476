"""One answer out of bytes, as they come."""

import re
from collections.abc import Generator
from typing import NamedTuple

from lbcheck.wire.http.head import Framing, Head, MalformedAnswerError
from lbcheck.wire.http.identifier import Identifier

HEAD_LIMIT = 64 * 1024  # bytes, interim answers and trailers included; HAProxy's and nginx's own limits are below
BODY_LIMIT = 1024 * 1024  # bytes of a body that are read, chunk sizes included; the rest is left
NAME_LIMIT = 255  # bytes of a name that somebody answers with; DNS names are no longer (RFC 1035)

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_END_OF_HEAD = re.compile(rb"\n\r?\n")  # RFC 9112, section 2.2: a line may end in LF alone

Steps = Generator[None, None, bytes]


class HttpAnswer(NamedTuple):
    """An HTTP answer as far as it matters here; names are empty where nobody is named."""

    status: int
    server: str
    balancer: str
    reusable: bool  # the connection may carry another request


def text(name: bytes) -> str:
    """Return a name as text; one that is too long is none."""
    return name.strip().decode("utf-8", "replace") if len(name) <= NAME_LIMIT else ""


class AnswerReader:
    """Reads one answer, fed with bytes as they come; what it takes in is bounded."""

    def __init__(self, server: Identifier, balancer: Identifier) -> None:
        self.head: Head | None = None
        self._server, self._balancer = server, balancer
        self._buffer = bytearray()
        self._ended = self._cut = False
        self._spent = 0  # bytes of heads and trailers so far
        self._steps = self._read()

    def feed(self, data: bytes) -> HttpAnswer | None:
        """Take bytes, none at the end of the stream; return the answer once it is whole."""
        self._buffer += data
        self._ended = self._ended or not data
        try:
            next(self._steps)
        except StopIteration as done:
            answer: HttpAnswer = done.value
            return answer
        return None

    def close(self) -> None:
        """Let go of an answer that never became whole, and of what it holds, without the garbage collector."""
        self._steps.close()

    def _read(self) -> Generator[None, None, HttpAnswer]:
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
        return HttpAnswer(head.status, text(server), text(balancer), whole and head.persistent)

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
