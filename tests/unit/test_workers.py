"""Cycles of workers that were just started: what breaks draws and may be theirs is no fault."""

import math

import pytest

from lbcheck.analysis import binomial
from lbcheck.analysis.laws.beyond_bound import draws_needed
from lbcheck.analysis.laws.exact_cycle import ExactCycle
from lbcheck.analysis.laws.table import WORKERS
from lbcheck.analysis.laws.tally import UNTOLD_CYCLES, Judgement, Tally
from lbcheck.analysis.wheels.cycle import Cycle, assumed
from lbcheck.analysis.wheels.needed import turn_or_assume
from lbcheck.model.verdict import Outcome

ALPHA, MISS = 2.5e-6, 0.01
SERVERS = 10
EVEN = {f"s{number}": 1 for number in range(SERVERS)}
BOUND = UNTOLD_CYCLES * turn_or_assume(WORKERS.wheel, (1,) * SERVERS).bounds[0]


def first_ahead(requests: int, ahead: int) -> dict[str, int]:
    """Return counts in which the first server is ahead by so many requests, and all others share what that costs."""
    others = requests - requests // SERVERS - ahead
    found = dict.fromkeys(EVEN, others // (SERVERS - 1))
    found["s0"] = requests - (SERVERS - 1) * (others // (SERVERS - 1))
    return found


def judged(counts: dict[str, int], law: ExactCycle = WORKERS, *, closed: bool = True) -> Judgement:
    """Return what a law says of counts of workers, nobody knows how many, all of which began at the first server."""
    began = {"s0": 36} | dict.fromkeys([*EVEN][1:5], 1)
    return law.judge(Tally(counts, EVEN, complete=False, cycles=0, looks=(began,), closed=closed), ALPHA)


def overlooked(requests: int) -> float:
    """Return how often draws by a halved weight, or a doubled one, stay within the bound of all workers."""
    owed = requests / SERVERS
    halved, doubled = 0.5 / (SERVERS - 0.5), 2 / (SERVERS + 1)
    fewer = binomial.at_least(math.ceil(owed - BOUND - 1e-6), requests, halved)
    return max(fewer, binomial.at_most(math.floor(owed + BOUND + 1e-6), requests, doubled))


def test_what_workers_may_do_is_a_doubt_until_a_fault_would_show() -> None:
    """The first server is far ahead of draws and within the bound: from some number of requests on, that is a pass."""
    enough = round(draws_needed(turn_or_assume(WORKERS.wheel, (1,) * SERVERS), UNTOLD_CYCLES, 0.5, MISS))
    assert 0.5 * MISS < overlooked(enough) <= MISS
    judgement = judged(first_ahead(enough, 50))
    assert judgement.outcome is Outcome.PASS
    assert judgement.rule.startswith("each server within the bound of 64 cycles")
    doubt = judged(first_ahead(enough - 1, 50))
    assert doubt.outcome is Outcome.INCONCLUSIVE
    assert "64 cycles that begin together may do that" in doubt.doubts[0]


def test_beyond_what_workers_may_do_is_a_fault() -> None:
    """A server that never answers is beyond the bound after some 580 requests, and that many are asked for."""
    starved = dict.fromkeys([*EVEN][1:], 30)
    early = judged(starved, closed=False)
    assert early.outcome is Outcome.INCONCLUSIVE
    total = sum(starved.values()) + early.more
    assert total / SERVERS == pytest.approx(BOUND + 1, abs=1)
    later = dict.fromkeys([*EVEN][1:], total // (SERVERS - 1) + 1)
    assert judged(later).outcome is Outcome.FAIL


def test_where_retries_alone_hide_a_fault_each_further_request_may_show_it() -> None:
    """A server that is beyond the bound by no more than retries may have moved is looked at after one more."""
    starved = Tally(dict.fromkeys([*EVEN][1:], 75), EVEN, complete=False, cycles=0, slack=50, closed=False)
    judgement = WORKERS.judge(starved, ALPHA)
    assert starved.total / SERVERS > BOUND + 1
    assert (judgement.outcome, judgement.more) == (Outcome.INCONCLUSIVE, 1)


def test_who_has_no_weight_is_given_nothing_by_any_worker() -> None:
    """Its answers are a fault however many workers there are."""
    tally = Tally({"a": 148, "b": 147, "c": 5}, {"a": 1, "b": 1, "c": 0}, complete=False, cycles=0)
    judgement = WORKERS.judge(tally, ALPHA)
    assert (judgement.outcome, judgement.doubts) == (Outcome.FAIL, ())
    assert judgement.faults == ("server c has weight 0 and answered 5 of 300 requests",)


def test_a_wheel_that_is_not_known_never_passes_what_breaks_draws() -> None:
    """64 cycles of an assumed bound of 4 requests, and 5 % of what is owed, hide a halved weight of 1.1 times that."""
    tally = Tally(first_ahead(5_000, 200), EVEN, complete=False, cycles=0, detect=0.05)
    assert ExactCycle(None).judge(tally, ALPHA).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("cycles", [1, 64])
@pytest.mark.parametrize("detect", [0.5, 0.3])
@pytest.mark.parametrize(
    "cycle",
    [turn_or_assume(WORKERS.wheel, (1, 1)), turn_or_assume(WORKERS.wheel, (3, 1, 0, 2)), assumed((5, 1, 1))],
)
def test_a_weight_to_be_found_is_beyond_the_bound_but_for_the_promised_miss(
    cycle: Cycle, detect: float, cycles: int
) -> None:
    """After as many draws as are said to be needed; after a tenth less, one is hidden more often."""

    def hidden(draws: int) -> float:
        worst = 0.0
        for share, allowed in zip(cycle.shares, cycle.allowed(draws, cycles), strict=True):
            if share:
                less, more = (share * f / (1 - share + share * f) for f in (1 - detect, 1 / (1 - detect)))
                fewest, most = math.ceil(share * draws - allowed), math.floor(share * draws + allowed)
                worst = max(worst, binomial.at_least(fewest, draws, less), binomial.at_most(most, draws, more))
        return worst

    needed = draws_needed(cycle, cycles, detect, MISS)
    assert hidden(round(needed)) <= MISS < hidden(round(0.9 * needed))


def test_a_bound_that_grows_faster_than_a_fault_shows_none() -> None:
    """5 % of what is owed hide a weight that is 4 % too small; where nobody can be wrong, nothing is needed."""
    assert draws_needed(assumed((1, 1, 1)), 1, 0.04, MISS) == math.inf
    assert draws_needed(assumed((1, 0)), 64, 0.5, MISS) == draws_needed(assumed(()), 64, 0.5, MISS) == 0
