"""Files that the user names for a result: what each name leads to, whether that can be written, and the writing.

A regular file is replaced whole, in its own folder, and keeps its mode and owner; so a full disk leaves the old one. A
device, a pipe and what the shell has opened (/dev/stdout, `>(…)`) are written into, and stay what they are.
"""

import errno
import fcntl
import os
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from lbcheck.documents import SILENCE_S
from lbcheck.errors import LbcheckError
from lbcheck.streams import say

LOOK_S = 0.05  # how often to look whether somebody reads from a pipe
LINKS = 40  # that the kernel follows in one path (path_resolution(7))


@dataclass(frozen=True)
class Target:
    """What a name leads to, every link followed."""

    name: str
    path: Path
    status: os.stat_result | None  # None: there is nothing yet
    descriptor: int | None  # the number of what this process has open, where the name leads to that
    is_file: bool  # it is, or will be, a file that has this path: no device, no pipe, nothing that somebody has open

    @classmethod
    def of(cls, name: str) -> Self:
        """Return what a name leads to; OSError where the system cannot tell, as for links that go round."""
        try:
            status = os.stat(name)  # noqa: PTH116 (a name, as the user gave it)
        except FileNotFoundError:
            status = None
        path, descriptor = Path(os.path.realpath(name)), _descriptor(name)
        return cls(name, path, status, descriptor, descriptor is None and (status is None or _is_at(path, status)))


def _is_at(path: Path, status: os.stat_result) -> bool:
    """Return whether a path is that regular file's: links below /proc lead to files that have none."""
    return stat.S_ISREG(status.st_mode) and path.exists() and os.path.samestat(path.stat(), status)


def _descriptor(name: str) -> int | None:
    """Return N where a name leads to /dev/fd/N. Opened by that path, a file would be emptied, or begun anew."""
    path, own = Path(name), Path("/dev/fd").resolve()
    for _ in range(LINKS):
        path = path.parent.resolve() / path.name
        if path.parent == own and path.name.isdecimal():
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


def check(said_by: str, name: str, *, new: bool = False) -> None:
    """Raise LbcheckError where a result could not be written, before anything is measured; `new`: nor may it exist."""
    target = Target.of(name)
    if reason := _why_not(target, new=new):
        raise LbcheckError(f"{said_by} {name}: {reason}")


def _why_not(target: Target, *, new: bool) -> str:
    if target.descriptor is not None:
        return "" if _can_be_written(target.descriptor) else "it is not open for writing"
    if target.status is None:
        return _why_not_made(target.path.parent)
    if stat.S_ISDIR(target.status.st_mode):
        return "it is a directory; give the name of a file"
    if stat.S_ISSOCK(target.status.st_mode):
        return "it is a socket; give the name of a file"
    if new and target.is_file:
        return "it exists already; samples are only ever added to a file of their own"
    return "" if os.access(target.name, os.W_OK) else "it cannot be written"


def _can_be_written(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, OverflowError):
        return False


def _why_not_made(folder: Path) -> str:
    """Return why a file cannot be made in a folder; what is tried is a file that goes again."""
    if not folder.is_dir():
        return f"there is no directory {folder}"
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"no file can be made in {folder}: {error.strerror}"


def same(name: str, other: str) -> bool:
    """Return whether two names lead to the same file, also to one that is not there yet."""
    try:
        first, second = Target.of(name), Target.of(other)
    except OSError:  # no name of a file: `-i` takes a list of hosts, too
        return False
    if not first.is_file or first.status is None or second.status is None:
        return first.is_file and first.path == second.path
    return os.path.samestat(first.status, second.status)


def write(name: str, content: bytes, *, silence_s: float = SILENCE_S) -> None:
    """Write a result whole; OSError where that fails, and then an old file that can be replaced is as it was."""
    target = Target.of(name)
    if target.is_file and _replaced(target, content):
        return
    with open(_opened(target, silence_s), "wb") as file:
        file.write(content)


def _opened(target: Target, silence_s: float = SILENCE_S) -> int:
    """Open what is there already, to be written into."""
    if target.descriptor is not None:
        return os.dup(target.descriptor)
    if target.is_file:
        return os.open(target.path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    if target.status and stat.S_ISFIFO(target.status.st_mode):
        return _opened_pipe(target.name, silence_s)
    return os.open(target.name, os.O_WRONLY | os.O_NOCTTY)


def _opened_pipe(name: str, silence_s: float) -> int:
    """Open a pipe once somebody reads there; OSError where nobody comes. The system would wait for ever."""
    end = time.monotonic() + silence_s
    while True:
        try:
            descriptor = os.open(name, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ENXIO, f"nobody reads from this pipe; waited for {silence_s:g} s", name) from None
            time.sleep(LOOK_S)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def _replaced(target: Target, content: bytes) -> bool:
    """Write a new file beside the target, then in its place.

    Return False where an old one cannot be replaced by one of its owner: there is no right to give it away, or none to
    make files in the folder.
    """
    old = target.status
    try:
        # Under a random name, O_EXCL and O_NOFOLLOW: nobody can have laid something there.
        descriptor, new = tempfile.mkstemp(prefix=".lbcheck-", dir=target.path.parent)
    except PermissionError:
        if old:
            return False
        raise
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 (a descriptor)
            if old:
                os.fchown(descriptor, old.st_uid, old.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(old.st_mode) if old else 0o666 & ~_umask())
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(new).replace(target.path)
    except BaseException as error:
        Path(new).unlink()
        if old and isinstance(error, PermissionError):
            return False
        raise
    return True


def _umask() -> int:
    """Return what a new file's mode is without; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


class Lines:
    """A new file that grows line by line, each on the disk before the next; a context manager.

    Where it cannot grow any more (a full disk, a reader who left) that is said once, and nothing stops for it.
    """

    def __init__(self, said_by: str, name: str) -> None:
        check(said_by, name, new=True)
        target = Target.of(name)
        self._called = f"{said_by} {name}"
        try:
            self._descriptor = _made(target.path) if target.status is None else _opened(target)
        except OSError as error:
            raise LbcheckError(f"{self._called}: {error.strerror}") from None
        self._ended = False

    def write(self, lines: str) -> None:
        """Add lines, whole."""
        rest = memoryview(b"" if self._ended else lines.encode())
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._ended = True
            say(f"{self._called}: {error.strerror}; what follows is not kept")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):
            os.close(self._descriptor)


def _made(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
