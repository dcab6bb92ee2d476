"""Where in an answer the name of who gave it stands."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lbcheck.errors import LbcheckError
from lbcheck.wire.http.head import TOKEN, Head

# In patterns for heads nothing is given back once it is taken: each byte is looked at once, whatever a server sends.
ANYTHING = rb"[^\r\n\0]*+"  # in a field's value
PATTERN_LIMIT = 1000  # characters of body:REGEX

# From a pattern and a body to the name that stands in it, empty where none does; UnsearchedError where none could be
# looked for.
Search = Callable[[re.Pattern[bytes], bytes], bytes]


class UnsearchedError(Exception):
    """A body was not searched; the message is a sentence that says why."""


def searched(pattern: re.Pattern[bytes], body: bytes) -> bytes:
    """Return what the first group of a pattern matches in a body, or all of it; empty where nothing does.

    A pattern may take any time on a body that somebody chose: see probing/http/searching.py.
    """
    match = pattern.search(body)
    return (match[1 if pattern.groups else 0] or b"") if match else b""


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
            return cls("body", pattern=_pattern(rest))
        if not spec:
            return cls("nowhere")
        name = rest.encode()
        if kind not in ("header", "cookie") or not re.fullmatch(TOKEN, name):
            raise LbcheckError(f"'{spec}' does not say who answers; write header:NAME, cookie:NAME or body:REGEX")
        return cls("header", name.lower()) if kind == "header" else cls("cookie", name)

    def find(self, head: Head, body: bytes, search: Search = searched) -> bytes:
        """Return the name; empty where there is none."""
        if self.pattern:
            return search(self.pattern, body)
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
            return b"(?P<" + group + b">" + ANYTHING + b")"
        return re.escape(self.name) + b"=(?P<" + group + rb">[^;\r\n\0]*+)" + ANYTHING


def _pattern(text: str) -> re.Pattern[bytes]:
    if len(text) > PATTERN_LIMIT:
        raise LbcheckError(f"body:{text[:20]}… has more than {PATTERN_LIMIT:,} characters: write a shorter pattern")
    try:
        return re.compile(text.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise LbcheckError(f"'body:{text:.55}' is not a regular expression: {error}") from None
