"""The law of least connections: every server with a weight gets requests, and no server without one."""

from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis import sampling
from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, verdict, without_weight


@dataclass(frozen=True)
class NoServerStarves:
    """No share is expected: HAProxy's leastconn spreads single requests evenly, and concurrent ones by weight."""

    algorithm: str  # for sentences
    holds_to_weights: ClassVar[bool] = False
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Name each server that got nothing although it has a weight, or something although it has none."""
        owed = sampling.shares(tally.weights)
        used = [name for name, share in owed.items() if share]
        smallest = min(*(owed[n] for n in used), 1 / len(used)) / 2 if used else 1.0
        needed = sampling.needed_to_meet(smallest, len(used), alpha)
        starved = tuple(name for name in used if not tally.counts.get(name, 0)) if tally.total >= needed else ()
        whom = f"{self.algorithm} starves nobody"
        faults = (
            *(f"server {name} {tally.taken} none of {tally.total:,} requests: {whom}" for name in starved),
            *without_weight(tally),
        )
        rule = "every server with a weight answered"
        more = lacking(tally, needed)
        return Judgement(verdict(tally, needed, faults), "no server starved", rule, needed, faults, more=more)
