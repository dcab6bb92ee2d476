"""Kept connections show what a server is chosen for: the pure function, its error rate, the rounds, the verdicts."""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import pi

import pytest

from lbcheck.checks import spread
from lbcheck.checks.spread.kept import CONNECTIONS, DEALT, DEALT_REQUESTS, FEWEST, MOST, Kept, kept
from lbcheck.errors import LbcheckError
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Cluster, Frontend
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question
from lbcheck.model.requests import Answers, Count, Request
from lbcheck.model.verdict import Outcome, Verdict
from lbcheck.pipeline import CHECKS
from lbcheck.wire import samples as samples_file
from lbcheck.wire.jsonl import line

from .scenes import URL

ALPHA = 1e-6
WEIGHTS = {"a": 1, "b": 1, "c": 1}
KEEPING = Options(keep_alive=True)


def met(*connections: str, **more: object) -> Answers:
    """Return a sample of these connections, each with the servers of its answers, a letter each."""
    requests, firsts = Counter("".join(connections)), Counter(servers[0] for servers in connections)
    several = [servers for servers in connections if len(servers) > 1]
    defaults = {"at": HERE, "url": URL, "address": "192.0.2.1", "sent": requests.total()}
    return Answers(
        connections=len(connections),
        counts=tuple(Count("", name, count, firsts[name], {"200": count}) for name, count in requests.items()),
        statuses={"200": requests.total()},
        kept=len(several),
        moved=sum(len(set(servers)) > 1 for servers in several),
        **{**defaults, **more},  # type: ignore[arg-type]
    )


def one(server: str, answers: int = 24, **more: object) -> Answers:
    """Return a first round: one server gives all answers over one connection."""
    return met(server * answers, **more)


def each(servers: Iterable[str], **more: object) -> Answers:
    """Return a round in which each request has a connection of its own."""
    return met(*servers, **more)


def in_turn(number: int) -> Sequence[str]:
    """Return three servers in turn."""
    return list(itertools.islice(itertools.cycle("abc"), number))


def dealt(round_: int, servers: str = "abcabcab") -> Answers:
    """Return a round that was dealt to eight connections, each of which met one server."""
    return met(*(server * 6 for server in servers), round=round_)


def judged(samples: Sequence[Answers], **told: object) -> Verdict:
    """Return the verdict on a fleet of a URL."""
    [verdict] = spread.judge(of_url(URL, **told), samples)  # type: ignore[arg-type]
    return verdict


def following(question: Question, *samples: Answers) -> Request | None:
    """Return the traffic of the next round, if there is one."""
    plan = spread.further(question, KEEPING, samples)
    steps = [step for stage in plan.stages for step in stage.steps if isinstance(step, Request)]
    return steps[0] if steps else None


def said(verdict: Verdict) -> str:
    """Return all findings, as one text."""
    return "; ".join(finding.message for finding in verdict.findings)


# --- what they show ---


def test_connections_that_each_met_one_of_several_servers_show_that_they_are_the_unit() -> None:
    """Four connections of 50 answers each: no request on them was a choice of its own."""
    seen = kept([met("a" * 50, "b" * 50, "c" * 50, "a" * 50)], ALPHA)
    assert (seen.unit, seen.connections, seen.moved, seen.servers) == ("connection", 4, 0, 3)


def test_one_connection_that_met_two_servers_shows_that_requests_are_the_unit() -> None:
    """However many others keep to theirs."""
    assert kept([dealt(0), met("ab"), dealt(1)], ALPHA).unit == "request"


def test_connections_that_all_met_one_server_show_nothing() -> None:
    """It may be the only one, or a hash of the client's address gave it."""
    assert kept([met(*["a" * 50] * 20)], ALPHA).unit == ""


@pytest.mark.parametrize("sample", [each(in_turn(300)), replace(dealt(0), kept=0), met()])
def test_where_no_connection_is_known_to_be_kept_nothing_is_shown(sample: Answers) -> None:
    """A connection for each request, a sample of an earlier version, no answer."""
    assert kept([sample], ALPHA) == Kept()


def test_few_connections_show_nothing() -> None:
    """A server that takes over from another ends connections, too, and begins others."""
    few = ["a" * 100, "b" * 100, "c" * 100]
    assert FEWEST == 4
    assert kept([met(*few)], ALPHA).unit == ""
    assert kept([met(*few, "a" * 100)], ALPHA).unit == "connection"


def test_few_answers_show_nothing() -> None:
    """Draws from three servers give each of eight connections two equal answers in one run of 6,561."""
    assert kept([met(*(server * 2 for server in "abcabcab"))], ALPHA).unit == ""


@pytest.mark.parametrize("differs", ["at", "source", "address", "key"])
def test_a_server_for_each_route_shows_nothing(differs: str) -> None:
    """A hash of the client's address, of a header, or addresses that are servers: one route never met another one."""
    places = ({differs: name, "round": number} for number, name in enumerate(("x", "y")))
    seen = kept([met(*[server * 50] * 4, **place) for server, place in zip("ab", places, strict=True)], ALPHA)
    assert (seen.unit, seen.several, seen.servers) == ("", False, 2)


