"""The law of HAProxy's random: it picks on a hash ring, and servers own unequal parts of the ring.

A server has 16 points on the ring for each unit of weight, so the part that it owns is off the more the less it weighs:
two servers of weight 1 get 43 % and 57 % for good. In units of share × √((1 − share) ÷ weight) a part has a standard
deviation of 0.18, and of 23,400 parts none was more than 0.77 off (`python -m bench.rings 200`). One is allowed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis import sampling
from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, owes, verdict, without_weight


@dataclass(frozen=True)
class Ring:
    """Every server is met, and its share is within a tolerance.

    `tolerance`: share of all requests. It is more where what a server owns of the ring may be farther off.
    """

    tolerance: float
    holds_to_weights: ClassVar[bool] = False
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Hold each share to the tolerance and the sampling error; name a server that is never met."""
        owed = sampling.shares(tally.weights)
        used = {name: share for name, share in owed.items() if share}
        needed = self._needed(used, alpha)
        faults = [*without_weight(tally)]
        for name, share in used.items():
            seen, error = tally.counts.get(name, 0), sampling.sampling_error(share, 1, alpha / len(used))
            allowed = self._of_ring(share, tally.weights[name]) * tally.total + error * math.sqrt(tally.total)
            starved = not seen and tally.total >= needed
            if starved or abs(seen - share * tally.total) > allowed:
                faults.append(owes(name, tally, share, f", give or take {allowed / tally.total:.1%} for random"))
        return Judgement(
            verdict(tally, needed, tuple(faults)),
            "share within tolerance",
            "each server's share is within the tolerance",
            needed,
            tuple(faults),
            shares=owed,
            more=lacking(tally, needed),
        )

    def _of_ring(self, share: float, weight: int) -> float:
        """Return how far a server's part of the ring may be off its share: one of the units above, or the tolerance."""
        return max(self.tolerance, share * math.sqrt((1 - share) / weight))

    def _needed(self, used: Mapping[str, float], alpha: float) -> int:
        if len(used) < 2:
            return 1
        # Enough that the sampling error is at most the tolerance, and that every server is met.
        limit = alpha / len(used)
        error_of_one = max(sampling.sampling_error(share, 1, limit) for share in used.values())
        meet = sampling.needed_to_meet(min(used.values()) / 2, len(used), limit)
        return max(math.ceil((error_of_one / self.tolerance) ** 2), meet)
