"""Answers that look like earlier ones are told at a glance."""

import re

from lbcheck.wire.http.answer import BODY_LIMIT, AnswerReader, HttpAnswer, text
from lbcheck.wire.http.head import Head
from lbcheck.wire.http.identifier import ANYTHING, Identifier, Search, searched

SHAPES_LIMIT = 8  # kinds of heads that are remembered: servers, cache states, error pages
KNOWN_LIMIT = 4096  # answers remembered for each kind
FIELDS_LIMIT = 100  # of a head that is remembered; HAProxy takes 101 at most (tune.http.maxhdr), and nginx sends ten
_BLANKS = rb"[ \t]*+"


def shape(head: Head, server: Identifier, balancer: Identifier) -> bytes | None:
    """Return a pattern for heads with the same status, the same names in the same order and the same framing.

    None where a head alone does not tell where the answer ends and who gave it; and for a redirect: its target counts.
    """
    names = [name.lower() for name, _ in head.fields]
    if (
        300 <= head.status < 400
        or len(names) > FIELDS_LIMIT
        or head.status == 204
        or names.count(b"content-length") != 1
        or b"transfer-encoding" in names
    ):
        return None
    wanted = {b"server": server, b"balancer": balancer}
    lines = [rb"HTTP/1\.%d %d(?: %b)?" % (head.minor, head.status, ANYTHING)]
    lines += [re.escape(name) + b":" + _BLANKS + _value_pattern(name, value, wanted) for name, value in head.fields]
    if any(left.pattern or left.find(head, b"") for left in wanted.values()):
        return None
    return rb"\r\n".join([*lines, b"", b""])


def _value_pattern(name: bytes, value: bytes, wanted: dict[bytes, Identifier]) -> bytes:
    """Return a pattern for a field's value; takes off `wanted` who is named in it."""
    if name.lower() == b"content-length":
        return rb"(?P<length>\d{1,18})" + _BLANKS
    if name.lower() == b"connection":
        return re.escape(value) + _BLANKS
    for group, identifier in wanted.items():
        if pattern := identifier.field_pattern(group, name, value):
            del wanted[group]
            return pattern
    if name.lower() == b"set-cookie":
        return re.escape(value.partition(b"=")[0]) + b"=" + ANYTHING  # another cookie in its place may be the one
    return ANYTHING


class _Shape:
    """A pattern for heads, and what its groups meant so far."""

    def __init__(self, head: Head, pattern: bytes) -> None:
        self.match = re.compile(pattern).match
        self.known: dict[tuple[bytes, ...], tuple[HttpAnswer, int]] = {}  # groups → answer, bytes of its body
        self.pattern = pattern
        self._head = head

    def understand(self, match: re.Match[bytes]) -> tuple[HttpAnswer, int]:
        """Work out, and remember, what the groups of a match mean."""
        groups = {"server": b"", "balancer": b"", **match.groupdict()}
        answer = HttpAnswer(self._head.status, text(groups["server"]), text(groups["balancer"]), self._head.persistent)
        if len(self.known) >= KNOWN_LIMIT:
            self.known.clear()
        self.known[match.groups()] = found = answer, int(groups["length"])
        return found


class Recogniser:
    """Tells who gave an answer: at a glance where it came whole and looks like an earlier one, else by a reader."""

    def __init__(
        self, identify: str, identify_balancer: str = "", body_limit: int = BODY_LIMIT, search: Search = searched
    ) -> None:
        self._body_limit, self._search = body_limit, search
        self._server, self._balancer = Identifier.parse(identify), Identifier.parse(identify_balancer)
        self._shapes: list[_Shape] = []

    def at_a_glance(self, data: bytes) -> HttpAnswer | None:
        """Return the answer that `data` is, if it is one whole answer in a known shape."""
        for known in self._shapes:
            if match := known.match(data):
                answer, length = known.known.get(match.groups()) or known.understand(match)
                return answer if match.end() + length == len(data) else None
        return None

    def reader(self) -> AnswerReader:
        """Return a reader for any other answer."""
        return AnswerReader(self._server, self._balancer, self._body_limit, self._search)

    def learn(self, reader: AnswerReader) -> None:
        """Remember the shape of the answer that a reader has read."""
        if not reader.head or len(self._shapes) >= SHAPES_LIMIT:
            return
        pattern = shape(reader.head, self._server, self._balancer)
        if pattern and all(pattern != known.pattern for known in self._shapes):
            self._shapes.append(_Shape(reader.head, pattern))
