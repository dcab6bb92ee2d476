"""A service's messages in systemd's journal: whether, and when last, it said a certain thing."""

import re
import subprocess
import time
from dataclasses import replace

from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.step import ErrorKind
from lbcheck.sources.failing import EXPECTED, SourceError, explain

SCHEME = "journal:"
_ADVICE = {
    ErrorKind.NOT_FOUND: "is this a host with systemd? A file's path works, too",
    ErrorKind.TIMEOUT: "a longer --timeout may be enough",
}


def count(step: CountLogLines) -> LogLines:
    """Look for the newest message with the token of the unit in `journal:UNIT`, since the machine's start."""
    started = time.monotonic()
    try:
        newest_s = _newest(step.path.removeprefix(SCHEME), step.token, step.timeout_s)
    except EXPECTED as error:
        return replace(step.lost(explain(error, step.path, _ADVICE)), seconds=time.monotonic() - started)
    return LogLines(
        at=step.at,
        server=step.server,
        path=step.path,
        when=step.when,
        frontend=step.frontend,
        lines=int(newest_s > 0),
        newest_s=newest_s,
        seconds=time.monotonic() - started,
    )


def _newest(unit: str, token: str, timeout_s: float) -> float:
    """Return when the newest such message was written; 0 where there is none."""
    command = ["journalctl", "--quiet", "--no-pager", "--boot", "--output=short-unix", "--reverse", "--lines=1"]
    command += [f"--unit={unit}", f"--grep={re.escape(token)}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=timeout_s, text=True)
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if done.stderr.strip():
        raise SourceError(ErrorKind.DENIED, f"journalctl: {done.stderr.strip()}")
    return float(done.stdout.split()[0]) if done.stdout.strip() else 0.0
