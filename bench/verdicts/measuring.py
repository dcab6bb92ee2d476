"""Runs of one situation, each planned, gone on with and judged as lbcheck does it."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.verdicts.fleet import Fleet
from bench.verdicts.situations import Situation
from lbcheck.analysis import sampling
from lbcheck.checks import spread
from lbcheck.checks.spread import budget
from lbcheck.model.requests import Answers
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Outcome, Verdict, gravest


@dataclass(frozen=True)
class Run:
    """One run. `requests`: that were sent. `findings`: the sentences of its outcome."""

    outcome: Outcome
    requests: int
    rounds: int
    findings: tuple[str, ...]


def run(situation: Situation, seed: int, number: int) -> Run:
    """Return what comes of a run; the same for the same seed and number."""
    rng = random.Random(f"{seed} {situation.name} {number}")  # noqa: S311 (a simulation, no secret)
    fleet, question, options = Fleet(situation.design, rng), situation.question, situation.options
    samples: list[Sample] = []
    todo, rounds = spread.plan(question, options), 0
    while todo.stages:
        samples += [fleet.carry(step) for stage in todo.stages for step in stage.steps]
        todo, rounds = spread.further(question, options, samples), rounds + 1
    verdicts = spread.judge(question, samples)
    outcome = gravest(verdict.outcome for verdict in verdicts)
    sent = sum(sample.sent for sample in samples if isinstance(sample, Answers))
    return Run(outcome, sent, rounds, tuple(_sentences(verdicts, outcome)))


def _sentences(verdicts: list[Verdict], outcome: Outcome) -> Iterator[str]:
    for verdict in verdicts:
        yield from (found.message for found in verdict.findings if found.outcome is outcome)


@dataclass(frozen=True)
class Measured:
    """What came of the runs of one situation, from number `first` on."""

    situation: Situation
    runs: tuple[Run, ...]
    first: int = 0

    def ended(self, outcome: Outcome) -> int:
        """Return how many runs ended so."""
        return sum(run.outcome is outcome for run in self.runs)

    @property
    def found(self) -> int | None:
        """How many runs found the fault; None: there is none. Where nobody accuses, not to pass is all that is owed."""
        if self.situation.healthy:
            return None
        accused = self.ended(Outcome.FAIL)
        return accused if self.situation.knowledge.accuses else len(self.runs) - self.ended(Outcome.PASS)

    @property
    def requests(self) -> list[int]:
        """The requests of each run, ascending."""
        return sorted(run.requests for run in self.runs)

    @property
    def mean(self) -> float:
        """Mean requests of a run."""
        return sum(self.requests) / len(self.runs)

    @property
    def odd(self) -> list[int]:
        """Places of the runs that ended as they should not, those that do harm first."""
        harm = Outcome.FAIL if self.situation.healthy else Outcome.PASS
        outcomes = [run.outcome for run in self.runs]
        doubtful = [number for number, outcome in enumerate(outcomes) if outcome is Outcome.INCONCLUSIVE]
        return [number for number, outcome in enumerate(outcomes) if outcome is harm] + doubtful

    def row(self) -> dict[str, object]:
        """Return its row of the table."""
        requests, situation = self.requests, self.situation
        return {
            "situation": situation.name,
            "kind": "healthy" if situation.healthy else "fault",
            "first": self.first,
            "runs": len(self.runs),
            "fail": self.ended(Outcome.FAIL),
            "pass": self.ended(Outcome.PASS),
            "inconclusive": len(self.runs) - self.ended(Outcome.FAIL) - self.ended(Outcome.PASS),
            "found": self.found,
            "mean requests": round(self.mean),
            "÷ one round": round(self.mean / in_one_round(situation), 2),
            "95 %": requests[int(0.95 * len(requests))],
            "most": requests[-1],
        }


def in_one_round(situation: Situation) -> int:
    """Return how many requests a single round takes that finds a halved weight from the clients' counts alone."""
    names = map(str, range(len(situation.weights)))
    weights = dict(zip(names, situation.weights, strict=True))
    one = sampling.needed_for_multinomial(weights, budget.ALPHA / budget.FEWEST_TESTS)
    return one * len(situation.knowledge.balancers)


def measure(situation: Situation, runs: int, seed: int, minutes: float = float("inf"), first: int = 0) -> Measured:
    """Return what came of the runs from number `first` up to `runs`, or of as many as there is time for."""
    until = time.process_time() + 60 * minutes  # of this core: others may use the machine
    done = []
    for number in range(first, runs):
        done.append(run(situation, seed, number))
        if time.process_time() > until:
            break
    return Measured(situation, tuple(done), first)