def test_answers_without_a_name_take_evidence_away() -> None:
    """A connection whose first answer names nobody may have fallen on any server."""
    surely = met(*(server * 5 for server in "ababab"))
    assert kept([surely], 1e-3).certain
    assert not kept([replace(surely, connections=20)], 1e-3).certain


def test_uneven_servers_show_it_too() -> None:
    """One of sixteen connections met another server."""
    assert kept([met(*(server * 6 for server in "aaaaaaaaaaaaaaab"))], ALPHA).unit == "connection"


def test_more_connections_met_than_kept_are_refused() -> None:
    """A damaged sample."""
    with pytest.raises(LbcheckError, match="more than all"):
        Answers(at="", url=URL, address="", kept=1, moved=2)


# --- how often it errs where requests are the unit ---


def wrong(ways: Iterable[Sequence[str]], alpha: float) -> Fraction:
    """Return the share of ways that requests fell on connections which look as if connections were the unit."""
    whole = list(ways)
    unmoved = (way for way in whole if all(len(set(servers)) == 1 for servers in way))
    return Fraction(sum(kept([met(*way)], alpha * pi**2 / 6).certain for way in unmoved), len(whole))


@pytest.mark.parametrize("alpha", [0.3, 0.1, 0.05, 0.02, 0.01])
@pytest.mark.parametrize("sizes", [(2, 2, 2, 2), (3, 3, 3), (5, 2, 2), (4, 4)])
def test_draws_look_like_connections_no_more_often_than_is_asked(sizes: Sequence[int], alpha: float) -> None:
    """Every row of draws of two equal servers, over connections of these sizes."""
    ends = [0, *itertools.accumulate(sizes)]
    rows = ("".join(row) for row in itertools.product("ab", repeat=ends[-1]))
    assert wrong(([row[start:end] for start, end in itertools.pairwise(ends)] for row in rows), alpha) <= alpha


@pytest.mark.parametrize("alpha", [0.3, 0.1, 0.05, 0.02, 0.01])
@pytest.mark.parametrize("order", ["abababab", "aaaabbbb", "abcabcab", "aaaaaabb"])
def test_requests_that_chance_deals_look_like_connections_no_more_often(order: str, alpha: float) -> None:
    """Every way to deal this order to three connections: a cycle, blocks, one server that takes over from another."""

    def on_connections(places: Sequence[int]) -> Sequence[str]:
        parts = ["".join(s for s, at in zip(order, places, strict=True) if at == number) for number in range(3)]
        return [part for part in parts if part]

    assert wrong(map(on_connections, itertools.product(range(3), repeat=len(order))), alpha) <= alpha


def test_later_looks_have_a_smaller_part_of_the_rate() -> None:
    """All looks together err no more often than one may: what is just enough at the first is not at the second."""
    sample = met("aaa", "bbb", "aaa", "bbb", "cc", "cc")
    rates = [10 ** (-number / 50) for number in range(400)]
    first = min(rate for rate in rates if kept([sample], rate).certain)
    assert kept([sample], first * 1.001).certain
    later = [replace(sample, kept=0), one("a", round=0, address="192.0.2.9"), replace(sample, round=1)]
    assert not kept(later, first * 3.9).certain
    assert kept(later, first * 4.3).certain


def test_a_round_that_is_dealt_shows_two_equal_servers() -> None:
    """In nine of ten: else all connections but one, or all, fell on one server, and the next round shows it."""
    rng = random.Random(7)  # noqa: S311 (a simulation, no secret)
    shown = 0
    for _ in range(200):
        connections = [""] * DEALT
        servers = rng.choices("ab", k=DEALT)
        for place in rng.choices(range(DEALT), k=DEALT_REQUESTS):
            connections[place] += servers[place]
        shown += kept([met(*filter(None, connections))], ALPHA).unit == "connection"
    assert shown > 170


# --- the rounds find out ---


@pytest.mark.parametrize("told", [{}, {"weights": WEIGHTS}, {"asked": Asked(servers=3)}])
def test_after_one_server_on_one_connection_each_request_has_its_own(told: dict[str, object]) -> None:
    """The first round is one at a time: whether the other servers answer shows by further connections alone."""
    step = following(of_url(URL, **told), one("a"))  # type: ignore[arg-type]
    assert step
    assert (step.keep_alive, step.dealt, step.requests) == (False, 0, CONNECTIONS - 1)


def test_once_several_servers_answer_requests_are_dealt_to_kept_connections() -> None:
    """One at a time, each on one of eight."""
    step = following(of_url(URL, weights=WEIGHTS), one("a"), each(in_turn(23), round=1))
    assert step
    assert (step.keep_alive, step.dealt, step.requests, step.concurrency) == (True, DEALT, DEALT_REQUESTS, 1)


def test_once_connections_are_the_unit_each_request_has_its_own() -> None:
    """As many as the law lacks."""
    step = following(of_url(URL, weights=WEIGHTS), one("a"), each(in_turn(23), round=1), dealt(2))
    assert step
    assert (step.keep_alive, step.dealt, step.round) == (False, 0, 3)


