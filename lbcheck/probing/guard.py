"""Who sees to the end of a program on a host: it runs as long as its folder is there, and a guard removes the folder.

The guard is a process of its own that outlives the program. It removes the folder, and all that lies around it, once
whoever asked is gone, or at a deadline, and ends itself when the folder is gone, whoever removed it.
"""

import os
import select
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from lbcheck.probing.stopping import Stopped

LOOK_S = 0.1
END_S = 4.0  # for a program to end once its folder is gone: a fill lets go of half a million connections meanwhile


def unwanted(folder: Path | None, *, guarded: bool) -> Stopped:
    """Return what says whether nobody wants this process's work any more: its folder is gone.

    Without a guard, who would remove that, the end of its parent says so, too.
    """
    parent, looked, gone = os.getppid(), time.monotonic(), False

    def stopped() -> bool:
        nonlocal looked, gone
        if not gone and time.monotonic() - looked > LOOK_S / 2:
            looked = time.monotonic()
            gone = bool(folder and not folder.exists()) or (not guarded and os.getppid() != parent)
        return gone

    return stopped


def begin(folder: Path, deadline_s: float) -> None:
    """Start the guard of this process."""
    asked_by, program = _asked_by(), os.getpid()
    if os.fork():
        return
    try:
        _settle_in()
        _guard(folder, time.monotonic() + deadline_s, program, asked_by)
    finally:
        os._exit(0)


def _settle_in() -> None:
    os.setsid()
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # who waits for the end of the program's output must not wait for us
        os.dup2(nowhere, stream)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))


def _guard(folder: Path, deadline: float, program: int, asked_by: Mapping[int, int]) -> None:
    running = _open(program)
    while folder.exists():
        time.sleep(LOOK_S)
        # In this order: in the usual course of things the program ends first.
        lost = any(_parent(pid) != parent for pid, parent in asked_by.items()) and _runs(running)
        if lost or time.monotonic() > deadline:
            _remove(folder)
            break
    end = time.monotonic() + END_S
    while _runs(running) and time.monotonic() < end:
        time.sleep(LOOK_S)
    if _runs(running):
        signal.pidfd_send_signal(running, signal.SIGKILL)


def _remove(folder: Path) -> None:
    around = folder.parent
    for part in (folder, around, around.with_name(f"{around.name}-ansible")):
        shutil.rmtree(part, ignore_errors=True)


def _asked_by() -> dict[int, int]:
    """Return this process and those of its session above it, up to the leader: process → its parent."""
    session, pid, found = os.getsid(0), os.getpid(), {}
    while pid > 1:
        found[pid] = _parent(pid)
        if pid == session:
            break
        pid = found[pid]
    return found


def _parent(pid: int) -> int:
    """Return its parent; 0 where it is gone."""
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])


def _open(pid: int) -> int:
    """Return a descriptor of a process, which no other one can get; −1 where it is gone."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return -1


def _runs(process: int) -> bool:
    return process >= 0 and not select.select([process], [], [], 0)[0]
