"""What the order of answers tells: kinds, numbers, sentences, and how often draws are taken for something else."""

import random
from itertools import cycle, islice

import pytest

from bench import order as simulated
from lbcheck.analysis.order import draws
from lbcheck.analysis.order.infer import cycle as only_cycle
from lbcheck.analysis.order.infer import infer
from lbcheck.analysis.order.inference import Inference, Kind
from lbcheck.analysis.order.period import smallest_period
from lbcheck.analysis.order.steady import Absence, Part, absences, steady_parts
from lbcheck.analysis.order.swing import evenness


def turns(names: str, answers: int) -> list[str]:
    """Return servers of one letter in turn."""
    return list(islice(cycle(names), answers))


def dice(seed: int) -> random.Random:
    """Return random numbers that are the same in each run."""
    return random.Random(seed)  # noqa: S311 (a simulation)


def drawn(names: str, answers: int, seed: int = 1) -> list[str]:
    """Return servers of one letter drawn; a letter that stands twice is drawn twice as often."""
    return dice(seed).choices(names, k=answers)


def test_three_servers_in_turn_are_a_strict_cycle() -> None:
    """A turn that repeats without exception is told with its period, equal weights and its evenness."""
    told = infer(turns("abc", 201))
    assert told.kind is Kind.STRICT_CYCLE
    assert (told.period, told.weights) == (3, {"a": 1, "b": 1, "c": 1})
    assert told.evenness == pytest.approx(2 / 3)
    assert "repeat the turn a, b and c without exception" in told.sentence
    assert "leastconn one request at a time, and a hash whose key is not sent cannot be told apart" in told.sentence


def test_one_exception_ends_a_strict_cycle() -> None:
    """One answer out of turn leaves an order that is even, and no more than that."""
    order = turns("abc", 200)
    assert infer([*order[:100], *order[101:]]).kind is Kind.EVEN


@pytest.mark.parametrize(("answers", "kind"), [(23, Kind.UNKNOWN), (24, Kind.STRICT_CYCLE)])
def test_24_answers_of_two_servers_are_the_fewest(answers: int, kind: Kind) -> None:
    """Fewer answers than that are too likely in draws; the sentence says how many it takes."""
    told = infer(turns("ab", answers))
    assert told.kind is kind
    assert "24 are the fewest" in told.sentence or kind is Kind.STRICT_CYCLE


@pytest.mark.parametrize(("answers", "kind"), [(59, Kind.EVEN), (60, Kind.STRICT_CYCLE)])
def test_a_turn_is_seen_three_times(answers: int, kind: Kind) -> None:
    """A cycle of 20 servers needs 60 answers."""
    assert infer(turns("abcdefghijklmnopqrst", answers)).kind is kind


def test_a_longer_period_tells_the_weights() -> None:
    """The weights are the counts of one period, without a common factor, from wherever the run began."""
    told = infer(turns("acbccaccacbccacb", 200)[3:])
    assert (told.kind, told.period) == (Kind.WEIGHTED_CYCLE, 16)
    assert told.weights == {"a": 4, "b": 3, "c": 9}
    assert infer(turns("aabbcccc", 200)).weights == {"a": 1, "b": 1, "c": 2}
    assert "the intended ones cannot be told" in told.sentence


@pytest.mark.parametrize(("answers", "kind"), [(101, Kind.EVEN), (102, Kind.WEIGHTED_CYCLE)])
def test_a_period_is_seen_three_times(answers: int, kind: Kind) -> None:
    """nginx's wheel of weights 3:7:11:13 has a period of 34."""
    order = list(islice(simulated.smooth((3, 7, 11, 13))(dice(1)), answers))
    assert infer([str(server) for server in order]).kind is kind


def test_a_period_that_draws_would_have_is_not_believed() -> None:
    """One answer of b among many of a repeats by chance: the observed shares decide."""
    assert infer([*turns("aaaaaaaaaaaaaaaaaaab", 60)]).kind is Kind.UNKNOWN


@pytest.mark.parametrize(
    ("text", "period"), [("", 0), ("a", 1), ("aaaa", 1), ("abcabcab", 3), ("aabaaab", 4), ("ab", 2)]
)
def test_the_smallest_period(text: str, period: int) -> None:
    """The shortest shift that maps an order onto itself."""
    assert smallest_period(text) == period


