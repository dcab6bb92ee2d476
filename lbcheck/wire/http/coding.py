"""Content codings of a body (RFC 9110, section 8.4.1), undone."""

import zlib
from collections.abc import Sequence

_ZLIB_OR_GZIP, _RAW = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
# `deflate` is meant to be zlib's format; some servers send what is inside of it.
_WINDOWS = {
    b"gzip": (_ZLIB_OR_GZIP,),
    b"x-gzip": (_ZLIB_OR_GZIP,),
    b"deflate": (_ZLIB_OR_GZIP, _RAW),
}
MOST_CODINGS = 3  # one on top of the other; each may take as long as undoing `limit` bytes does


class EncodedError(Exception):
    """A body in a coding that cannot be undone; the message names the coding."""


def decoded(body: bytes, codings: Sequence[bytes], limit: int) -> bytes:
    """Return at most `limit` bytes of a body, or of its beginning, without the codings that were applied in turn."""
    if len(codings) > MOST_CODINGS:
        raise EncodedError(f"{len(codings):,} codings")
    for coding in reversed(codings):
        if coding != b"identity":
            body = _without(body, coding, limit)
    return body


def _without(body: bytes, coding: bytes, limit: int) -> bytes:
    for window in _WINDOWS.get(coding, ()):
        try:
            return zlib.decompressobj(window).decompress(body, limit)
        except zlib.error:
            continue
    raise EncodedError(coding.decode("ascii", "replace")[:20])
