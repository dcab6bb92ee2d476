"""Runs programs, and says in a sentence which one failed and why; knows what is mounted."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab.errors import LabError, usage_error

WATCHES = 4  # inotify instances of a host: systemd has three, dbus-daemon one


def run(command: Sequence[str], given: str = "", doing: str = "") -> str:
    """Run a program to its end and return its output; LabError, with its last words, if it fails."""
    try:
        result = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed: `lab/setup` installs what the lab needs") from None
    if result.returncode:
        words = result.stderr.strip() or result.stdout.strip() or f"exit status {result.returncode}"
        raise LabError(f"{doing or 'running ' + command[0]} failed: {'; '.join(words.splitlines()[-3:])}")
    return result.stdout


def need_root() -> None:
    """Refuse to go on as anyone but root: namespaces, mounts and cgroups are root's."""
    if os.geteuid():
        raise usage_error("the lab needs root: namespaces, mounts and cgroups (try sudo)")


def need_watches(hosts: int) -> None:
    """Refuse to start so many hosts that root's inotify instances run out: systemd ends without a word then."""
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text(encoding="ascii"))
    used = sum(_is_watch(descriptor) for descriptor in Path("/proc").glob("[0-9]*/fd/*"))
    if used + hosts * WATCHES > limit:
        raise LabError(
            f"{hosts} more hosts take {hosts * WATCHES} inotify instances, and {used} of {limit} are in use: "
            "take another lab down (LAB_INSTANCE=… make lab-down) or raise fs.inotify.max_user_instances"
        )


def _is_watch(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor) == "anon_inode:inotify"  # noqa: PTH115 (what it names is no path)
    except OSError:
        return False  # ended meanwhile


def mounts_below(folder: Path) -> list[str]:
    """Return the mount points at or below a folder, the last mounted first."""
    points = [fields[4] for fields in _mountinfo()]
    return [point for point in reversed(points) if Path(point).is_relative_to(folder)]


def mount_points(kind: str) -> list[Path]:
    """Return where file systems of a kind are mounted."""
    return [Path(fields[4]) for fields in _mountinfo() if fields[fields.index("-") + 1] == kind]


def _mountinfo() -> list[list[str]]:
    return [line.split() for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]


def unmount(points: Sequence[str]) -> None:
    """Unmount, in the order given."""
    if points:
        run(["umount", *points], doing=f"unmounting {', '.join(points)}")
