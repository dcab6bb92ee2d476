"""The law of a smooth cycle: every server stays within an exact bound of its share."""

from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis import sampling
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, owes, verdict

BOUND = 4  # requests off the expected count, for each process; measured 1.65 to 3 with mixed weights


@dataclass(frozen=True)
class Cycle:
    """A fixed cycle. Where the counts do not hold every choice, other traffic takes turns too, and they are draws."""

    holds_to_weights: ClassVar[bool] = True
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Apply the exact bound to complete counts, the law of draws to others."""
        return _exact(tally) if tally.complete else DRAWS.judge(tally, alpha)


CYCLE = Cycle()


def _exact(tally: Tally) -> Judgement:
    owed, bound = sampling.shares(tally.weights), BOUND * tally.processes
    off = {name: abs(tally.counts.get(name, 0) - share * tally.total) for name, share in owed.items()}
    why = f", and round robin is never more than {bound} off"
    faults = tuple(owes(name, tally, owed[name], why) for name in owed if off[name] > bound)
    needed = sampling.needed_for_bound(tally.weights, bound)
    return Judgement(
        verdict(tally, needed, faults),
        f"exact bound of {bound} requests",
        f"each server within {bound} requests of its expected count",
        needed,
        faults,
        statistic=max(off.values(), default=0.0),
        shares=owed,
        more=lacking(tally, needed),
    )
