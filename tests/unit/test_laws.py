"""What each algorithm owes."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from bench.rings import parts
from lbcheck.analysis import sampling
from lbcheck.analysis.laws.draws import DRAWS, second_of_two
from lbcheck.analysis.laws.exact_cycle import ExactCycle
from lbcheck.analysis.laws.no_server_starves import NoServerStarves
from lbcheck.analysis.laws.table import LAWS, law_of
from lbcheck.analysis.laws.tally import Judgement, Law, Tally
from lbcheck.analysis.sequential.intervals import interval
from lbcheck.model.verdict import Outcome

ALPHA = 1e-6
WEIGHTS = {"web1": 1, "web2": 1, "web3": 2}
EVEN = {"a": 1, "b": 1}
LAWS_OF_ALL = dict.fromkeys(law for laws in LAWS.values() for law in laws.values())


def judge(algorithm: str, tally: Tally, alpha: float = ALPHA, product: str = "") -> Judgement:
    """Apply the law of one of a product's algorithms."""
    law = law_of(algorithm, product)
    assert law
    return law.judge(tally, alpha)


def ring(tally: Tally) -> Judgement:
    """Apply the law of HAProxy's random."""
    return judge("random", tally, product="HAProxy")


@pytest.mark.parametrize("law", LAWS_OF_ALL, ids=repr)
def test_a_law_says_truly_what_it_is_strict_enough_for(law: Law) -> None:
    """Whether it notices that one weight is halved, and whether it lets one server keep every request."""
    halved = Tally({"a": 10_000, "b": 20_000}, EVEN, complete=True)
    one = Tally({"a": 10_000}, EVEN, complete=True, by_key={"client1": {"a": 10_000}})
    assert (law.judge(halved, ALPHA).outcome is Outcome.FAIL) == law.holds_to_weights
    assert (law.judge(one, ALPHA).outcome is not Outcome.FAIL) == law.may_keep_to_one


@pytest.mark.parametrize("algorithm", ["roundrobin", "leastconn", "source", "first"])
def test_a_law_concludes_with_as_many_requests_as_it_needs(algorithm: str) -> None:
    """And not with one less, which it asks for."""
    needed = judge(algorithm, Tally({}, EVEN, complete=True), product="HAProxy").needed
    enough = Tally({"a": needed - needed // 2, "b": needed // 2}, EVEN, complete=True, closed=False)
    judgement = judge(algorithm, enough, product="HAProxy")
    assert (judgement.outcome, judgement.more) == (Outcome.PASS, 0)
    counts = {"a": (needed - 1) - needed // 2, "b": needed // 2}
    fewer = judge(algorithm, replace(enough, counts=counts), product="HAProxy")
    assert (fewer.outcome, fewer.more) == (Outcome.INCONCLUSIVE, 0 if algorithm == "first" else 1)


@pytest.mark.parametrize("algorithm", ["roundrobin", "random", "leastconn", "first"])
@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 5, "b": 0}])
def test_one_request_is_enough_where_there_is_nothing_to_tell_apart(algorithm: str, weights: dict[str, int]) -> None:
    """Without a second server that has a weight."""
    assert judge(algorithm, Tally({}, weights, complete=True), product="HAProxy").needed == 1


def test_weight_two_is_owed_twice_the_share() -> None:
    """A server of weight 2 is owed twice what weight 1 is owed."""
    judgement = judge("roundrobin", Tally({"web1": 250, "web2": 250, "web3": 500}, WEIGHTS, complete=True), ALPHA)
    assert judgement.outcome is Outcome.PASS
    assert judgement.shares == {"web1": 0.25, "web2": 0.25, "web3": 0.5}


def test_a_wrong_weight_breaks_the_exact_bound_and_is_named() -> None:
    """Round robin that gives weight 2 only a third is a fault, and the sentence has the numbers."""
    judgement = judge("roundrobin", Tally({"web1": 100, "web2": 100, "web3": 100}, WEIGHTS, complete=True), ALPHA)
    assert judgement.outcome is Outcome.FAIL
    assert "server web3 answered 100 of 300 requests (33.3%); its weight owes it 150 (50.0%)" in judgement.faults[-1]


