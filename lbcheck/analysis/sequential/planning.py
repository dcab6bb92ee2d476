"""How many answers a test by rounds takes: at most, for a healthy fleet at least, and when to look."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lbcheck.analysis.sequential import faults, one_test
from lbcheck.analysis.sequential.faults import Equals, Fault

AT_THE_END = 0.9  # part of alpha that the exact test at the end has; the looks before it share the rest
LONGER = 1.1  # how much longer than one exact test the looks may take, at most

# Where a look costs little: every 20 answers, or more rarely if that makes more than 100 looks.
OFTEN, LOOKS = 20, 100
# Where a round costs seconds: the first after a fifth, then at twentieths.
FIRST, PARTS = 4, 20


@dataclass(frozen=True, eq=False)  # the same test is the same object: `plan` makes it once
class Plan:
    """A test of a fleet's weights, made before the first answer.

    `weights`: server → weight, those with a weight of 0 left out. `alpha`: false alarms at most. `miss`: how often the
    smallest fault is overlooked at most. `detect`: the smallest fault multiplies or divides one weight by 1 − detect.
    `fixed`: answers that one exact test needs. `most`: answers after which this test ends. `least`: answers after which
    it ends if each server gives just what it is owed. `beta`: how often looks before the end may overlook a fault.
    `looks`: after how many answers it may look, ascending. `stride`: it skips those before this part of the answers
    that are likely lacking (`pacing`). `classes`: servers of equal shares; empty if there is nothing to test, with one
    server or none.
    """

    weights: Mapping[str, int]
    alpha: float
    miss: float
    detect: float
    fixed: int
    least: int
    most: int
    beta: float
    looks: tuple[int, ...]
    classes: tuple[Equals, ...]
    stride: float = 0.5

    @property
    def side(self) -> float:
        """The error rate of the exact test at the end, for one server and one direction."""
        return AT_THE_END * self.alpha / (2 * self._tests)

    @property
    def bar(self) -> float:
        """The logarithm of the evidence that calls a server faulty at any look."""
        return math.log(self._tests / ((1 - AT_THE_END) * self.alpha))

    @property
    def _tests(self) -> int:
        return max(1, len(self.weights))

    def missed(self, answers: int) -> float:
        """Return how often the exact test with its part of alpha, after `answers` answers, overlooks a fault."""
        return one_test.missed(self.classes, answers, self.side, self.miss)


def plan(weights: Mapping[str, int], alpha: float, miss: float, detect: float, *, seldom: bool = False) -> Plan:
    """Return the test of `weights` (server → weight, 0 or more).

    `alpha`, `miss`, `detect`: as in `Plan`, each above 0 and below 1; ValueError for others. `seldom`: looks are few,
    because each costs seconds.
    """
    if not all(0 < rate < 1 for rate in (alpha, miss, detect)):
        raise ValueError(f"alpha {alpha}, miss {miss} and detect {detect} must be above 0 and below 1")
    used = tuple((name, weight) for name, weight in weights.items() if weight)
    return _plan(used, alpha, miss, detect, seldom)


@lru_cache(maxsize=128)  # the same test is looked at after each round
def _plan(weights: tuple[tuple[str, int], ...], alpha: float, miss: float, detect: float, seldom: bool) -> Plan:
    used = dict(weights)
    if len(used) < 2:
        return Plan(used, alpha, miss, detect, fixed=1, least=1, most=1, beta=miss, looks=(1,), classes=())
    classes, side = faults.classes(used, detect), alpha / (2 * len(used))
    fixed = one_test.needed(classes, side, miss)
    classes = tuple(replace(equals, finer=_finer(equals, fixed, side, miss)) for equals in classes)
    most, missed = _end(classes, fixed, AT_THE_END * side, miss)
    beta = miss - missed
    looks = _seldom(most) if seldom else _often(most)
    return Plan(
        used, alpha, miss, detect, fixed, _least(classes, beta), most, beta, looks, classes, 1.0 if seldom else 0.5
    )


def _end(classes: Sequence[Equals], fixed: int, side: float, miss: float) -> tuple[int, float]:
    """Return after how many answers the test ends, and how often the exact test then overlooks a fault."""
    most = math.floor(LONGER * fixed)
    while (missed := one_test.missed(classes, most, side, miss)) >= miss:
        most += 1  # only where a handful of answers are enough, and a tenth of them is less than one
    return most, missed


def _finer(equals: Equals, answers: int, side: float, miss: float) -> tuple[Fault, ...]:
    """Return the smallest faults of each direction that matter and that the exact test finds after `answers` answers.

    By the normal approximation. A fault to be found that needs nearly as many answers has none beside it.
    """
    less = one_test.faintest(equals.less, answers, side, miss)
    more = one_test.faintest(equals.more, answers, side, miss)
    finer = (min(less, equals.low), max(more, equals.high))
    found = zip(finer, (equals.less, equals.more), strict=True)
    return tuple(
        faults.fault(equals.share, share)
        for share, known in found
        if abs(share - equals.share) < 0.98 * abs(known.share - equals.share)
    )


def _least(classes: Iterable[Equals], beta: float) -> int:
    """Return after how many answers no fault is likely any more, if each server gives just what it is owed."""
    slowest = min(fault.falls for equals in classes for fault in equals.to_rule_out)
    return math.ceil(-math.log(beta) / slowest)


def _often(most: int) -> tuple[int, ...]:
    return (*range(step := max(OFTEN, math.ceil(most / LOOKS)), most, step), most)


def _seldom(most: int) -> tuple[int, ...]:
    return tuple(dict.fromkeys(math.ceil(part * most / PARTS) for part in range(FIRST, PARTS + 1)))
