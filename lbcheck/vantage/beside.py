"""Run a command here beside the steps of a plan, once every host has surely begun to watch.

Hosts answer only when they have ended, so nobody says "begun". What is known: how long the rehearsal, which is the same
step on the same hosts, took from its stage's begin to its last sample. A watch begins within that time again; the
command waits for longer, or is not run at all. And afterwards: a sample that came T s after its stage's begin, of a
watch of W s, had begun T − W s after it at the latest. Clocks of different hosts are never compared.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from lbcheck.model.plan import Plan, Stage
from lbcheck.model.sample import ErrorKind, Failure, Sample
from lbcheck.model.watch import Commanded, RunCommand, Watched

LINGER_S = 5.0  # that a command may last beyond the watch; then it is ended
END_S = 2.0  # between asking it to end and ending it


class Beside:
    """What a plan says to run here beside its other steps; a context manager, after which no command of ours runs."""

    def __init__(self, plan: Plan) -> None:
        stages = [Stage(s.name, tuple(x for x in s.steps if not isinstance(x, RunCommand))) for s in plan.stages]
        self.others = Plan(tuple(stages))  # what is left for a vantage
        self.stages = [s.name for s in plan.stages if any(isinstance(x, RunCommand) for x in s.steps)]
        self._step = next((x for s in plan.stages for x in s.steps if isinstance(x, RunCommand)), None)
        self._stage_began = self._last_heard = time.monotonic()
        self._answered = False  # in the rehearsal
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._result: Commanded | None = None

    def begun(self, stage: str) -> None:
        """Take note that a stage begins; of the command's stage: have it run in time."""
        rehearsal_s = self._last_heard - self._stage_began
        self._stage_began = time.monotonic()
        if self._step and stage in self.stages and not self._thread:
            if reason := self._why_not(self._step, rehearsal_s):
                self._result = self._sample(failure=reason)
                return
            self._thread = threading.Thread(target=self._run, args=(self._step, self._stage_began), daemon=True)
            self._thread.start()

    def _why_not(self, step: RunCommand, rehearsal_s: float) -> Failure | None:
        """Say why nothing should be broken now: nobody would see it well."""
        if not self._answered:
            return Failure(ErrorKind.UNREACHABLE, "not run: there was no answer even before it")
        if rehearsal_s + 1.0 > step.after_s:
            enough = f"hosts took {rehearsal_s:.1f} s to begin and report; --lead {rehearsal_s * 1.5 + 2:.0f} would do"
            return Failure(ErrorKind.TIMEOUT, f"not run: {enough}")
        return None

    def heard(self, sample: Sample) -> Sample:
        """Return a sample with what only we know: by when it had begun."""
        if not isinstance(sample, Watched) or sample.failure:
            return sample
        self._last_heard = time.monotonic()
        if sample.rehearsal:
            self._answered = self._answered or any(seen.balancers for seen in sample.seen)
        return replace(sample, began_by_s=max(0.0, round(self._last_heard - self._stage_began - sample.seconds, 3)))

    def ended(self, *, stopped: bool) -> Iterator[Sample]:
        """Wait for the command, not for ever, and yield what became of it."""
        if not self._step:
            return
        if self._thread:
            if stopped:
                self._cancel.set()
            self._thread.join(0.0 if stopped else LINGER_S)
            self._end()
        yield self._result or self._sample(failure=Failure(ErrorKind.INTERNAL, "not run: the watch ended before"))

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _sample(
        self, *, began: float | None = None, status: int | None = None, failure: Failure | None = None
    ) -> Commanded:
        step, now = self._step, time.monotonic()
        began_s = None if began is None else round(began - self._stage_began, 3)
        seconds = 0.0 if began is None else now - began
        words = step.words if step else ()
        return Commanded(
            at=step.at if step else "", words=words, began_s=began_s, status=status, seconds=seconds, failure=failure
        )

    def _run(self, step: RunCommand, stage_began: float) -> None:
        if self._cancel.wait(stage_began + step.after_s - time.monotonic()):
            return
        began = time.monotonic()
        try:
            # What it says goes where diagnostics go: standard output is the report's.
            self._process = subprocess.Popen(
                step.words, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
            )
        except OSError as error:
            reason = Failure(ErrorKind.NOT_FOUND, f"cannot be run: {step.words[0]}: {error.strerror}")
            self._result = self._sample(began=began, failure=reason)
            return
        status = self._process.wait()
        if self._cancel.is_set():
            ended = Failure(ErrorKind.TIMEOUT, "did not end by itself, and was ended")
            self._result = self._sample(began=began, failure=ended)
        else:
            self._result = self._sample(began=began, status=status)

    def _end(self) -> None:
        """End the command with all its children, as far as they are in its session still."""
        self._cancel.set()
        if not self._thread:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._thread.is_alive() and self._process:
                with suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            self._thread.join(END_S)