def test_within_the_bound_nothing_is_wrong() -> None:
    """Half a request off is what one cycle of two may do, and each request more that was tried again."""
    even = {"a": 1, "b": 1}
    assert judge("roundrobin", Tally({"a": 501, "b": 500}, even, complete=True), ALPHA).outcome is Outcome.PASS
    tried_again = Tally({"a": 503, "b": 500}, even, complete=True, slack=1)
    assert judge("roundrobin", tried_again, ALPHA).outcome is Outcome.PASS


def test_beyond_the_bound_by_too_little_to_matter_is_inconclusive() -> None:
    """The cycle was disturbed, and no weight is off by half of what is to be found: a cause is looked for elsewhere."""
    judgement = judge("roundrobin", Tally({"a": 505, "b": 495}, {"a": 1, "b": 1}, complete=True), ALPHA)
    assert judgement.outcome is Outcome.INCONCLUSIVE
    assert judgement.faults == ()
    assert "server a answered 505 of 1,000 requests (50.5%); its weight owes it 500 (50.0%)" in judgement.doubts[0]
    same = judge("roundrobin", Tally({"a": 505_000, "b": 495_000}, {"a": 1, "b": 1}, complete=True), ALPHA)
    assert same.outcome is Outcome.INCONCLUSIVE


def test_a_change_shortly_before_moves_counts_by_a_few_requests() -> None:
    """A server of another weight that came back takes its first turn early or late: no fault, once that is certain."""
    moved = Tally({"web1": 5, "web2": 7, "web3": 12}, WEIGHTS, complete=True, closed=False)
    few = judge("roundrobin", moved, product="HAProxy")
    assert (few.outcome, few.needed, few.more) == (Outcome.INCONCLUSIVE, 24 + few.more, few.more)
    assert 0 < few.more < 100
    enough = judge("roundrobin", replace(moved, counts={"web1": 9, "web2": 12, "web3": 23}), product="HAProxy")
    assert (enough.outcome, enough.needed, enough.more) == (Outcome.PASS, 44, 0)
    assert enough.rule.startswith("each server within 3.8 requests of its expected count")
    assert judge("roundrobin", replace(moved, counts={"web1": 9, "web2": 11, "web3": 23}), product="HAProxy").more == 1
    farther = replace(moved, counts={"web1": 246, "web2": 250, "web3": 504})
    assert judge("roundrobin", farther, product="HAProxy").outcome is Outcome.INCONCLUSIVE


def test_a_wrong_weight_is_farther_off_than_a_change_explains_after_as_many_as_are_needed() -> None:
    """A halved server is no change: it fails at the number that the doubt named."""
    halved = Tally({"web1": 3, "web2": 7, "web3": 14}, WEIGHTS, complete=True, closed=False)
    doubt = judge("roundrobin", halved, product="HAProxy")
    assert doubt.outcome is Outcome.INCONCLUSIVE
    needed = doubt.needed
    later = {"web1": round(needed / 7), "web2": round(2 * needed / 7), "web3": round(4 * needed / 7)}
    assert judge("roundrobin", replace(halved, counts=later), product="HAProxy").outcome is Outcome.FAIL


def test_weights_that_a_cycle_cannot_keep_are_owed_what_it_gives() -> None:
    """8:8:7 gives 128, 128 and 111 of 367 choices, far from the weights after 20,000, and that is no fault."""
    counts = {"a": 128 * 100, "b": 128 * 100, "c": 111 * 100}
    judgement = judge("roundrobin", Tally(counts, {"a": 8, "b": 8, "c": 7}, complete=True), ALPHA)
    assert judgement.outcome is Outcome.PASS
    assert judgement.shares["c"] == pytest.approx(111 / 367)


def test_two_processes_may_be_off_twice_as_far() -> None:
    """Each process keeps a cycle of its own."""
    counts, even = {"a": 501, "b": 499}, {"a": 1, "b": 1}
    assert judge("roundrobin", Tally(counts, even, complete=True), ALPHA).outcome is Outcome.INCONCLUSIVE
    assert judge("roundrobin", Tally(counts, even, complete=True, cycles=2), ALPHA).outcome is Outcome.PASS


