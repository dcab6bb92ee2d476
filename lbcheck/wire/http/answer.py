"""One answer out of bytes, as they come."""

import re
from collections.abc import Generator
from typing import NamedTuple

from lbcheck.wire.http.coding import EncodedError, decoded
from lbcheck.wire.http.head import Framing, Head, MalformedAnswerError
from lbcheck.wire.http.identifier import Identifier, Search, UnsearchedError, searched

HEAD_LIMIT = 64 * 1024  # bytes, interim answers and trailers included; HAProxy's and nginx's own limits are below
# Bytes of a body that are read, chunk sizes included; the rest is left. The balancer counts it as an abort if a client
# closes before the end. No page is longer, and a thousand answers of this size are 16 GB.
BODY_LIMIT = 16 * 1024 * 1024
SEARCH_LIMIT = 1024 * 1024  # bytes of a body that are kept, by each connection, and searched for a name
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

    def __init__(
        self, server: Identifier, balancer: Identifier, body_limit: int = BODY_LIMIT, search: Search = searched
    ) -> None:
        self.head: Head | None = None
        self.cut = False  # the body is longer than what was read of it
        self.remark = ""  # why a body could not be searched for a name
        self._server, self._balancer, self._limit, self._search = server, balancer, body_limit, search
        self._kept_limit = SEARCH_LIMIT if server.pattern or balancer.pattern else 0
        self._buffer, self._body = bytearray(), bytearray()
        self._ended = False
        self._spent = 0  # bytes of heads and trailers so far
        self._came = 0  # bytes of the body so far
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

    def as_far_as_it_came(self) -> HttpAnswer | None:
        """Return an answer whose body is not waited for any longer; None where hardly anything of it came."""
        if not self.head or self._came < SEARCH_LIMIT:
            return None
        self.cut = True
        return self._answer(self.head, whole=False)

    def _read(self) -> Generator[None, None, HttpAnswer]:
        head = Head.parse((yield from self._lines()))
        while head.status < 200:
            if head.status == 101:
                raise MalformedAnswerError("the server switches to another protocol that nobody asked for")
            head = Head.parse((yield from self._lines()))
        self.head = head
        framing = Framing.of(head)
        yield from self._take_body(framing)
        return self._answer(head, whole=not (self.cut or self._ended or self._buffer or framing.doubtful))

    def _answer(self, head: Head, *, whole: bool) -> HttpAnswer:
        body = self._plain_body(head)
        server, balancer = (self._named(by, head, body) for by in (self._server, self._balancer))
        return HttpAnswer(head.status, text(server), text(balancer), whole and head.persistent)

    def _named(self, by: Identifier, head: Head, body: bytes) -> bytes:
        try:
            return by.find(head, body, self._search)
        except UnsearchedError as reason:
            self.remark = str(reason)
            return b""

    def _plain_body(self, head: Head) -> bytes:
        """Return the beginning of the body, where a name is searched in it."""
        if not self._kept_limit:
            return b""
        try:
            return decoded(bytes(self._body), head.values(b"content-encoding"), SEARCH_LIMIT)
        except EncodedError as coding:
            self.remark = f"the body is encoded ({coding}), and nothing can be found in it"
            return b""

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

    def _take_body(self, framing: Framing) -> Generator[None, None, None]:
        if framing.chunked:
            yield from self._chunks()
        elif framing.length > self._limit:
            self.cut = True
            yield from self._swallow(self._kept_limit)
        elif framing.length >= 0:
            yield from self._swallow(framing.length)
        else:
            yield from self._until_the_end()

    def _swallow(self, size: int) -> Generator[None, None, None]:
        """Take `size` bytes of the body, and keep the first of them where a name is searched there."""
        while True:
            came = min(size, len(self._buffer))
            self._body += self._buffer[: max(0, min(came, self._kept_limit - len(self._body)))]
            del self._buffer[:came]
            self._came += came
            size -= came
            if not size:
                return
            yield from self._more()

    def _until_the_end(self) -> Generator[None, None, None]:
        while not self._ended and self._came + len(self._buffer) <= self._limit:
            yield from self._swallow(len(self._buffer))
            yield
        self.cut = not self._ended
        yield from self._swallow(len(self._buffer))

    def _chunks(self) -> Generator[None, None, None]:
        left = self._limit
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
                self.cut = True
                return
            yield from self._swallow(size)
            if (yield from self._line()).strip(b"\r\n"):
                raise MalformedAnswerError("a chunk is longer than its size says")
        while (line := (yield from self._line())).strip(b"\r\n"):
            self._spend(len(line))  # trailers name nobody

    def _line(self) -> Steps:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise MalformedAnswerError(f"a line longer than {HEAD_LIMIT} bytes")
            yield from self._more()
        return self._take_now(end + 1)
