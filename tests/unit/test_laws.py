"""What each algorithm owes."""

import random
from dataclasses import replace

import pytest

from bench.rings import parts
from lbcheck.analysis.laws.draws import second_of_two
from lbcheck.analysis.laws.table import LAWS, law_of
from lbcheck.analysis.laws.tally import Judgement, Tally
from lbcheck.model.verdict import Outcome

ALPHA = 1e-6
WEIGHTS = {"web1": 1, "web2": 1, "web3": 2}


def judge(algorithm: str, tally: Tally, alpha: float) -> Judgement:
    """Apply the law of one of HAProxy's algorithms."""
    law = law_of(algorithm)
    assert law
    return law.judge(tally, alpha)


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


def test_pools_that_begin_together_are_no_fault() -> None:
    """Where only a client counts, each of 64 workers may have begun at the same server: that is more than chance."""
    counts = {"a": 120, "b": 60, "c": 60}
    untold = judge("round_robin", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=False, cycles=0), ALPHA)
    assert untold.outcome is Outcome.INCONCLUSIVE
    told = judge("round_robin", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=False, cycles=4), ALPHA)
    assert told.outcome is Outcome.FAIL


def test_beside_other_traffic_the_counts_are_draws() -> None:
    """Where other clients take turns too, 5 off is chance and a p-value says so."""
    judgement = judge("roundrobin", Tally({"a": 2505, "b": 2495}, {"a": 1, "b": 1}, complete=False), ALPHA)
    assert judgement.outcome is Outcome.PASS
    assert judgement.p_value is not None
    assert judgement.p_value > 0.5


def test_healthy_random_spread_passes_although_it_is_no_fair_draw() -> None:
    """Random over three equal servers was measured at .353/.294/.353: no fault, however many requests."""
    counts = {"a": 7060, "b": 5880, "c": 7060}
    assert judge("random", Tally(counts, {"a": 1, "b": 1, "c": 1}, complete=True), ALPHA).outcome is Outcome.PASS


def test_the_second_of_two_draws_is_not_by_weight() -> None:
    """Four idle servers of 3:7:11:13 get .1197 .2458 .3155 .3190, as nginx was measured."""
    chances = second_of_two({"a": 3, "b": 7, "c": 11, "d": 13, "idle": 0})
    shares = [round(chance / sum(chances.values()), 4) for chance in chances.values()]
    assert shares == [0.1197, 0.2458, 0.3155, 0.319, 0]


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


def test_random_that_misses_a_server_fails() -> None:
    """Every server is met; one of twenty that never is, is named, although its share is within the tolerance."""
    counts = {f"s{i}": 1000 for i in range(19)}
    judgement = judge("random", Tally(counts, {f"s{i}": 1 for i in range(20)}, complete=True), ALPHA)
    assert any("server s19 answered 0" in fault for fault in judgement.faults)


@pytest.mark.parametrize("counts", [{"a": 300, "b": 300, "c": 300}, {"a": 225, "b": 225, "c": 450}])
def test_leastconn_may_follow_weight_or_not(counts: dict[str, int]) -> None:
    """One at a time it is even, many at once it follows weight: both pass."""
    assert judge("leastconn", Tally(counts, {"a": 1, "b": 1, "c": 2}, complete=True), ALPHA).outcome is Outcome.PASS


def test_leastconn_starves_nobody() -> None:
    """A server that leastconn never chose is named."""
    judgement = judge("leastconn", Tally({"a": 600}, {"a": 1, "b": 1}, complete=True), ALPHA)
    assert judgement.faults == ("server b answered none of 600 requests: leastconn starves nobody",)


def test_a_hash_sends_one_key_to_one_server() -> None:
    """A client address that meets two servers under `source` breaks constancy, whatever the shares."""
    split = Tally({"a": 50, "b": 50}, {"a": 1, "b": 1}, complete=True, by_key={"client1": {"a": 50, "b": 50}})
    assert judge("source", split, ALPHA).outcome is Outcome.FAIL
    whole = Tally({"a": 100}, {"a": 1, "b": 1}, complete=True, by_key={"client1": {"a": 100}})
    assert judge("source", whole, ALPHA).outcome is Outcome.PASS


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
