"""Whether a fleet is even, where nobody told its weights: the test of equal weights for the servers that answered."""

from collections.abc import Mapping, Sequence

from lbcheck.analysis.sequential import deciding, planning
from lbcheck.analysis.sequential.deciding import Decision
from lbcheck.analysis.sequential.planning import Plan


def equal_weights(counts: Mapping[str, int]) -> dict[str, int]:
    """Return server → 1 for each server that answered."""
    return {name: 1 for name, answers in counts.items() if answers}


def decide(
    looks: Sequence[Mapping[str, int]],
    alpha: float,
    miss: float,
    detect: float,
    *,
    seldom: bool = False,
    closed: bool = False,
) -> tuple[Plan, Decision]:
    """Return the test of equal weights for all servers that answered by the last look, and what it decides.

    The arguments are those of `planning.plan` and `deciding.decide`. HEALTHY: no server that answered has a weight that
    is off by what is to be found. FAULTY: the weights are not equal, which is no fault where nobody told them. A
    server that never answered is not seen.
    """
    weights = equal_weights(looks[-1]) if looks else {}
    even = planning.plan(weights, alpha, miss, detect, seldom=seldom)
    return even, deciding.decide(even, looks, closed=closed)
