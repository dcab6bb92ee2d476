"""The error rate of each test of a spread: all tests of a run share what this check may err."""

import math
from collections.abc import Mapping, Sequence

from lbcheck.analysis import sampling, silence
from lbcheck.model.question import Question

ALPHA = sampling.FALSE_ALARM * sampling.BUDGET["spread"]
FEWEST_TESTS = 20  # the error rate is divided by at least this many tests


def of_one_test(question: Question) -> float:
    """Return the error rate of one test. The divisor is fixed before the first request.

    Each verdict has two tests, of the shares and of whether errors come from all alike, and that of silence. Each
    frontend has one more: of what a server is chosen for, as kept connections show it.
    """
    tests = len(question.cluster.web) * ((2 + silence.RATES) * (2 + len(question.cluster.balancers)) + 1)
    return ALPHA / max(FEWEST_TESTS, tests)


def split(question: Question, balancers: Sequence[str], parts: int = 1) -> Mapping[str | None, float]:
    """Return the error rate of the test of all balancers together (None), and of the test of each of `balancers`.

    Balancers that only answers name were not planned for. They share the rate of one test more: the j-th of them takes
    6/(π²j²) of it, and the sum of that over all j is one. `parts`: backends that share a frontend, and its rate.
    """
    alpha = of_one_test(question) / parts
    planned = {balancer.name for balancer in question.cluster.balancers}
    found = [name for name in balancers if name not in planned]
    rates: dict[str | None, float] = dict.fromkeys((None, *planned), alpha)
    return rates | {name: alpha * 6 / (math.pi * place) ** 2 for place, name in enumerate(found, start=1)}
