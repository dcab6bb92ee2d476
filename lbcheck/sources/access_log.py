"""A server's access log: how many of its lines carry a run's token."""

import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.step import ErrorKind
from lbcheck.sources.failing import EXPECTED, SourceError, explain

LIMIT_BYTES = 256 * 2**20  # of each file's end: more than a million lines, longer than any run
ROTATED_WITHIN_S = 600.0  # longer than any run
AGAIN_S = 0.2  # between two looks at a log without a line; nginx's shortest `flush` is a second

_PIECE_BYTES = 2**20
_ADVICE = {
    ErrorKind.NOT_FOUND: "does the server write its access log there?",
    ErrorKind.DENIED: "run as root or as a member of the log's group",
    ErrorKind.TIMEOUT: "a longer --timeout may be enough",
}


def count(step: CountLogLines) -> LogLines:
    """Count the lines with the token at the end of the log, and of the one rotated away while the run lasted."""
    started = time.monotonic()
    try:
        deadline = started + step.timeout_s
        found = _count(Path(step.path), step.token.encode(), deadline)
        while step.awaited and not found and time.monotonic() + AGAIN_S < deadline:
            time.sleep(AGAIN_S)
            found = _count(Path(step.path), step.token.encode(), deadline)
    except EXPECTED as error:
        file = getattr(error, "filename", None) or step.path  # it may be the rotated one that cannot be read
        return replace(step.lost(explain(error, str(file), _ADVICE)), seconds=time.monotonic() - started)
    return LogLines(
        at=step.at,
        server=step.server,
        path=step.path,
        when=step.when,
        frontend=step.frontend,
        lines=found,
        seconds=time.monotonic() - started,
    )


def lines_with(token: bytes, pieces: Iterable[bytes]) -> int:
    """Count the lines that hold `token` at least once; pieces may end anywhere, also within the token."""
    found, counted = 0, False  # counted: the line that we are in is
    rest = b""
    for piece in pieces:
        text = rest + piece
        start = 0
        while True:
            if counted:
                end = text.find(b"\n", start)
                if end < 0:
                    rest = b""
                    break
                start, counted = end + 1, False
            hit = text.find(token, start)
            if hit < 0:
                rest = text[max(start, len(text) - len(token) + 1) :]
                break
            found, counted, start = found + 1, True, hit
    return found


def _count(path: Path, token: bytes, deadline: float) -> int:
    if not token or b"\n" in token:
        raise SourceError(ErrorKind.NOT_FOUND, "there is no token to look for")
    with ExitStack() as opened:
        # All are open before any is read: a log that is rotated meanwhile is counted once all the same.
        files = [opened.enter_context(_open(path))]
        seen = {_identity(files[0])}
        for sibling in dict.fromkeys((_rotated(path), _rotated(path.resolve()))):
            if not _is_recent(sibling):
                continue
            file = opened.enter_context(_open(sibling))
            if _identity(file) not in seen:
                seen.add(_identity(file))
                files.append(file)
        return sum(lines_with(token, _end_of(file, deadline)) for file in files)


def _open(path: Path) -> BinaryIO:
    # Not blocking: to open a FIFO would otherwise wait for a writer.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(number).st_mode):
        return os.fdopen(number, "rb", buffering=0)
    os.close(number)
    raise SourceError(ErrorKind.NOT_FOUND, "not a regular file (in a container, servers often log to standard output)")


def _identity(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino


def _rotated(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _is_recent(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < ROTATED_WITHIN_S
    except FileNotFoundError:
        return False


def _end_of(file: BinaryIO, deadline: float) -> Iterator[bytes]:
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - LIMIT_BYTES))
    left = min(size, LIMIT_BYTES)  # what is written from now on is not this run's
    while left and (piece := file.read(min(left, _PIECE_BYTES))):
        left -= len(piece)
        yield piece
        if time.monotonic() > deadline:
            raise TimeoutError
