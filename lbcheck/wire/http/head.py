"""The head of an answer, and how it says that its body ends."""

import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110, section 5.6.2
_STATUS_LINE = re.compile(rb"HTTP/1\.(\d) ([1-5]\d\d)(?: [^\r\n]*)?")
_NAME = re.compile(TOKEN)
_NO_VALUE = re.compile(rb"[\r\0]")  # is in no field's value; a line holds no \n
# Type, flags and stream of the first frame of HTTP/2 (RFC 9113, sections 3.4 and 4.1).
_SETTINGS = b"\x04\x00\x00\x00\x00\x00"
_ALERT = b"\x15\x03"  # a TLS record's type and the first byte of its version (RFC 8446, section 5.1)
_LENGTH = re.compile(rb"\d{1,18}")


class MalformedAnswerError(Exception):
    """The peer sent something that is no HTTP/1.x answer, or only a part of one."""


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
            raise MalformedAnswerError(_stranger(raw))
        return cls(int(status[1]), int(status[2]), tuple(map(_field, lines)))

    def values(self, name: bytes) -> list[bytes]:
        """Return the elements of the comma-separated list `name`, in lower case, over all of its fields."""
        joined = b",".join(value for key, value in self.fields if key.lower() == name)
        return [element.strip().lower() for element in joined.split(b",") if element.strip()]

    @property
    def persistent(self) -> bool:
        """Whether the server leaves the connection open (RFC 9112, section 9.3)."""
        options = self.values(b"connection")
        return b"close" not in options and (self.minor >= 1 or b"keep-alive" in options)


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Return name and value of a field (RFC 9112, section 5)."""
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name) or _NO_VALUE.search(value):
        raise MalformedAnswerError(f"{line[:40]!r} is no header field")
    return name, value.strip(b" \t")


def _stranger(raw: bytes) -> str:
    """Return what speaks instead of HTTP/1.x, as far as its first bytes tell."""
    if raw[3:9] == _SETTINGS:
        return "the server speaks HTTP/2 alone, and was asked in HTTP/1.1"
    if raw[:2] == _ALERT:
        return "the server speaks TLS: ask it by https://"
    first = raw.strip(b"\r\n").partition(b"\n")[0].rstrip(b"\r")
    return f"an answer begins with {first[:40]!r}, which is no HTTP/1.x status line"


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