def test_two_workers_are_even() -> None:
    """Cycles of several workers have no period together, and are more even than draws."""
    workers, rng = (cycle("abc"), cycle("abc")), dice(1)
    told = infer([next(rng.choice(workers)) for _ in range(200)])
    assert (told.kind, told.period, told.weights) == (Kind.EVEN, None, {})
    assert told.evenness <= 2.5
    assert "a few workers with a cycle each cannot be told apart" in told.sentence


def test_shares_that_are_far_apart_are_never_even() -> None:
    """At 9:1 draws look even, too."""
    order = turns("aaaaaaaaab", 200)
    order[50] = "b"
    told = infer(order)
    assert told.kind is Kind.UNKNOWN
    assert "one server gave most of the 200 answers" in told.sentence


def test_evenness_is_the_range_of_a_count_around_its_share() -> None:
    """All of a before all of b strays by half of the answers; in turn, by half of one."""
    assert evenness("aaaaabbbbb") == pytest.approx(2.5)
    assert evenness("ababababab") == pytest.approx(0.5)
    assert evenness("") == 0


def test_one_name_alone_says_how_little_the_others_can_have() -> None:
    """200 answers of one server leave less than 4.5 % for others, and no algorithm is named."""
    told = infer(["web1"] * 200)
    assert told.kind is Kind.ONE_SERVER
    assert "less than 4.5% of requests" in told.sentence
    assert "a hash, a sticky session and `first` cannot be told apart" in told.sentence


def test_no_answer_tells_nothing() -> None:
    """Where no answer names a server, that is said."""
    assert infer([]) == Inference(Kind.UNKNOWN, "no answer names a server", 0.0)


def test_draws_are_only_like_draws() -> None:
    """What has the evenness of draws may be a number of things."""
    told = infer(drawn("abc", 200))
    assert told.kind is Kind.DRAWS_LIKE
    assert "a cycle beside other traffic" in told.sentence


def test_servers_one_after_the_other_are_not_called_draws_or_a_change() -> None:
    """First until full and a server that took over look the same; both are said, and when."""
    told = infer(["a"] * 120 + ["b"] * 80)
    assert told.kind is Kind.FIRST_UNTIL_FULL
    assert "a 120 and b 80" in told.sentence
    assert [(gone.server, gone.start, gone.end) for gone in told.absences] == [("b", 0, 120), ("a", 120, 200)]


def test_kept_connections_raise_no_gap() -> None:
    """Gaps four times as long as those of draws are no servers that came or went."""
    pairs = [name for name in drawn("aabc", 1000) for _ in range(4)]
    assert infer(pairs).kind is Kind.UNKNOWN
    assert absences(pairs) == ()


def test_stretches_that_return_are_bunches() -> None:
    """Kept connections and blocks break what gaps and evenness rest on: nothing came or went."""
    order = ["a"] * 60 + ["b"] * 60 + ["a"] * 40 + ["b"] * 40
    told = infer(order)
    assert (told.kind, told.absences) == (Kind.UNKNOWN, ())
    assert "in stretches of 50 from one server" in told.sentence
    assert steady_parts(order) == (Part(0, 200, ("a", "b")),)


def test_a_server_that_goes_is_named_with_when() -> None:
    """The rest of the run is a steady part of the servers that stayed."""
    order = [*turns("abc", 120), *turns("ab", 180)]
    told = infer(order)
    assert told.kind is Kind.CHANGED
    assert told.sentence == "c last answered after 120 of 300 requests: servers came or went during the run"
    assert steady_parts(order) == (Part(0, 120, ("a", "b", "c")), Part(120, 300, ("a", "b")))


def test_a_server_that_comes_is_named_with_when() -> None:
    """Autoscaling: a server more."""
    order = [*drawn("ab", 150), "c", *drawn("abc", 149)]
    assert [absence.sentence for absence in absences(order)] == ["c first answered after 150 of 300 requests"]
    assert [part.names for part in steady_parts(order)] == [("a", "b"), ("a", "b", "c")]


def test_a_server_that_restarts_is_named_with_both_ends() -> None:
    """It was away between two of its answers."""
    order = [*turns("abc", 150), *turns("ab", 100), *turns("cab", 150)]
    assert [absence.sentence for absence in absences(order)] == ["c did not answer between requests 150 and 251 of 400"]
    assert [tuple(part) for part in steady_parts(order)] == [
        (0, 150, ("a", "b", "c")),
        (150, 250, ("a", "b")),
        (250, 400, ("a", "b", "c")),
    ]


