"""Runs of one situation, each judged as lbcheck judges it."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bench.verdicts.draws import Draws
from bench.verdicts.situations import Situation
from lbcheck.analysis import sampling
from lbcheck.analysis.sequential import deciding, evenness, planning
from lbcheck.analysis.sequential.deciding import Conclusion

ALPHA = sampling.FALSE_ALARM * sampling.BUDGET["spread"] / 20  # of one of a run's tests, of which there may be 20
DETECT = 0.5


@dataclass(frozen=True)
class Measured:
    """What came of the runs of one situation.

    `fixed`: requests that one exact test with the same guarantees needs. `requests`: of each run, ascending.
    """

    situation: Situation
    passed: int
    failed: int
    inconclusive: int
    fixed: int
    requests: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Mean requests of a run."""
        return sum(self.requests) / len(self.requests)

    def row(self) -> dict[str, object]:
        """Return its row of the table."""
        runs, healthy = len(self.requests), self.situation.healthy
        found = runs - self.passed if not self.situation.told else self.failed
        return {
            "situation": self.situation.name,
            "runs": runs,
            "false alarms": self.failed if healthy else "–",
            "found": "–" if healthy else f"{found / runs:.2%}",
            "inconclusive": self.inconclusive,
            "mean requests": round(self.mean),
            "÷ fixed": self.mean / self.fixed,
            "95 %": self.requests[int(0.95 * runs)],
            "most": self.requests[-1],
        }


def measure(situation: Situation, runs: int, seed: int) -> Measured:
    """Return what came of `runs` runs of `situation`."""
    rng = random.Random(f"{seed} {situation.name}")  # noqa: S311 (a simulation, no secret)
    run = _told(situation) if situation.told else _untold
    outcomes: Counter[str] = Counter()
    requests = []
    for _ in range(runs):
        ended = run(Draws(situation.real, rng))
        outcomes[_outcome(situation, ended)] += 1
        requests.append(ended.requests)
    fixed = planning.plan(situation.weights, ALPHA, sampling.MISS, DETECT).fixed
    counts = (outcomes["pass"], outcomes["fail"], outcomes["inconclusive"])
    return Measured(situation, *counts, fixed, tuple(sorted(requests)))


@dataclass(frozen=True)
class _Run:
    conclusion: Conclusion
    requests: int


def _outcome(situation: Situation, run: _Run) -> str:
    if run.conclusion is Conclusion.HEALTHY:
        return "pass"
    # Where nobody told the weights, uneven shares are no fault.
    return "fail" if run.conclusion is Conclusion.FAULTY and situation.told else "inconclusive"


def _told(situation: Situation) -> Callable[[Draws], _Run]:
    plan = planning.plan(situation.weights, ALPHA, sampling.MISS, DETECT, seldom=situation.seldom)

    def run(draws: Draws) -> _Run:
        state, counts, requests = deciding.begin(plan), Counter[str](), 0
        while state.conclusion is Conclusion.GO_ON:
            counts.update(draws.answers(state.more))
            requests += state.more
            state = deciding.look(plan, state, counts)
        return _Run(state.conclusion, requests)

    return run


def _untold(draws: Draws) -> _Run:
    looks = [draws.answers(planning.OFTEN)]
    even, state = evenness.decide(looks, ALPHA, sampling.MISS, DETECT)
    while state.conclusion is Conclusion.GO_ON:
        looks.append(looks[-1] + draws.answers(state.more))
        if even.weights == evenness.equal_weights(looks[-1]):
            state = deciding.look(even, state, looks[-1])
        else:
            even, state = evenness.decide(looks, ALPHA, sampling.MISS, DETECT)
    return _Run(state.conclusion, looks[-1].total())