def test_too_few_are_inconclusive_and_say_how_many_would_do() -> None:
    """Six even requests show nothing yet; further ones are asked for, unless none will follow."""
    few = Tally({"a": 3, "b": 3}, {"a": 1, "b": 1}, complete=True, closed=False)
    judgement = judge("roundrobin", few, ALPHA)
    assert (judgement.outcome, judgement.needed, judgement.more) == (Outcome.INCONCLUSIVE, 8, 2)
    assert judge("roundrobin", replace(few, closed=True), ALPHA).more == 0


def test_a_silent_server_is_named_as_soon_as_it_is_out_of_the_bound() -> None:
    """One of ten has no answer of 12; the others are within the bound, and what they got more does not matter."""
    names = [f"s{number}" for number in range(10)]
    counts = {name: 2 if name in {"s1", "s2", "s3"} else 1 for name in names if name != "s0"}
    judgement = judge("roundrobin", Tally(counts, dict.fromkeys(names, 1), complete=True, detect=0.9, closed=False))
    assert (judgement.outcome, judgement.more) == (Outcome.FAIL, 0)
    assert [fault.partition(" (")[0] for fault in judgement.faults] == ["server s0 answered 0 of 12 requests"]
    assert judgement.statistic == pytest.approx(1.2)


def test_a_halved_weight_fails_where_the_others_hardly_get_more() -> None:
    """Of ten servers one gives 500 answers and the others 1,050 each, which alone would be too little to matter."""
    names = [f"s{number}" for number in range(10)]
    counts = {name: 500 if name == "s0" else 1_050 for name in names}
    assert judge("roundrobin", Tally(counts, dict.fromkeys(names, 1), complete=True)).outcome is Outcome.FAIL


def test_half_of_what_is_to_be_found_is_too_little_to_matter() -> None:
    """With 20 % to be found, a weight of 0.9 gives 18 of 38 requests: out of the bound, and no fault yet."""
    judgement = judge("roundrobin", Tally({"a": 18, "b": 20}, EVEN, complete=True, detect=0.2))
    assert (judgement.outcome, len(judgement.doubts)) == (Outcome.INCONCLUSIVE, 2)
    assert judge("roundrobin", Tally({"a": 17, "b": 20}, EVEN, complete=True, detect=0.2)).outcome is Outcome.FAIL


def test_without_a_server_nothing_is_off() -> None:
    """The bound and the largest difference are 0."""
    for algorithm, rule in (
        ("roundrobin", "each server within 0.0 requests of its expected count"),
        ("byrequests", ""),
    ):
        judgement = judge(algorithm, Tally({}, {}, complete=True))
        assert judgement.statistic == 0
        assert judgement.rule.startswith(rule)


def test_where_no_bound_shows_the_fault_as_many_are_needed_as_draws_need() -> None:
    """The wheel of a million to one is not turned, and what is allowed in its place hides a fault of 5 %."""
    tally = Tally({}, {"a": 999_999, "b": 1}, complete=True, detect=0.05)
    assert judge("wrr", tally).needed == judge("byrequests", tally, alpha=0.5).needed


def test_pools_that_begin_together_are_no_fault() -> None:
    """Where only a client counts, each of 64 workers may have begun at the same server: that is more than chance."""
    counts = {"a": 120, "b": 60, "c": 60}
    untold = judge("round_robin", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=False, cycles=0), ALPHA)
    assert untold.outcome is Outcome.INCONCLUSIVE
    assert all(doubt.endswith("; 64 cycles that begin together may do that") for doubt in untold.doubts)
    told = judge("round_robin", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=False, cycles=4), ALPHA)
    assert told.outcome is Outcome.FAIL


def test_beside_other_traffic_the_counts_are_draws() -> None:
    """Where other clients take turns too, 5 off is chance and a p-value says so."""
    judgement = judge("roundrobin", Tally({"a": 2505, "b": 2495}, {"a": 1, "b": 1}, complete=False), ALPHA)
    assert judgement.outcome is Outcome.PASS
    assert judgement.p_value is not None
    assert judgement.p_value > 0.5


