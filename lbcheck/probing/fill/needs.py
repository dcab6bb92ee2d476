"""What a fill needs of this machine, and what there is."""

import os
import resource
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lbcheck.probing.fill.plan import SPARE_DESCRIPTORS

# Measured on Linux 6.18: the rise of slab for 1,008,000 connections with both ends on one machine, accepted or in
# the listener's queue, rounded up.
SOCKET_BYTES = 3_400  # our end alone
PAIR_BYTES = 7_000  # the other end waits in its listener's queue on this machine
ACCEPTED_PAIR_BYTES = 8_200  # or was accepted: a file and its inode for each
PROCESS_BYTES = 8 << 20  # of a worker, what it does not share with the others
SPARE_FILES = 1_000  # left to the rest of the machine
SPARE_PROCESSES = 20
SPARE_SHARE = 20  # of the machine's memory, one part in so many is left alone, and no less than:
SPARE_BYTES = 256 << 20
UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Needs:
    """What so many connections take."""

    connections: int
    processes: int
    files: int
    memory_bytes: int


@dataclass(frozen=True)
class Room:
    """What this machine has left."""

    descriptors: int  # a process, the hard limit
    files: int
    processes: int
    memory_bytes: int  # beyond what is left to the rest of the machine


def needs(connections: int, processes: int, *, pair_bytes: int, files_each: int = 1) -> Needs:
    """Return what `connections` take over so many worker processes."""
    memory = connections * pair_bytes + processes * PROCESS_BYTES
    return Needs(connections, processes, connections * files_each, memory)


def shortages(need: Needs, room: Room) -> list[str]:
    """Return what there is too little of, a clause each, with how many connections would fit."""
    each = max(1, need.memory_bytes // max(1, need.connections))
    found = []
    if need.memory_bytes > room.memory_bytes:
        found.append(
            f"{gigabytes(need.memory_bytes)} of memory are needed and {gigabytes(room.memory_bytes)} are there, "
            f"enough for {max(0, room.memory_bytes) // each:,}"
        )
    if need.files > room.files:
        found.append(f"{need.files:,} open files are needed and the system has {room.files:,} left (fs.file-max)")
    # Each worker's channel takes a descriptor of the process that started it.
    if need.processes > room.descriptors - SPARE_DESCRIPTORS:
        found.append(f"{room.descriptors:,} file descriptors a process are too few (ulimit -Hn)")
    elif need.processes > room.processes:
        found.append(
            f"{need.processes:,} processes of {room.descriptors:,} file descriptors are needed and "
            f"{room.processes:,} processes are left (ulimit -u, pids.max)"
        )
    return found


def sentence(need: Needs, room: Room) -> str:
    """Say what is needed and what there is."""
    return (
        f"{need.connections:,} connections need {need.processes:,} processes (there are {room.processes:,} left, "
        f"{room.descriptors:,} file descriptors each), {need.files:,} files ({room.files:,}) and "
        f"{gigabytes(need.memory_bytes)} of memory ({gigabytes(room.memory_bytes)})"
    )


def gigabytes(number: int) -> str:
    """Return bytes as people read them."""
    number = max(0, number)
    return f"{number / 1e9:.1f} GB" if number >= 100_000_000 else f"{number / 1e6:.0f} MB"


# --- what there is ---


def room() -> Room:
    """Look at this machine."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allocated, _, most = (int(word) for word in _text("/proc/sys/fs/file-nr", "0 0 0").split())
    return Room(
        descriptors=most if hard == resource.RLIM_INFINITY else hard,
        files=most - allocated - SPARE_FILES,
        processes=_processes_left() - SPARE_PROCESSES,
        memory_bytes=memory_left(),
    )


def raise_descriptors() -> int:
    """Take all file descriptors that this process may have, and say how many: the soft limit is a mere default."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory_left() -> int:
    """Return how many bytes may still be used: of the machine, and of the control group that this process is in."""
    known = meminfo()
    spare = max(SPARE_BYTES, known["MemTotal"] // SPARE_SHARE)
    return min(known["MemAvailable"] - spare, *(most - used - SPARE_BYTES for used, most in _groups("memory")))


def meminfo() -> dict[str, int]:
    """Return /proc/meminfo in bytes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}


def _processes_left() -> int:
    soft = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    of_user = UNLIMITED if soft == resource.RLIM_INFINITY else soft - _own_threads()
    of_all = int(_text("/proc/sys/kernel/threads-max", str(UNLIMITED)))
    of_all -= int(_text("/proc/loadavg", "0 0 0 0/0 0").split()[3].partition("/")[2])
    return min(of_user, of_all, *(limit - used for used, limit in _groups("pids")))


def _own_threads() -> int:
    """Return how many threads this process's user has: those count towards RLIMIT_NPROC, nobody else's do."""
    found = 0
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):  # gone meanwhile
                tasks = (path / "task").stat()
                found += (tasks.st_uid == os.geteuid()) * (tasks.st_nlink - 2)  # a directory for each
    return found


def _groups(controller: str) -> list[tuple[int, int]]:
    """Return (used, most) of each control group around this process (cgroup v2), the outermost last."""
    inner = next((x[3:] for x in _text("/proc/self/cgroup", "").splitlines() if x.startswith("0::")), "/")
    path, found = Path("/sys/fs/cgroup" + inner), []
    while path.is_relative_to("/sys/fs/cgroup"):
        most = _text(f"{path}/{controller}.max", "max")
        if most != "max":
            found.append((int(_text(f"{path}/{controller}.current", "0")), int(most)))
        path = path.parent
    return [*found, (0, UNLIMITED)]


def _text(path: str, otherwise: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return otherwise
