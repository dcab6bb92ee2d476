"""After how many draws a wrong weight is beyond the bound of cycles: counts within it then show that none is wrong."""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from lbcheck.analysis import binomial
from lbcheck.analysis.sequential.faults import reweighted
from lbcheck.analysis.wheels.cycle import ROUNDING, Cycle


def draws_needed(cycle: Cycle, cycles: int, detect: float, miss: float) -> float:
    """Return after how many draws each weight to be found is beyond its bound but with a probability of at most `miss`.

    `cycles`: how many may be off at once. `detect`: as in `faults.classes`. Infinite where the bound grows faster.
    """
    faults = {*_faults(cycle, cycles, detect)}
    if any(fault.apart <= fault.drift for fault in faults):
        return math.inf

    def enough(draws: int) -> bool:
        return all(fault.hidden(draws) <= miss for fault in faults)

    most = 1
    while not enough(most):
        most *= 2
    return bisect_left(range(most), True, lo=most // 2, key=enough)


@dataclass(frozen=True)
class _Fault:
    """A server that gets `wrong` of the draws and not `share`; it may be off by `bound` and by `drift` of them."""

    share: float
    wrong: float
    bound: float
    drift: float

    @property
    def apart(self) -> float:
        """How much of the draws it has too many or too few."""
        return abs(self.wrong - self.share)

    def hidden(self, draws: int) -> float:
        """Return how likely it is not beyond its bound."""
        owed, allowed = self.share * draws, self.bound + (self.drift + ROUNDING) * draws
        if self.wrong < self.share:
            return binomial.at_least(math.ceil(owed - allowed), draws, self.wrong)
        return binomial.at_most(math.floor(owed + allowed), draws, self.wrong)


def _faults(cycle: Cycle, cycles: int, detect: float) -> Iterator[_Fault]:
    for share, bound in zip(cycle.shares, cycle.bounds, strict=True):
        for factor in (1 - detect, 1 / (1 - detect)) if 0 < share < 1 else ():
            yield _Fault(share, reweighted(share, factor), cycles * bound, cycle.drift * share)
