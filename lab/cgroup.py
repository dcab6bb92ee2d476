"""A control group for each host, below one for the instance: whatever a host started is found there, and ends there."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.state import Instance
from lab.system import mount_points

KILL_TIMEOUT_S = 20.0  # a killed process ends in milliseconds, unless it waits for a disk
REAP_TIMEOUT_S = 5.0  # a zombie does no harm, should init never look


def mounted_at() -> Path:
    """Return where cgroup v2 is mounted: /sys/fs/cgroup, or below it where version 1 is there too."""
    for point in [Path("/sys/fs/cgroup"), *mount_points("cgroup2")]:
        # A mount may be hidden by a later one: what is really seen at a place says its file that version 1 has not.
        if (point / "cgroup.controllers").exists():
            return point
    raise LabError("cgroup v2 is not mounted on this machine: systemd in the lab's hosts needs it")


def of_instance(instance: Instance) -> Path:
    """Return the control group of the whole instance."""
    return mounted_at() / f"lbcheck-lab-{instance.name}"


def of_host(instance: Instance, host: str) -> Path:
    """Return the control group of one host."""
    return of_instance(instance) / host


def clear(group: Path) -> list[int]:
    """Kill every process of a group, wait until none is in it, remove the group. Return who was in it."""
    if not group.exists():
        return []
    killed = _processes(group)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while _populated(group):
        _kill(group)
        if time.monotonic() > deadline:
            raise LabError(f"these processes do not end: {', '.join(map(str, _processes(group)))} ({group})")
        time.sleep(0.005)
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(FileNotFoundError):  # systemd in it removes its own while it ends
            Path(folder).rmdir()
    return killed


def wait_until_reaped(pids: list[int]) -> None:
    """Wait until the machine's init has taken note of ended processes: some do that every other second only."""
    deadline = time.monotonic() + REAP_TIMEOUT_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.005)


def _populated(group: Path) -> bool:
    return "populated 1" in (group / "cgroup.events").read_text(encoding="ascii")


def _kill(group: Path) -> None:
    try:
        (group / "cgroup.kill").write_text("1", encoding="ascii")
    except OSError:  # before Linux 5.14
        for pid in _processes(group):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _processes(group: Path) -> list[int]:
    pids: list[int] = []
    for folder, _, _ in os.walk(group):
        with suppress(OSError):
            pids += map(int, (Path(folder) / "cgroup.procs").read_text(encoding="ascii").split())
    return pids