def test_a_rolling_update_is_cut_at_each_step() -> None:
    """New names take the places of old ones; a few answers between the last old and the first new one are no part."""
    order = [*turns("abc", 200), *turns("bc", 10), *turns("bcA", 190), *turns("cA", 3), *turns("cAB", 200)]
    assert [(part.start, part.end, part.names) for part in steady_parts(order)] == [
        (0, 199, ("a", "b", "c")),
        (212, 400, ("b", "c", "A")),
        (405, 603, ("c", "A", "B")),
    ]


def test_known_shares_tell_a_death_sooner() -> None:
    """43 requests past a third are enough where the share was told; the order alone needs more."""
    order = [*turns("abc", 240), *turns("ab", 46)]
    shares = dict.fromkeys("abc", 1 / 3)
    assert absences(order) == ()
    assert absences(order, shares) == (Absence("c", 240, 286, 286),)
    assert absences(order[:-4], shares) == ()


def test_a_run_in_which_nothing_changes_is_one_part() -> None:
    """A short one, too; without answers there is no part."""
    assert steady_parts([]) == ()
    assert steady_parts(turns("abc", 10)) == (Part(0, 10, ("a", "b", "c")),)
    assert steady_parts(drawn("aaabbc", 500)) == (Part(0, 500, ("a", "c", "b")),)


def test_a_share_that_changes_is_said_with_where() -> None:
    """No server went, but one gave much less in the second half."""
    told = infer([*turns("ab", 200), *turns("aaaab", 200)])
    assert (told.kind, told.absences) == (Kind.CHANGED, ())
    assert "gave 50% of the first" in told.sentence


def test_one_key_one_server() -> None:
    """Keys in irregular order that each meet one of several servers."""
    home = {"k1": "a", "k2": "b", "k3": "a", "k4": "b"}
    keys = dice(2).choices(list(home), k=60)
    told = infer([home[key] for key in keys], keys)
    assert told.kind is Kind.ONE_KEY_ONE_SERVER
    assert told.sentence.startswith("each of 4 keys met one server, and 2 servers answered")
    assert "A hash, a stick table and a cookie cannot be told apart" in told.sentence


def test_keys_that_all_meet_one_server_tell_no_more_than_one_server_does() -> None:
    """A hash of a few keys may choose one server for all."""
    told = infer(["a"] * 60, ["k1", "k2", "k3"] * 20)
    assert told.kind is Kind.ONE_SERVER
    assert "of 60 answers, with 3 keys" in told.sentence


def test_keys_in_turn_look_like_a_cycle() -> None:
    """Neither a cycle nor one server for each key is claimed: a pass would rest on the probe's own order."""
    told = infer(turns("abc", 60), turns("123456", 60))
    assert told.kind is Kind.UNKNOWN
    assert "Send the keys in an irregular order" in told.sentence


def test_keys_in_one_stretch_each_are_no_proof() -> None:
    """A server that took over just then looks the same."""
    told = infer(["a"] * 30 + ["b"] * 30, ["1"] * 30 + ["2"] * 30)
    assert told.kind is Kind.ONE_KEY_ONE_SERVER
    assert "took over" in told.sentence


def test_a_key_that_meets_two_servers_leaves_the_order_to_speak() -> None:
    """Keys change nothing then; nor do keys of which each was sent once."""
    assert infer(turns("abc", 60), turns("12", 60)).kind is Kind.STRICT_CYCLE
    assert infer(drawn("ab", 60), [str(key) for key in range(60)]).kind is Kind.DRAWS_LIKE


def test_keys_and_answers_are_as_many() -> None:
    """A key is missing, or one is too many."""
    with pytest.raises(ValueError, match="3 answers and 2 keys"):
        infer(["a", "b", "c"], ["1", "2"])


def test_other_names_for_servers_change_nothing_but_names() -> None:
    """The order of servers' names plays no part."""
    order = [f"{server}" for server in islice(simulated.smooth((3, 1, 2))(dice(3)), 200)]
    renamed = infer([{"0": "z", "1": "y", "2": "x"}[name] for name in order])
    assert renamed.weights == {"z": 3, "y": 1, "x": 2}
    assert renamed.evenness == infer(order).evenness


