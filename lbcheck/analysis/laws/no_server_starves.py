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
        used = {name: share for name, share in sampling.shares(tally.weights).items() if share}
        needed = sampling.needed_to_meet(min(used.values()) / 2, len(used), alpha) if used else 1
        starved = tuple(name for name in used if not tally.counts.get(name, 0)) if tally.total >= needed else ()
        whom = f"{self.algorithm} starves nobody"
        faults = (
            *(f"server {name} {tally.taken} none of {tally.total:,} requests: {whom}" for name in starved),
            *without_weight(tally),
        )
        rule = "every server with a weight answered"
        more = lacking(tally, needed)
        return Judgement(verdict(tally, needed, faults), "no server starved", rule, needed, faults, more=more)
