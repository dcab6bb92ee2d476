"""A command that is run here at its time, in a session of its own, and ended with all its children."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.step import ErrorKind, Failure

LINGER_S = 5.0  # that it may last beyond the watch; then it is ended
END_S = 2.0  # between asking it to end and ending it


class LocalCommand:
    """Runs `step.words` once, `step.after_s` after `stage_began` (of the monotonic clock), unless ended before."""

    def __init__(self, step: RunCommand, stage_began: float) -> None:
        self.result: Commanded | None = None  # None: it has not begun, or has not ended
        self._step, self._stage_began = step, stage_began
        self._cancel = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, *, linger_s: float = 0.0) -> None:
        """Let it end by itself for so long; then end it with all its children, as far as they are in its session."""
        self._thread.join(linger_s)
        self._cancel.set()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._thread.is_alive() and self._process:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            self._thread.join(END_S)

    def _run(self) -> None:
        if self._cancel.wait(self._stage_began + self._step.after_s - time.monotonic()):
            return
        began = time.monotonic()
        status, failure = None, None
        try:
            # What it says goes where diagnostics go: standard output is the report's.
            self._process = subprocess.Popen(
                self._step.words, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
            )
            status = self._process.wait()
        except OSError as error:
            failure = Failure(ErrorKind.NOT_FOUND, f"cannot be run: {self._step.words[0]}: {error.strerror}")
        if self._cancel.is_set():
            status, failure = None, Failure(ErrorKind.TIMEOUT, "did not end by itself, and was ended")
        self.result = Commanded(
            at=self._step.at,
            words=self._step.words,
            began_s=round(began - self._stage_began, 3),
            seconds=time.monotonic() - began,
            status=status,
            failure=failure,
        )