def test_a_server_without_an_answer_is_named_with_how_rare_that_is() -> None:
    """The chance is that of its own count, and the statistic the largest difference."""
    judgement = judge("byrequests", Tally({"a": 100, "b": 100}, {"a": 1, "b": 1, "c": 2}, complete=False))
    sentence = "server c answered 0 of 200 requests (0.0%); its weight owes it 100 (50.0%) (p = 1e-60)"
    assert sentence in judgement.faults
    assert judgement.statistic == 100
    assert judgement.rule == "no server's weight is halved or doubled"


def test_draws_say_how_large_a_fault_they_would_have_found() -> None:
    """In per cent, where it is not the usual half."""
    tally = Tally({"a": 1000, "b": 1000}, EVEN, complete=False, detect=0.3)
    assert judge("byrequests", tally).rule == "no server's weight is off by 30% or more"


def test_draws_ask_for_more_until_they_are_certain() -> None:
    """Up to the next look, which is later where a round costs seconds; a fault or a pass needs no more."""
    few = Tally({"a": 15, "b": 15}, EVEN, complete=False, closed=False)
    assert 0 < judge("byrequests", few).more < judge("byrequests", replace(few, seldom=True)).more
    assert judge("byrequests", replace(few, closed=True)).more == 0
    assert judge("byrequests", replace(few, counts={"a": 100, "b": 100})).more == 0
    assert judge("byrequests", replace(few, counts={"a": 300, "b": 0})).more == 0
    drained = judge("byrequests", replace(few, weights={"a": 1, "b": 1, "c": 0}, counts={"a": 15, "b": 15, "c": 1}))
    assert (drained.outcome, drained.more) == (Outcome.FAIL, 0)


def test_draws_of_some_products_pass_over_weights() -> None:
    """Envoy's RANDOM gives a server of weight 3 as much as one of weight 1, and one of weight 0 nothing."""
    weights = {"a": 3, "b": 1, "c": 0}
    assert judge("RANDOM", Tally({"a": 500, "b": 500}, weights, complete=True), product="Envoy").outcome is Outcome.PASS


def test_healthy_random_spread_passes_although_it_is_no_fair_draw() -> None:
    """Random over three equal servers was measured at .353/.294/.353: no fault, however many requests."""
    counts = {"a": 7060, "b": 5880, "c": 7060}
    assert judge("random", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=True), ALPHA).outcome is Outcome.PASS


def test_the_second_of_two_draws_is_not_by_weight() -> None:
    """Four idle servers of 3:7:11:13 get .1197 .2458 .3155 .3190, as nginx was measured."""
    chances = second_of_two({"a": 3, "b": 7, "c": 11, "d": 13, "idle": 0})
    shares = [round(chance / sum(chances.values()), 4) for chance in chances.values()]
    assert shares == [0.1197, 0.2458, 0.3155, 0.319, 0]


def test_the_second_of_two_draws_is_a_lone_servers() -> None:
    """Where only one has a weight, it takes everything."""
    judgement = judge("random two", Tally({"a": 500}, {"a": 1, "b": 0}, complete=True))
    assert (judgement.outcome, judgement.shares) == (Outcome.PASS, {"a": 1, "b": 0})


def test_of_two_servers_the_second_draw_meets_the_lighter_one() -> None:
    """However light: beside a server of 2³² − 1 one of weight 1 gets nearly all, and the other one in 2³²."""
    chances = second_of_two({"heavy": 2**32 - 1, "light": 1})
    assert chances["heavy"] / sum(chances.values()) == pytest.approx(2**-32, rel=1e-3)


@pytest.mark.parametrize("weights", [(2**32 - 1, 1), (1_000_000, 1_000_000, 1), tuple(range(2**32 - 1000, 2**32))])
@pytest.mark.parametrize("complete", [True, False])
def test_each_law_takes_weights_of_any_ratio(weights: tuple[int, ...], complete: bool) -> None:
    """Up to 2³² − 1: each law says how many requests would show a fault, however many that are."""
    tally = Tally({}, {f"s{n}": weight for n, weight in enumerate(weights)}, complete=complete)
    for law in dict.fromkeys(law for rows in LAWS.values() for law in rows.values()):
        judgement = law.judge(tally, ALPHA)
        assert judgement.outcome is Outcome.INCONCLUSIVE
        if isinstance(law, ExactCycle | NoServerStarves) or law == DRAWS:
            assert judgement.needed > sum(weights) / min(weights) / 2