@pytest.mark.parametrize(("servers", "quantile"), [(2, 3.8), (3, 4.8), (5, 5.0), (10, 4.5), (20, 3.8)])
def test_one_run_of_draws_in_10000_is_so_even(servers: int, quantile: float) -> None:
    """The quantiles were simulated, 200 answers, 300,000 runs and more; the formula is good to a factor of 2."""
    counts = [200 // servers] * servers
    assert 0.5e-4 < draws.chance_as_even(quantile, counts) < 2e-4


@pytest.mark.parametrize(("servers", "quantile"), [(2, 15.8), (3, 15.7), (5, 13.8), (10, 11.0), (20, 8.7)])
def test_one_run_of_draws_in_1000_is_so_uneven(servers: int, quantile: float) -> None:
    """The same at the other end; a bound for all servers together, so it may be 2.5 times too large."""
    counts = [200 // servers] * servers
    assert 0.9e-3 < draws.chance_as_uneven(quantile, counts) < 2.5e-3


@pytest.mark.parametrize("weights", [(1, 1), (1, 1, 1), (3, 2, 1), (1,) * 10])
def test_both_tails_hold_in_simulated_draws(weights: tuple[int, ...]) -> None:
    """Of 300 runs of draws about 1 % at most are said to be as rare as 1 %, at either end."""
    found = simulated.tails(weights, 300, 100, seed=7)
    assert 0 < found["even 1:100"] < 2.5
    assert found["uneven 1:100"] < 2.5


FINDS = {
    "draws, 2 servers": {Kind.DRAWS_LIKE},
    "draws, 10 servers": {Kind.DRAWS_LIKE},
    "draws 9:1": {Kind.UNKNOWN},
    "less loaded of two, 1:1:2": {Kind.DRAWS_LIKE},
    "one cycle, 10 servers": {Kind.STRICT_CYCLE},
    "2 cycles, 3 servers": {Kind.EVEN},
    "16 cycles, 3 servers": {Kind.DRAWS_LIKE, Kind.EVEN},
    "nginx 3:7:11:13": {Kind.WEIGHTED_CYCLE},
    "HAProxy 8:8:7": {Kind.WEIGHTED_CYCLE, Kind.EVEN},
    "cycle of 3 beside 0.02 others": {Kind.EVEN, Kind.STRICT_CYCLE},
    "cycle of 3 beside 0.1 others": {Kind.EVEN, Kind.DRAWS_LIKE},
    "blocks 100:100": {Kind.UNKNOWN, Kind.FIRST_UNTIL_FULL},
    "draws, 2 on a connection": {Kind.UNKNOWN},
    "draws, 10 on a connection": {Kind.UNKNOWN},
    "draws, 20 servers": {Kind.DRAWS_LIKE},
    "one server": {Kind.ONE_SERVER},
    "dead half way, 1 of 3, draws": {Kind.CHANGED},
    "dead half way, 1 of 3, cycle": {Kind.CHANGED},
}


@pytest.mark.parametrize("law", FINDS)
def test_each_law_is_called_what_it_may_be_called(law: str) -> None:
    """A small size of `python -m bench.order`, with a seed."""
    assert set(simulated.said(law, simulated.laws(200)[law], 15, 200, seed=1)) <= FINDS[law]


def test_the_table_has_a_row_for_each_law_and_a_column_for_each_kind(capsys: pytest.CaptureFixture[str]) -> None:
    """One run of each law fills the table."""
    assert simulated.main(["--runs", "1", "--answers", "60"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*simulated.laws(60), *Kind))


def test_the_table_of_tails_has_a_row_for_each_kind_of_draws(capsys: pytest.CaptureFixture[str]) -> None:
    """A few runs of each fill the table."""
    assert simulated.main(["--tails", "--runs", "3"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("3:7:11:13", "20 servers", "uneven 1:10,000"))


@pytest.mark.parametrize(
    "order", ["ab" * 12, "abc" * 8, "aabc" * 12, "ab" * 11, "a" * 24, "abc" * 7 + "acb", "aabc" * 11 + "aacb", ""]
)
def test_the_cycle_alone_is_the_one_that_is_inferred(order: str) -> None:
    """Between rounds only the cycle is sought: it is what the whole inference says, or there is none."""
    whole = infer(order)
    assert only_cycle(order) == (whole if whole.kind in (Kind.STRICT_CYCLE, Kind.WEIGHTED_CYCLE) else None)
