"""How many choices show that one server's weight is wrong, where the balancer keeps a cycle."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from lbcheck.analysis.wheels.cycle import ROUNDING, Cycle, assumed
from lbcheck.analysis.wheels.wheel import LONGEST, Weights, Wheel, turn

# By how much a wrong weight can widen a server's bound, where a bound counts as 1 at least, as that of a server chosen
# at regular intervals. No proof: none of the wrong weights in tests/unit/test_wheels.py, on any wheel, widens it more.
_WIDENED = 2


def turn_or_assume(wheel: Wheel | None, weights: Sequence[int]) -> Cycle:
    """Return what `wheel` owes; what is assumed of a cycle where the wheel is not known (None), or too long to turn."""
    return (turn(wheel, weights) if wheel else None) or assumed(weights)


def needed(
    wheel: Wheel | None, weights: Sequence[int], cycles: int = 1, detect: float = 0.5, beyond: float = 0.0
) -> int | None:
    """Return how many choices put a server of a wrong weight out of its bound by `beyond` choices, wherever they begin.

    Wrong is a weight × (1 − `detect`), or ÷ (1 − `detect`), of any one server; `detect` is above 0 and below 1.
    `cycles` as in `Cycle.allowed`. From this number of choices on, every number is enough. None: no number is, because
    the fault is smaller than what is allowed where the wheel was not turned. With fewer than two servers that have a
    weight there is nothing to tell apart, and one choice is enough.
    """
    used = tuple(weight for weight in weights if weight)
    return _needed(wheel, used, cycles, Fraction(detect).limit_denominator(1000), beyond) if len(used) > 1 else 1


@dataclass(frozen=True)
class _Fault:
    """One server has a wrong `weight`."""

    victim: int
    weight: Fraction

    def weights(self, weights: Weights) -> Weights:
        """Return the faulty weights, at the scale at which all are whole numbers."""
        scaled = [weight * self.weight.denominator for weight in weights]
        scaled[self.victim] = self.weight.numerator
        return tuple(scaled)

    def share(self, weights: Weights, total: int) -> float:
        """Return the victim's share by the faulty weights; `total` is the sum of the right ones."""
        return float(self.weight / (total - weights[self.victim] + self.weight))

    def shown_after(self, healthy: Cycle, share: float, bound: float, together: tuple[int, float]) -> float:
        """Return after how many choices a victim that gets `share`, give or take `bound`, is out of its own bound.

        `together`: how many cycles are off at once, and by how much it has to be out of the bound.
        """
        owed = healthy.shares[self.victim]
        apart = abs(owed - share) - healthy.drift * owed - ROUNDING
        cycles, beyond = together
        return (cycles * (healthy.bounds[self.victim] + bound) + beyond) / apart if apart > 0 else math.inf


def _faults(weights: Weights, detect: Fraction, ordered: bool) -> Iterator[_Fault]:
    """Yield every fault; of servers of equal weight one stands for all, if their order does not matter."""
    first = {weight: victim for victim, weight in reversed(list(enumerate(weights)))}
    for victim in range(len(weights)) if ordered else first.values():
        yield _Fault(victim, weights[victim] * (1 - detect))
        yield _Fault(victim, weights[victim] / (1 - detect))


@lru_cache(maxsize=1024)
def _needed(wheel: Wheel | None, weights: Weights, cycles: int, detect: Fraction, beyond: float) -> int | None:
    healthy, total = turn_or_assume(wheel, weights), sum(weights)
    widened = max(_WIDENED, float(1 / (1 - detect)))

    def at_most(fault: _Fault) -> float:
        bound = widened * max(1.0, healthy.bounds[fault.victim])
        return fault.shown_after(healthy, fault.share(weights, total), bound, (cycles, beyond))

    # Faulty wheels are turned while there is time, those first that could need the most choices.
    worst, left = -math.inf, LONGEST
    for fault in sorted(_faults(weights, detect, wheel is not None and wheel.ordered), key=at_most, reverse=True):
        if at_most(fault) <= worst:
            break
        faulty = fault.weights(weights)
        steps = wheel.steps(faulty) if wheel else 0
        if steps <= left:
            left -= steps
            turned = turn_or_assume(wheel, faulty)
            share, bound = turned.shares[fault.victim], turned.bounds[fault.victim]
            worst = max(worst, fault.shown_after(healthy, share, bound, (cycles, beyond)))
        else:
            worst = max(worst, at_most(fault))
    return math.floor(worst) + 1 if worst < math.inf else None
