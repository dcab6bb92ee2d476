"""The law of HAProxy's random: it picks on a hash ring, and servers own unequal parts of the ring.

A server has 16 points on the ring for each unit of weight, so the part that it owns is off the more the less it weighs:
two servers of weight 1 get 43 % and 57 % for good. In units of share × √((1 − share) ÷ weight) a part has a standard
deviation of 0.18, and of 23,400 parts none was more than 0.77 off (`python -m bench.rings 200`). One is allowed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis import sampling
from lbcheck.analysis.laws.tally import Judgement, Tally, owes, without_weight
from lbcheck.analysis.sequential.intervals import interval
from lbcheck.model.verdict import Outcome

AT_THE_END = 0.9  # part of alpha that the test at the end has; the looks before it have the rest
FARTHEST = 0.77  # units by which a part was off at most
STRIDE = 0.5  # part of the answers that are likely lacking for which the next look waits
LEAST, MOST = 0.5, 3.0  # how many times the answers until now it waits for: few of them tell badly how many are lacking


@dataclass(frozen=True)
class _Part:
    """What a server may own of the ring. `off`: by how much of all it may be more or less than `share`.

    `least`: the smallest part that any ring gave. `seen`: its answers.
    """

    name: str
    share: float
    off: float
    least: float
    seen: int


@dataclass(frozen=True)
class Ring:
    """Every server is met, and its share is within a tolerance.

    `tolerance`: share of all requests. It is more where what a server owns of the ring may be farther off.

    Any look may decide. All shares are right as soon as the interval of each is within the tolerance; one is not as
    soon as its interval is beyond, or as soon as so many answers passed by that the smallest part would have been met.
    What is neither is tested once, after as many answers as bring the sampling error down to 0.05.
    """

    tolerance: float
    holds_to_weights: ClassVar[bool] = False
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Hold each share to the tolerance, and name a server that is never met."""
        owed = sampling.shares(tally.weights)
        parts = [self._part(name, share, tally) for name, share in owed.items() if share]
        needed = self._needed(parts, alpha)
        faults = (*without_weight(tally), *_faults(parts, tally, alpha, needed))
        more = 0 if faults or tally.total >= needed else _until_within(parts, tally, needed)
        return Judgement(
            Outcome.FAIL if faults else Outcome.INCONCLUSIVE if more else Outcome.PASS,
            "share within tolerance",
            "each server's share is within the tolerance",
            needed,
            faults,
            shares=owed,
            more=0 if tally.closed else more,
        )

    def _part(self, name: str, share: float, tally: Tally) -> _Part:
        unit = share * math.sqrt((1 - share) / tally.weights[name])
        return _Part(name, share, max(self.tolerance, unit), share - FARTHEST * unit, tally.counts.get(name, 0))

    def _needed(self, parts: Sequence[_Part], alpha: float) -> int:
        if len(parts) < 2:
            return 1
        # Enough that the sampling error is at most the tolerance, and that every server is met.
        shares, limit = [part.share for part in parts], alpha / len(parts)
        error_of_one = max(sampling.sampling_error(share, 1, limit) for share in shares)
        meet = sampling.needed_to_meet(min(shares) / 2, len(parts), limit)
        return max(math.ceil((error_of_one / self.tolerance) ** 2), meet)


def _faults(parts: Sequence[_Part], tally: Tally, alpha: float, needed: int) -> Iterator[str]:
    """Give a sentence for each server whose share is beyond its tolerance, or that is never met."""
    ended, at_looks = tally.closed or tally.total >= needed, (1 - AT_THE_END) * alpha / 2
    for part in parts:
        error = sampling.sampling_error(part.share, 1, AT_THE_END * alpha / len(parts))
        allowed = part.off * tally.total + error * math.sqrt(tally.total)
        if ended:
            beyond = abs(part.seen - part.share * tally.total) > allowed
        else:
            low, high = interval(part.seen, tally.total, part.share, at_looks / len(parts), tally.detect)
            beyond = high < part.share - part.off or low > part.share + part.off
        meet = min(needed, sampling.needed_to_meet(part.least, len(parts), at_looks))
        if beyond or (not part.seen and tally.total >= meet):
            yield owes(part.name, tally, part.share, f", give or take {allowed / tally.total:.1%} for random")


def _until_within(parts: Sequence[_Part], tally: Tally, needed: int) -> int:
    """Return after how many further answers to look whether each share is within its tolerance; 0: each is.

    A share that is not is overlooked with a probability of at most the tally's `miss`.
    """
    if not tally.total:
        return needed
    lacking = max(_lacking(part, tally, tally.miss / len(parts)) for part in parts)
    wait = min(max(STRIDE * lacking, LEAST * tally.total), MOST * tally.total)
    return math.ceil(min(needed - tally.total, wait)) if lacking else 0


def _lacking(part: _Part, tally: Tally, miss: float) -> float:
    """Return how many more answers bring the interval of a share within its tolerance, if it stays; 0: it is within."""
    low, high = interval(part.seen, tally.total, part.share, miss, tally.detect)
    share, least, most = part.seen / tally.total, part.share - part.off, part.share + part.off
    sides = [(share - low, share - least)] if low < least else []
    sides += [(high - share, most - share)] if high > most else []
    times = [(width / room) ** 2 if room > 0 else math.inf for width, room in sides]
    return tally.total * (max(times) - 1) if times else 0.0
