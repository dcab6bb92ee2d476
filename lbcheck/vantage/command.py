"""A command that is run here at its time, in a session of its own. Nothing here ever ends it."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.step import ErrorKind, Failure

END_S = 0.5  # for it to end after a signal that was passed on: then the report is written


class LocalCommand:
    """Runs `step.words` once, `step.after_s` after `stage_began` (of the monotonic clock), unless called off before."""

    def __init__(self, step: RunCommand, stage_began: float) -> None:
        self._step, self._stage_began = step, stage_began
        self._called_off = threading.Event()
        self._ended = threading.Event()  # or it never began
        self._process: subprocess.Popen[bytes] | None = None
        self._began = self._end = 0.0
        self._passed_on = 0  # the number of the signal
        self._result: Commanded | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def ended_for(self, seconds: float) -> bool:
        """Return whether it ended so many seconds ago, or longer."""
        return self._ended.is_set() and time.monotonic() - self._end >= seconds

    def pass_on(self, number: int) -> None:
        """Pass a signal on, once, to all that it runs in its session; if it has not begun, it never will."""
        self._called_off.set()
        if self._process and not self._passed_on and not self._ended.is_set():
            self._passed_on = number
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def result(self) -> Commanded:
        """Wait for its end, for a moment only where a signal was passed on, and return what became of it."""
        while not self._ended.wait(END_S) and not self._called_off.is_set():
            pass
        if self._result:
            return self._result
        if not self._process:
            return self._step.lost(Failure(ErrorKind.INTERNAL, "not run: interrupted before its time"))
        name = f"; {signal.Signals(self._passed_on).name} was passed on to it" if self._passed_on else ""
        return self._made(None, Failure(ErrorKind.TIMEOUT, f"it may still run (process {self._process.pid}){name}"))

    def _run(self) -> None:
        wait_s = self._stage_began + self._step.after_s - time.monotonic()
        if not self._called_off.wait(max(0.0, wait_s)):
            self._began = time.monotonic()
            self._result = self._done()
        self._end = time.monotonic()
        self._ended.set()

    def _done(self) -> Commanded:
        try:
            # What it says goes where diagnostics go: standard output is the report's.
            self._process = subprocess.Popen(
                self._step.words, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
            )
        except OSError as error:
            words = f"cannot be run: {self._step.words[0]}: {error.strerror}"
            return self._made(None, Failure(ErrorKind.NOT_FOUND, words))
        return self._made(self._process.wait(), None)

    def _made(self, status: int | None, failure: Failure | None) -> Commanded:
        return Commanded(
            at=self._step.at,
            words=self._step.words,
            began_s=round(self._began - self._stage_began, 3),
            seconds=time.monotonic() - self._began,
            status=status,
            failure=failure,
        )