def test_once_requests_are_the_unit_connections_are_kept() -> None:
    """As the user says."""
    step = following(of_url(URL, weights=WEIGHTS), met("aabcacbbcabbcacabccabcbb"))
    assert step
    assert (step.keep_alive, step.dealt) == (True, 0)


def test_a_single_server_is_asked_no_longer_than_tells() -> None:
    """Nobody told of others: 24 connections are enough to say that only this one answers."""
    assert following(of_url(URL), one("a"), each("a" * 23, round=1)) is None


def test_connections_that_never_show_it_are_not_dealt_for_ever() -> None:
    """After 64 of them."""
    rounds = [met(*["a" * 6] * 8, round=number) for number in range(2, 10)]
    samples = [one("a"), each("aab" * 7, round=1), *rounds]
    assert kept(samples, ALPHA).connections > MOST
    step = following(of_url(URL, weights={"a": 40, "b": 1}), *samples)
    assert step is None or not step.dealt


@pytest.mark.parametrize("unit", ["request", "connection"])
def test_the_users_word_on_the_unit_comes_first(unit: str) -> None:
    """Nothing needs to be found out, whatever is seen."""
    question = of_url(URL, weights=WEIGHTS, asked=Asked(unit=unit))  # type: ignore[arg-type]
    step = following(question, one("a"), each(in_turn(23), round=1))
    assert step is None or not step.dealt
    for sample in (dealt(0), met("abcabc")):
        [verdict] = spread.judge(question, [sample])
        assert (verdict.evidence["unit"], verdict.evidence["unit_told_by"]) == (unit, "user")


def test_under_a_hash_one_server_is_enough() -> None:
    """Somebody told that one server may get everything."""
    question = of_url(URL, algorithm="source")
    assert following(question, one("a")) is None
    [verdict] = spread.judge(question, [one("a")])
    assert verdict.outcome is Outcome.PASS


# --- the verdicts ---


def test_a_balancer_of_connections_is_judged_by_its_connections() -> None:
    """Requests are as uneven as chance dealt them; connections are as even as they are owed."""
    samples = [one("a"), each(in_turn(200), round=1), dealt(2)]
    for told in ({}, {"weights": WEIGHTS}):
        verdict = judged(samples, **told)
        assert verdict.outcome is Outcome.PASS
        assert (verdict.evidence["unit"], verdict.evidence["unit_told_by"]) == ("connection", "inferred")
        assert "each of 9 kept connections met one server, and 3 servers answered" in said(verdict)
        assert "--unit request says otherwise" in said(verdict)


def test_a_wrong_weight_by_connections_fails() -> None:
    """The first answer of a connection is a choice whatever the unit is: the weights that the user told accuse."""
    samples = [one("a"), each("abcb" * 100, round=1), dealt(2, "abcbabcb")]
    verdict = judged(samples, weights=WEIGHTS)
    assert verdict.outcome is Outcome.FAIL
    assert "server b answered 204 of 409 requests" in said(verdict)
    assert judged(samples).outcome is Outcome.INCONCLUSIVE  # nobody told


def test_a_single_server_fails_by_its_requests() -> None:
    """It breaks the weights whatever the unit is."""
    verdict = judged([one("a"), each("a" * 23, round=1)], weights=WEIGHTS)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.evidence["unit"] == "request"
    assert "server a answered 47 of 47 requests" in said(verdict)


def test_few_connections_that_met_one_server_accuse_nobody() -> None:
    """The user said how many requests: those on one connection may be one choice."""
    verdict = judged([one("a", 200)], weights=WEIGHTS)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the kept connection met one server: whether it is chosen for each request or each connection" in said(
        verdict
    )
    assert "--unit says it, and a run without --requests finds out" in said(verdict)


def test_few_connections_that_met_one_server_pass_nobody() -> None:
    """Three even servers on three connections are three choices, or many."""
    verdict = judged([met("a" * 100, "b" * 100, "c" * 100)], weights=WEIGHTS)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "each of 3 kept connections met one server" in said(verdict)


def test_a_mode_that_somebody_told_is_not_found_out() -> None:
    """An inventory says http: connections that each met one server then stick to it for another reason."""
    cluster = Cluster(frontends=(Frontend("www", URL, "web", ("192.0.2.1",)),), backends=(Backend("web", mode="http"),))
    question = Question(cluster)
    [verdict] = spread.judge(question, [dealt(0)])
    assert (verdict.evidence["unit"], verdict.evidence["unit_told_by"]) == ("request", "user")
    assert following(question, one("a")) is None


def test_kept_samples_give_the_same_verdict() -> None:
    """The unit is found in the samples; what the user said of it is in the first line of their file."""
    samples = [one("a"), each(in_turn(200), round=1), dealt(2)]
    for unit in ("", "request", "connection"):
        question = of_url(URL, weights=WEIGHTS, asked=Asked(unit=unit))  # type: ignore[arg-type]
        text = "\n".join([samples_file.first_line(question), *map(line, samples)])
        kept = samples_file.read(text)
        assert CHECKS["spread"].judge(kept.question, kept.samples) == spread.judge(question, samples)
