"""Where in an answer the name of who gave it stands."""

import re
from dataclasses import dataclass
from typing import Literal

from lbcheck.errors import LbcheckError
from lbcheck.wire.http.head import TOKEN, Head

ANYTHING = rb"[^\r\n\0]*"  # in a field's value


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
            except (re.error, OverflowError, RecursionError) as error:  # a{99999999999}, thousands of brackets
                raise LbcheckError(f"'{spec:.60}' is not a regular expression: {error}") from None
        if not spec:
            return cls("nowhere")
        name = rest.encode()
        if kind not in ("header", "cookie") or not re.fullmatch(TOKEN, name):
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
            return b"(?P<" + group + b">" + ANYTHING + b")"
        return re.escape(self.name) + b"=(?P<" + group + rb">[^;\r\n\0]*)" + ANYTHING
