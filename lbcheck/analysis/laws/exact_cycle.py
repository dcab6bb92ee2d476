"""The law of a cycle: in any stretch of choices each server stays within an exact bound of its share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from lbcheck.analysis.laws.beyond_bound import draws_needed
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, owes, verdict, without_weight
from lbcheck.analysis.sequential.faults import too_small_to_matter
from lbcheck.analysis.wheels.cycle import Cycle
from lbcheck.analysis.wheels.needed import needed, turn_or_assume
from lbcheck.analysis.wheels.wheel import Wheel
from lbcheck.model.verdict import Outcome

# By how much a server's count may leave its bound where a server of another weight came back, or a weight changed,
# shortly before: the turn in which that happens is none of the wheel's own. HAProxy leaves it by more at one or two
# places of a turn (tests/socket/test_wheels.py). Other products were not measured, and get as much: a wrong weight has
# to be farther off all the same.
AFTER_A_CHANGE = 3


@dataclass(frozen=True)
class ExactCycle:
    """What the `wheel` of an algorithm owes, computed by turning it; None: a smooth wheel that is not known.

    Where the counts do not hold every choice, others take turns, too, and the counts are draws. Only a server that is
    beyond the bound of all cycles together is at fault then: pools that were just started all begin at the same server.
    Counts that are no draws and within that bound pass as soon as a weight to be found would be beyond it.
    """

    wheel: Wheel | None
    holds_to_weights: ClassVar[bool] = True
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Hold complete counts to the exact bound, others to the law of draws and to the bound."""
        cycle = turn_or_assume(self.wheel, tuple(tally.weights.values()))
        beyond = _beyond(tally, cycle)
        if tally.complete:
            return self._exact(tally, cycle, beyond)
        drawn = DRAWS.judge(tally, alpha)
        if drawn.outcome is not Outcome.FAIL or beyond or without_weight(tally):
            return drawn  # no cycle gives anything to a server without weight
        enough = draws_needed(cycle, tally.most_cycles, tally.detect, tally.miss)
        if tally.total >= enough:
            rule = f"each server within the bound of {tally.most_cycles} cycles, and {drawn.rule}"
            return replace(drawn, outcome=Outcome.PASS, test="bound of cycles", rule=rule, faults=())
        doubts = tuple(f"{fault}; {tally.most_cycles} cycles that begin together may do that" for fault in drawn.faults)
        more = min(_until_beyond(tally, cycle), lacking(tally, math.ceil(min(enough, drawn.needed))))
        return replace(_doubtful(drawn, doubts), more=more)

    def _exact(self, tally: Tally, cycle: Cycle, beyond: Mapping[str, float]) -> Judgement:
        owed = dict(zip(tally.weights, cycle.shares, strict=True))
        off = (abs(tally.counts.get(name, 0) - share * tally.total) for name, share in owed.items())
        most = max(cycle.allowed(tally.total, tally.most_cycles), default=0.0)
        said = tuple(
            owes(name, tally, owed[name], f", and its cycle is never more than {allowed:.1f} off")
            for name, allowed in beyond.items()
        )
        drained = without_weight(tally)
        enough = self._needed(tally)
        judgement = Judgement(
            verdict(tally, enough, (*drained, *said)),
            f"exact bound of {most:.1f} requests",
            f"each server within {most:.1f} requests of its expected count",
            enough,
            (*drained, *said),
            statistic=max(off, default=0.0),
            shares=owed,
            more=0 if said else lacking(tally, enough),
        )
        if not said or drained:
            return judgement
        if _has_turns(tally, cycle) and not _beyond(tally, cycle, AFTER_A_CHANGE):
            return self._after_a_change(judgement, tally, most)
        return judgement if any(_matters(tally, name, owed[name]) for name in beyond) else _doubtful(judgement, said)

    def _after_a_change(self, judgement: Judgement, tally: Tally, most: float) -> Judgement:
        """Hold counts that a change just before may have moved to a bound that allows for it."""
        enough = self._needed(tally, AFTER_A_CHANGE)
        if tally.total < enough:
            return replace(_doubtful(judgement, judgement.faults), needed=enough, more=lacking(tally, enough))
        rule = f"each server within {most + AFTER_A_CHANGE:.1f} requests of its expected count, as after a change"
        return replace(judgement, outcome=Outcome.PASS, rule=rule, needed=enough, faults=())

    def _needed(self, tally: Tally, beyond: int = 0) -> int:
        enough = needed(self.wheel, tuple(tally.weights.values()), tally.most_cycles, tally.detect, beyond)
        if enough is None:  # the fault to be found is smaller than what is allowed where the wheel was not turned
            return DRAWS.judge(tally, 0.5).needed
        return enough


def _until_beyond(tally: Tally, cycle: Cycle) -> int:
    """Return how many more requests put the server that is farthest off beyond the bound, if it goes on so."""
    servers = zip(tally.weights, cycle.shares, cycle.allowed(tally.total, tally.most_cycles), strict=True)
    nearest = max(abs(tally.counts.get(name, 0) - share * tally.total) / (bound + 1) for name, share, bound in servers)
    return max(1, math.ceil(tally.total / nearest) - tally.total)


def _has_turns(tally: Tally, cycle: Cycle) -> bool:
    """Return whether the wheel was turned, and servers of different weights share its turn."""
    return not cycle.drift and len({weight for weight in tally.weights.values() if weight}) > 1


def _beyond(tally: Tally, cycle: Cycle, by: int = 0) -> dict[str, float]:
    """Return server → the bound that its count exceeds by more than `by`, in requests."""
    allowed = cycle.allowed(tally.total, tally.most_cycles)
    return {
        name: bound
        for (name, weight), share, bound in zip(tally.weights.items(), cycle.shares, allowed, strict=True)
        if weight and abs(tally.counts.get(name, 0) - share * tally.total) > bound + tally.slack + by
    }


def _matters(tally: Tally, name: str, share: float) -> bool:
    """Return whether a server's weight is off by half of the smallest fault that is to be found, or by more."""
    least, most = too_small_to_matter(share, tally.detect)
    return not least * tally.total <= tally.counts.get(name, 0) <= most * tally.total


def _doubtful(judgement: Judgement, doubts: tuple[str, ...]) -> Judgement:
    return replace(judgement, outcome=Outcome.INCONCLUSIVE, faults=(), doubts=doubts)
