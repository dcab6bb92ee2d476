"""Files that somebody names to be read: of limited size, and never waited for without end."""

import errno
import os
import select
import stat
from collections.abc import Iterator
from pathlib import Path

from lbcheck.errors import LbcheckError

MOST_BYTES = 500_000_000  # of reports and samples: judged again, they take six times as much memory
SILENCE_S = 10.0  # that a pipe may give nothing, as in `lbcheck report <(ssh host cat run.jsonl)`
_PIECE_BYTES = 1 << 20


def read(path: Path, most: int = MOST_BYTES, *, silence_s: float = SILENCE_S) -> bytearray:
    """Return what a file or a pipe holds.

    LbcheckError where that is more than `most` bytes, no end of it can be known (a device), or nobody writes to the
    pipe for `silence_s` seconds; OSError as the system says.
    """
    # Not blocking: to open a pipe would otherwise wait for whoever writes.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _read(number, path, most, silence_s)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # reading knows no name
    finally:
        os.close(number)


def _read(number: int, path: Path, most: int, silence_s: float) -> bytearray:
    status = os.fstat(number)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
        raise LbcheckError(f"{path} is neither a file nor a pipe")
    found = bytearray()
    for piece in _pieces(number, path, silence_s) if status.st_size <= most else ():
        found += piece
        if len(found) > most:
            break
    if max(len(found), status.st_size) > most:
        raise LbcheckError(f"{path} has more than {most / 1e6:,.0f} MB; lbcheck reads no more: give it a part")
    return found


def _pieces(number: int, path: Path, silence_s: float) -> Iterator[bytes]:
    """Give what comes until the end. A pipe that nobody has opened yet to write looks like one at its end."""
    waiting = select.poll()
    waiting.register(number, select.POLLIN)
    while waiting.poll(silence_s * 1000):
        piece = os.read(number, _PIECE_BYTES)
        if not piece:
            return
        yield piece
    raise LbcheckError(f"{path} gave nothing for {silence_s:g} s: does somebody write to it?")