def test_the_less_servers_weigh_the_further_off_their_parts_of_the_ring_are() -> None:
    """Two servers of weight 1 get 43 and 57 % of a healthy HAProxy for good; of weight 100 each they do not."""
    counts, law = {"a": 86_200, "b": 113_800}, law_of("random", "HAProxy")
    assert law
    light, heavy = (Tally(counts, {"a": weight, "b": weight}, complete=True) for weight in (1, 100))
    assert law.judge(light, ALPHA).outcome is Outcome.PASS
    assert law.judge(heavy, ALPHA).outcome is Outcome.FAIL


@pytest.mark.parametrize(("servers", "weight"), [(2, 1), (4, 1), (10, 3)])
def test_what_servers_own_of_the_ring_is_never_a_fault(servers: int, weight: int) -> None:
    """Rings of other ids give other parts for good: two of weight 1 get 43 % and 57 %, however many requests."""
    names = [f"s{number}" for number in range(servers)]
    for ring in range(20):
        owned = parts((weight,) * servers, first=1 + ring * servers)
        counts = {name: round(part * 10**6) for name, part in zip(names, owned, strict=True)}
        assert judge("random(1)", Tally(counts, dict.fromkeys(names, weight), complete=True), ALPHA).outcome != "fail"


def test_the_part_of_a_light_server_is_off_by_one_unit_at_most() -> None:
    """For two of weight 1 that is 35 points: 20:80 may be a ring, 10:90 is none."""
    for low, outcome in ((20_000, Outcome.PASS), (10_000, Outcome.FAIL)):
        assert ring(Tally({"a": low, "b": 100_000 - low}, EVEN, complete=True)).outcome is outcome


def test_random_may_be_off_by_its_tolerance_and_the_sampling_error() -> None:
    """Of 1,000 requests over two heavy servers 50 and 80: together 130, and the sentence says so."""
    heavy = {"a": 100, "b": 100}
    within = ring(Tally({"a": 627, "b": 373}, heavy, complete=True))
    beyond = ring(Tally({"a": 631, "b": 369}, heavy, complete=True))
    assert (within.outcome, beyond.outcome) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    assert beyond.faults[0].endswith(", give or take 13.0% for random")


def test_random_needs_so_many_requests_that_chance_is_within_the_tolerance() -> None:
    """And that each server is met, also one that owns half as much of the ring as it is owed."""
    needed = ring(Tally({}, EVEN, complete=True)).needed
    errors = [sampling.sampling_error(0.5, draws, ALPHA / 2) for draws in (needed, needed - 1)]
    assert errors[0] <= 0.05 < errors[1]
    needed = ring(Tally({}, {"a": 99, "b": 1}, complete=True)).needed
    assert 2 * 0.995**needed <= ALPHA / 2 < 2 * 0.995 ** (needed - 1)


def drawn(parts: Mapping[str, float], weights: Mapping[str, int], seed: int) -> tuple[Judgement, int]:
    """Ask a server for each request by its part until the law of HAProxy's random can tell; also return how often."""
    chance, counts, more = random.Random(seed), Counter[str](), 24  # noqa: S311 (a simulation, no secret)
    while more:
        counts.update(chance.choices([*parts], [*parts.values()], k=more))
        found = ring(Tally(counts, weights, complete=True, closed=False))
        more = found.more
    ended = ring(Tally(counts, weights, complete=True))
    assert ended.more == 0
    return ended, counts.total()


