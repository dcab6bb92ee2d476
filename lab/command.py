"""Runs a long command as a phase: its output goes to a log, its current task to the terminal."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab.errors import usage_error
from lab.progress import Phase, keep, phase, tell
from lab.state import Instance

TASK = re.compile(r"(?:TASK|RUNNING HANDLER|PLAY) \[(.*?)\]")  # as ansible-playbook announces them
TAIL_LINES = 40
INTERRUPT_TIMEOUT_S = 10.0  # for a command to end after Ctrl-C, which it got as well


def run_quietly(label: str, command: Sequence[str], instance: Instance) -> int:
    """Run a command; return its exit status. Its whole output is in a log, which is named if it fails."""
    log = _log_file(label, instance)
    with phase(label) as current:
        status = _run(command, log, current)
        current.say("failed" if status else "done")
    if status:
        tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        tell("\n".join([*tail, f"lab: {label} failed (exit status {status}); the whole output is in {log}"]))
    return status


def run_through(label: str, command: Sequence[str]) -> int:
    """Run a command that shows its own progress and results; only its time is kept. Return its exit status."""
    started = time.monotonic()
    with _started(command) as process:
        status = _wait(process)
    keep(label, time.monotonic() - started)
    return status


def _log_file(label: str, instance: Instance) -> Path:
    name = re.sub(r"[^a-zA-Z0-9_-]", "-", label) + ".log"
    if os.access(instance.root, os.W_OK):
        return instance.root / name
    folder = Path(tempfile.gettempdir(), f"lbcheck-lab-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise usage_error(f"{folder} belongs to someone else")
    return folder / name


def _run(command: Sequence[str], log: Path, current: Phase) -> int:
    with log.open("wb") as kept, _started(command, subprocess.PIPE) as process:
        for line in process.stdout or ():
            kept.write(line)
            kept.flush()
            if found := TASK.match(line.decode(errors="replace")):
                current.say(found[1])
        return _wait(process)


def _started(command: Sequence[str], output: int | None = None) -> subprocess.Popen[bytes]:
    errors = None if output is None else subprocess.STDOUT
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    except FileNotFoundError:
        raise usage_error(f"there is no program {command[0]}") from None


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait(INTERRUPT_TIMEOUT_S)
        raise
