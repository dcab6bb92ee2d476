"""Where an instance of the lab keeps what it knows, and the lock that one command at a time holds."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError, usage_error

STATE = Path("/run/lbcheck-lab")
INSTANCE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Instance:
    """One lab among several on this machine: all that it makes carries its name."""

    name: str

    @property
    def root(self) -> Path:
        """The folder that holds everything recorded about it."""
        return STATE / self.name

    @property
    def bridges(self) -> Path:
        """The network namespace that holds its bridges."""
        return self.root / "bridges.netns"

    @property
    def hosts(self) -> Path:
        """The folder with a folder for each host."""
        return self.root / "hosts"

    def known_hosts(self) -> list[str]:
        """Return the names of the hosts that something is recorded about."""
        with suppress(FileNotFoundError):
            return sorted(path.name for path in self.hosts.iterdir())
        return []


def current_instance() -> Instance:
    """Return the instance that LAB_INSTANCE names; `lab` if it names none."""
    name = os.environ.get("LAB_INSTANCE") or "lab"
    if not INSTANCE_NAME.fullmatch(name):
        raise usage_error(f"LAB_INSTANCE='{name}': up to 31 lower case letters, digits and '-' name an instance")
    return Instance(name)


@contextmanager
def locked(instance: Instance) -> Iterator[None]:
    """Hold the instance alone; LabError says who else has it. Nothing of the lock is left behind in the end."""
    path = STATE / f"{instance.name}.lock"
    descriptor = _acquire(path, instance)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):  # another instance's things are in it
            STATE.rmdir()


def _acquire(path: Path, instance: Instance) -> int:
    while True:
        try:
            path.parent.mkdir(mode=0o755, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # another instance just took the empty folder away
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode().strip() or "unknown"
            os.close(descriptor)
            raise LabError(f"another command is working on the lab '{instance.name}' (process {holder})") from None
        # Whoever held it before may have removed the file between our open and our lock: then it locks nothing.
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            os.write(descriptor, f"{os.getpid()}\n".encode())
            return descriptor
        os.close(descriptor)


def start_time(pid: int) -> str | None:
    """Return when a process started, in ticks: with the pid it names a process for ever. None if it has ended."""
    with suppress(OSError):
        # The program's name, in parentheses, may hold anything: fields are counted from behind it (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    return None