def test_light_servers_under_random_take_few_requests() -> None:
    """What they own of the ring may be far off, so a rough look is enough: HAProxy's .35, .29 and .36 of three."""
    parts = {"a": 0.351, "b": 0.295, "c": 0.354}
    ended = [drawn(parts, dict.fromkeys(parts, 1), seed) for seed in range(50)]
    assert {judgement.outcome for judgement, _ in ended} == {Outcome.PASS}
    assert max(number for _, number in ended) < 400
    heavy, number = drawn(parts, dict.fromkeys(parts, 100), 0)
    assert (heavy.outcome, number) == (Outcome.PASS, heavy.needed)


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ({"a": 0.1, "b": 0.1, "c": 0.8}, Outcome.FAIL),  # a weight of 8 in place of 1
        ({"a": 0.5, "b": 0.5, "c": 0.0}, Outcome.FAIL),
        ({"a": 0.13, "b": 0.435, "c": 0.435}, Outcome.PASS),  # no ring was seen to give less
        ({"a": 0.54, "b": 0.23, "c": 0.23}, Outcome.PASS),  # nor more
    ],
)
def test_a_look_at_random_errs_no_more_than_it_may(parts: Mapping[str, float], outcome: Outcome) -> None:
    """However often it looks: what is beyond the tolerance is found, and no ring is accused."""
    assert {drawn(parts, dict.fromkeys(parts, 1), seed)[0].outcome for seed in range(50)} == {outcome}


