"""A folder of things that take minutes to build: built by one process at a time, and only where there is room."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.progress import Phase


@contextmanager
def locked(folder: Path, current: Phase) -> Iterator[None]:
    """Hold the folder for one process; made where it is missing. Another build is waited for, and that is said."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            current.say("waiting for another build")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def need_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise LabError where the folder's disk is too full to build something."""
    if (free := shutil.disk_usage(folder).free) < needed_bytes:
        raise LabError(
            f"{folder} has {free // 1_000_000} MB free; building the {what} takes {needed_bytes // 1_000_000} MB"
        )
