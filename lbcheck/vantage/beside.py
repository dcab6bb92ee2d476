"""Run a command here beside the steps of a plan, once every host has surely begun to watch.

Hosts answer only when they have ended, so nobody says "begun". What is known: how long the rehearsal, which is the same
step on the same hosts, took from its stage's begin to its last sample. A watch begins within that time again; the
command waits for longer, or is not run at all. And afterwards: a sample that came T s after its stage's begin, of a
watch of W s, had begun T − W s after it at the latest. Clocks of different hosts are never compared.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.plan import Plan, Stage
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.watch import Watched
from lbcheck.probing.stopping import Hearing
from lbcheck.vantage.command import LocalCommand

LOOK_S = 0.1  # how often to look whether the command has ended


class Beside:
    """What a plan says to run here beside its other steps, and when those have gone on for long enough."""

    def __init__(self, plan: Plan, signals: Hearing) -> None:
        self._signals = signals
        stages = [Stage(s.name, tuple(x for x in s.steps if not isinstance(x, RunCommand))) for s in plan.stages]
        self.others = Plan(tuple(stages))  # what is left for a vantage
        self.stages = [s.name for s in plan.stages if any(isinstance(x, RunCommand) for x in s.steps)]
        self._step = next((x for s in plan.stages for x in s.steps if isinstance(x, RunCommand)), None)
        self._stage_began = self._last_heard = time.monotonic()
        self._answered = False  # in the rehearsal
        self._command: LocalCommand | None = None
        self._refused: Commanded | None = None

    def begun(self, stage: str) -> None:
        """Take note that a stage begins; of the command's stage: have it run in time."""
        rehearsal_s = self._last_heard - self._stage_began
        self._stage_began = time.monotonic()
        if not self._step or stage not in self.stages or self._command:
            return
        if reason := self._why_not(self._step, rehearsal_s):
            self._refused = self._step.lost(reason)
        else:
            self._command = LocalCommand(self._step, self._stage_began)

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

    def over(self) -> bool:
        """Return whether the steps should end: a signal came, or the command ended long enough ago."""
        if self._signals():
            self._pass_on()
            return True
        if not self._step:
            return False
        if self._command:
            return self._command.ended_for(self._step.then_s)
        return bool(self._refused) and time.monotonic() - self._stage_began > self._step.after_s + self._step.then_s

    def _pass_on(self) -> None:
        if self._command:
            self._command.pass_on(self._signals.number)

    def ended(self) -> Iterator[Sample]:
        """Wait for the command, however long it takes, and yield what became of it; a signal ends the waiting."""
        if not self._step:
            return
        if not self._command:
            yield self._refused or self._step.lost(Failure(ErrorKind.INTERNAL, "not run: the watch ended before"))
            return
        while not self._command.ended_for(0.0) and not self._signals():
            time.sleep(LOOK_S)
        if self._signals():
            self._pass_on()
        yield self._command.result()
