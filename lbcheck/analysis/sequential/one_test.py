"""The exact two-sided binomial test of each server, made once: how many answers it needs, and what it overlooks.

It calls a server faulty if the difference is large enough to matter, and its count or one farther off is as rare as
`side` among healthy servers.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from lbcheck.analysis import binomial
from lbcheck.analysis.sequential.faults import Equals, Fault

Found = tuple[Equals, Fault]  # a class, and a fault of one of its servers
# Of a thousand servers with nearly equal weights all faults are about as hard to see: the hardest are looked at, and as
# many of the others. In fleets of 50 to 300 such servers none was overlooked 1.1 times as often as the worst of them.
HARDEST = 16

_quantile = NormalDist().inv_cdf


def needed(classes: Iterable[Equals], side: float, miss: float) -> int:
    """Return after how many answers each fault is overlooked with a probability of at most `miss`."""
    decisive = _decisive(classes, side, miss)

    def enough(answers: int) -> bool:
        return all(_missed(*found, answers, side) <= miss for found in decisive)

    high = math.ceil(max(_about(fault, side, miss) for _, fault in decisive))
    while not enough(high):
        high *= 2
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def missed(classes: Iterable[Equals], answers: int, side: float, miss: float) -> float:
    """Return how often the fault that is hardest to see is overlooked after `answers` answers.

    `miss`: about how often that should be.
    """
    return max(_missed(*found, answers, side) for found in _decisive(classes, side, miss))


def faintest(fault: Fault, answers: int, side: float, miss: float) -> float:
    """Return the share, on the same side of what is owed as `fault`, that is just found after `answers` answers.

    By the normal approximation; 0 or 1 if none is.
    """
    right, direction = math.sqrt(fault.owed * (1 - fault.owed)), math.copysign(1, fault.share - fault.owed)
    share = fault.share
    for _ in range(5):  # the share is on both sides of the equation; each time the error shrinks several times
        wrong = math.sqrt(share * (1 - share))
        share = fault.owed - direction * (_quantile(side) * right + _quantile(miss) * wrong) / math.sqrt(answers)
        share = min(max(share, 0.0), 1.0)
    return share


def _decisive(classes: Iterable[Equals], side: float, miss: float) -> Sequence[Found]:
    """Return the faults that may need the most answers, by the normal approximation and a margin for its error.

    Of many such faults a selection, for whole numbers make one or another harder by a little.
    """
    found = [(equals, fault) for equals in classes for fault in (equals.less, equals.more)]
    about = [_about(fault, side, miss) for _, fault in found]
    enough = 0.8 * max(about)
    ranked = sorted(range(len(found)), key=about.__getitem__, reverse=True)
    hard = [found[place] for place in ranked if about[place] >= enough]
    return hard[:HARDEST] + hard[HARDEST :: math.ceil(len(hard) / HARDEST)]


def _about(fault: Fault, side: float, miss: float) -> float:
    """Return about how many answers find `fault`, by the normal approximation."""
    right, wrong = (math.sqrt(share * (1 - share)) for share in (fault.owed, fault.share))
    return ((_quantile(side) * right + _quantile(miss) * wrong) / (fault.share - fault.owed)) ** 2


def _missed(equals: Equals, fault: Fault, answers: int, side: float) -> float:
    if fault.share < fault.owed:
        accepted = min(binomial.lowest(answers, fault.owed, side), math.ceil(equals.low * answers))
        return binomial.at_least(accepted, answers, fault.share)
    accepted = max(binomial.highest(answers, fault.owed, side), math.floor(equals.high * answers))
    return binomial.at_most(accepted, answers, fault.share)