def test_a_server_that_random_never_meets_is_named_before_the_end() -> None:
    """So many answers would have met the smallest part that any ring gave, except with half a tenth of the rate."""
    weights, smallest = {"a": 1, "b": 1, "c": 1}, 1 / 3 - 0.77 / 3 * (2 / 3) ** 0.5
    enough = next(n for n in range(1000) if 3 * (1 - smallest) ** n <= 0.05 * ALPHA)
    for total, faults in ((enough, 1), (enough - 1, 0)):
        counts = {"a": total // 2, "b": total - total // 2}
        assert len(ring(Tally(counts, weights, complete=True, closed=False)).faults) == faults


HEAVY = {"a": 100, "b": 100, "c": 100}  # of which a ring tells more: each share is within 0.05


def look(*counts: int) -> Judgement:
    """Look at the counts of three heavy servers."""
    return ring(Tally(dict(zip(HEAVY, counts, strict=True)), HEAVY, complete=True, closed=False))


def test_a_share_is_off_at_a_look_as_soon_as_its_interval_is_beyond() -> None:
    """With a part of the looks' rate, less than it takes at the end: once it is found, nothing more is asked."""
    for seen in range(60, 340, 5):
        others = (600 - seen) // 2
        judgement, (low, high) = look(seen, others, 600 - seen - others), interval(seen, 600, 1 / 3, ALPHA / 60, 0.5)
        off = high < 1 / 3 - 0.05 or low > 1 / 3 + 0.05
        assert any(fault.startswith("server a ") for fault in judgement.faults) == off, seen
        assert not (judgement.faults and judgement.more)


def test_shares_are_right_at_a_look_as_soon_as_each_interval_is_within() -> None:
    """By the probability that a fault may be missed, in equal parts."""
    for total in range(1_500, 4_500, 60):
        counts = (total // 3 + total // 100, total // 3, total // 3 - total // 100)
        ends = [interval(seen, total, 1 / 3, 0.01 / 3, 0.5) for seen in counts]
        within = all(low >= 1 / 3 - 0.05 and high <= 1 / 3 + 0.05 for low, high in ends)
        judgement = look(*counts)
        assert within == (judgement.outcome is Outcome.PASS) or total >= judgement.needed, total


@pytest.mark.parametrize("counts", [(193, 204, 203), (207, 197, 196)])
def test_the_next_look_waits_for_half_of_what_is_lacking(counts: tuple[int, ...]) -> None:
    """An interval shrinks as the root of the answers grows: until that of the first server is within the tolerance."""
    low, high = interval(counts[0], 600, 1 / 3, 0.01 / 3, 0.5)
    share = counts[0] / 600
    nearest = (share - low) / (share - (1 / 3 - 0.05)) if share < 1 / 3 else (high - share) / (1 / 3 + 0.05 - share)
    assert 300 < look(*counts).more == math.ceil(0.5 * 600 * (nearest**2 - 1)) < 1_800


def test_the_next_look_is_neither_near_nor_far() -> None:
    """Half as many again at least, and three times as many at most; the end is where it was."""
    assert look(1_000, 1_000, 1_000).more in (0, 1_500)
    assert look(10, 14, 0).more == 72
    assert ring(Tally({"a": 55, "b": 45}, {"a": 100, "b": 100}, complete=True, closed=False)).more == 300  # at the edge
    needed = look(0, 0, 0).needed
    assert look(740, 670, needed - 1_430).more == 20


def test_the_end_is_tested_by_the_whole_rate_but_a_tenth() -> None:
    """What a look does not yet call off is off there, by the sampling error of as many answers."""
    weights, needed = {"a": 100, "b": 100}, ring(Tally({}, {"a": 100, "b": 100}, complete=True)).needed
    for total, faulty in ((needed, True), (needed - 1, False)):
        seen = math.ceil(0.55 * total + sampling.sampling_error(0.5, 1, 0.9 * ALPHA / 2) * math.sqrt(total)) + 1
        judgement = ring(Tally({"a": seen, "b": total - seen}, weights, complete=True, closed=False))
        assert bool(judgement.faults) == faulty


def test_a_drained_server_under_random_may_answer_nothing() -> None:
    """And one answer of it is too many."""
    weights = {**EVEN, "c": 0}
    assert ring(Tally({"a": 5000, "b": 5000}, weights, complete=True)).outcome is Outcome.PASS
    judgement = ring(Tally({"a": 5000, "b": 5000, "c": 1}, weights, complete=True))
    assert judgement.faults == ("server c has weight 0 and answered 1 of 10,001 requests",)


def test_random_that_misses_a_server_fails() -> None:
    """Every server is met; one of twenty that never is, is named, although its share is within the tolerance."""
    counts = {f"s{i}": 1000 for i in range(19)}
    judgement = judge("random", Tally(counts, {f"s{i}": 1 for i in range(20)}, complete=True), ALPHA)
    assert any("server s19 answered 0" in fault for fault in judgement.faults)
    light = {"a": 99, "b": 1}
    needed = ring(Tally({}, light, complete=True)).needed
    assert ring(Tally({"a": needed}, light, complete=True)).outcome is Outcome.FAIL
    assert ring(Tally({"a": needed - 1}, light, complete=True)).faults == ()


@pytest.mark.parametrize("counts", [{"a": 300, "b": 300, "c": 300}, {"a": 225, "b": 225, "c": 450}])
def test_leastconn_may_follow_weight_or_not(counts: dict[str, int]) -> None:
    """One at a time it is even, many at once it follows weight: both pass."""
    assert judge("leastconn", Tally(counts, {"a": 1, "b": 1, "c": 2}, complete=True), ALPHA).outcome is Outcome.PASS


def test_leastconn_starves_nobody() -> None:
    """A server that leastconn never chose is named."""
    judgement = judge("leastconn", Tally({"a": 600}, {"a": 1, "b": 1}, complete=True), ALPHA)
    assert judgement.faults == ("server b answered none of 600 requests: leastconn starves nobody",)


def test_leastconn_is_given_as_many_requests_as_meet_a_server_of_half_a_share() -> None:
    """Draws that give a server half of what its weight owes it would have met it by then; before, nobody is named."""
    needed = judge("leastconn", Tally({}, EVEN, complete=True)).needed
    assert 2 * 0.75**needed <= ALPHA < 2 * 0.75 ** (needed - 1)
    assert judge("leastconn", Tally({"a": needed}, EVEN, complete=True)).outcome is Outcome.FAIL
    assert judge("leastconn", Tally({"a": needed - 1}, EVEN, complete=True)).outcome is Outcome.INCONCLUSIVE


def test_a_hash_sends_one_key_to_one_server() -> None:
    """A client address that meets two servers under `source` breaks constancy, whatever the shares."""
    split = Tally({"a": 50, "b": 50}, {"a": 1, "b": 1}, complete=True, by_key={"client1": {"a": 50, "b": 50}})
    assert judge("source", split, ALPHA).outcome is Outcome.FAIL
    whole = Tally({"a": 100}, {"a": 1, "b": 1}, complete=True, by_key={"client1": {"a": 100}})
    assert judge("source", whole, ALPHA).outcome is Outcome.PASS


def test_a_hash_needs_ten_answers_to_each_key() -> None:
    """A server drawn at random seldom gives all ten; without keys the requests are those of one."""
    keys = {f"client{number}": {"a": 1} for number in range(3)}
    assert judge("source", Tally({}, EVEN, complete=True, by_key=keys)).needed == 30
    assert judge("source", Tally({}, EVEN, complete=True)).needed == 10


def test_namesakes_that_differ_are_a_doubt() -> None:
    """Caddy's blocks of ten allow what nginx's smooth cycle does not: neither a pass nor a fault, and why is said."""
    tens = {"a": 10, "b": 10}
    slight = judge("round_robin", Tally({"a": 504, "b": 496}, tens, complete=True))
    assert (slight.outcome, len(slight.doubts)) == (Outcome.INCONCLUSIVE, 2)
    few = Tally({"a": 10, "b": 3}, tens, complete=True)
    broken = judge("round_robin", few)
    assert broken.outcome is Outcome.INCONCLUSIVE
    assert all(doubt.endswith("--product would tell") for doubt in broken.doubts)
    further = judge("round_robin", replace(few, closed=False))
    assert (further.outcome, further.doubts) == (Outcome.INCONCLUSIVE, ())
    assert further.more > 0


def test_first_owes_no_share() -> None:
    """All on the first server is what `first` is for."""
    assert judge("first", Tally({"a": 500}, {"a": 1, "b": 1}, complete=True), ALPHA).outcome is Outcome.PASS


def test_a_drained_server_is_owed_nothing() -> None:
    """Weight 0 takes no part in the shares, and one answer of it is too many."""
    judgement = judge("roundrobin", Tally({"a": 500, "b": 5}, {"a": 1, "b": 0}, complete=True), ALPHA)
    assert judgement.outcome is Outcome.FAIL


def test_answers_of_a_drained_server_fail_however_few_they_are() -> None:
    """They move the others' counts by too little to matter, and are a fault by themselves."""
    judgement = judge("roundrobin", Tally({"a": 500, "b": 500, "c": 5}, {"a": 1, "b": 1, "c": 0}, complete=True), ALPHA)
    assert judgement.outcome is Outcome.FAIL
    assert judgement.faults[0] == "server c has weight 0 and answered 5 of 1,005 requests"


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("hdr(host)", ("HAProxy", "hdr")),
        ("random(2)", ("HAProxy", "random")),
        ("uri depth 3", ("HAProxy", "uri")),
        ("random two least_conn", ("nginx", "random two")),
        ("round-robin", ("nginx", "round_robin")),
        ("least request", ("Envoy", None)),
        ("", ("HAProxy", None)),
        (" ", ("HAProxy", None)),
    ],
)
def test_an_algorithm_is_known_by_its_bare_name(written: str, row: tuple[str, str | None]) -> None:
    """Arguments, case, hyphens and underscores do not change the law; more words are looked for first."""
    product, name = row
    assert law_of(written, product.lower()) is (LAWS[product][name] if name else None)


@pytest.mark.parametrize("algorithm", LAWS["HAProxy"])
def test_no_law_breaks_on_nothing(algorithm: str) -> None:
    """Without a single request or server, no law divides by zero, and none passes but for want of anything to owe."""
    assert judge(algorithm, Tally({}, {}, complete=True), ALPHA).outcome is not Outcome.FAIL
    assert judge(algorithm, Tally({}, {"a": 0}, complete=False), ALPHA).outcome is not Outcome.FAIL
    assert judge(algorithm, Tally({}, {"a": 1, "b": 1}, complete=False), ALPHA).outcome is Outcome.INCONCLUSIVE


def test_healthy_draws_raise_no_alarm_in_a_thousand_runs() -> None:
    """A thousand healthy runs of 400 fair draws raise no alarm (seeded: the same runs each time)."""
    dice = random.Random(0)  # noqa: S311 (no secret)
    for _ in range(1_000):
        ones = dice.getrandbits(400).bit_count()
        tally = Tally({"a": ones, "b": 400 - ones}, {"a": 1, "b": 1}, complete=False)
        assert judge("roundrobin", tally, ALPHA).outcome is not Outcome.FAIL
