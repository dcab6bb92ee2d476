"""What changes during a run is named, with when, and no share is blamed for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.counters import Counters, FrontendCounters, ServerState
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Request
from lbcheck.model.verdict import Finding, Outcome, Verdict

from .scenes import QUESTION as SCENE
from .scenes import URL, answers, backend, changed, counted, readings

QUESTION = of_url(URL, stats=["unix:/s"])
EVEN = {"web1": 100, "web2": 100, "web3": 100}
UNEVEN = {"web1": 140, "web2": 140, "web3": 20}
MAINTENANCE = {"state": ServerState.MAINTENANCE, "status": "MAINT"}


def after_each(*rounds: Mapping[str, int], **every: Any) -> list[Counters]:
    """Return readings before the first and after each round of requests, five seconds apart, of servers of weight 1."""
    first, later = readings("unix:/s", rounds[0])
    total = dict.fromkeys(rounds[0], 1000)
    now = backend(*(counted(name, n, weight=1, **every) for name, n in total.items()))
    found = [replace(first, backends=now)]
    for number, counts in enumerate(rounds, start=1):
        total = {name: n + counts[name] for name, n in total.items()}
        now = backend(*(counted(name, n, weight=1, **every) for name, n in total.items()))
        found.append(replace(later, backends=now, uptime_s=100 + 5 * number))
    return found


def asked(*rounds: Mapping[str, int]) -> list[Answers]:
    """Return what the clients saw in each round."""
    return [answers("", counts, address="", round=number) for number, counts in enumerate(rounds)]


def judged(rounds: Sequence[Mapping[str, int]], counters: Sequence[Counters], question: Question = QUESTION) -> Verdict:
    """Return the one verdict."""
    (verdict,) = spread.judge(question, [*asked(*rounds), *counters])
    return verdict


def first(verdict: Verdict) -> Finding:
    """Return what is said first."""
    return verdict.findings[0]


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ({"weight": 10}, {"weight": 5}, "weight of server web3 changed from 10 to 5 during the run: run again"),
        ({}, MAINTENANCE, "server web3 changed from UP to MAINT during the run: run again"),
        (MAINTENANCE, {"since_s": 2}, "server web3 changed from MAINT to UP 2 s before the end: run again"),
        (
            {"since_s": 90},
            {"since_s": 1},
            "server web3 left its state (UP) and came back to it 1 s before the end: run again",
        ),
        (
            {"slow_start": 1 / 16, "since_s": 2},
            {"slow_start": 1 / 8, "since_s": 7},
            "server web3 went from 6% to 12% of its weight in its slowstart: run again in about 68 s",
        ),
        (
            {"slow_start": 15 / 16, "since_s": 2},
            {"since_s": 7},
            "server web3 went from 94% to the whole of its weight in its slowstart: run again",
        ),
        ({"effective_weight": 8}, {"effective_weight": 4}, "effective weight of server web3 changed from 8 to 4"),
        ({"backup": False}, {"backup": True}, "backup of server web3 changed from False to True during the run"),
    ],
)
def test_a_change_is_named_with_when_and_makes_uneven_shares_inconclusive(
    was: dict[str, Any], now: dict[str, Any], words: str
) -> None:
    """No share fails for it, not even where the user gave the weights; without the change they fail."""
    before, after = after_each(UNEVEN)
    seen = [changed(before, "web3", **was), changed(after, "web3", **now)]
    verdict = judged([UNEVEN], seen)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert first(verdict).outcome is Outcome.INCONCLUSIVE
    assert first(verdict).message.startswith(words)
    assert judged([UNEVEN], [before, after]).outcome is Outcome.FAIL


def test_a_change_is_inconclusive_even_where_the_counts_fit() -> None:
    """They may fit by chance: half of the run was owed something else."""
    before, after = after_each(EVEN)
    verdict = judged([EVEN], [changed(before, "web3", weight=5), after])
    assert verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ({"address": "10.0.0.1:80"}, {"address": "10.0.0.2:80"}, "address of server web3 changed from 10.0.0.1:80 to"),
        ({"session_limit": 10}, {"session_limit": 20}, "maxconn of server web3 changed from 10 to 20 during the run"),
        ({"state": ServerState.UNCHECKED, "status": "no check"}, {}, "server web3 changed from no check to UP"),
    ],
)
def test_a_change_that_moves_no_share_is_a_remark(was: dict[str, Any], now: dict[str, Any], words: str) -> None:
    """Where a server is, how many it may hold, and whether it is checked decide no share."""
    before, after = after_each(EVEN)
    verdict = judged([EVEN], [changed(before, "web3", **was), changed(after, "web3", **now)])
    assert verdict.outcome is Outcome.PASS
    assert first(verdict).message.startswith(words)


def test_what_changes_at_an_idle_backup_moves_no_share() -> None:
    """A backup that goes down is a fault, and the shares of the others are judged."""
    counts = EVEN | {"b1": 0}
    before, after = (changed(reading, "b1", backup=True) for reading in after_each(counts))
    heavier = judged([EVEN], [before, changed(after, "b1", weight=9)])
    assert heavier.outcome is Outcome.PASS
    down = judged([EVEN], [before, changed(after, "b1", state=ServerState.DOWN, status="DOWN")])
    assert [f.message for f in down.findings if f.outcome is Outcome.FAIL] == ["HAProxy says server b1 is DOWN"]
    assert down.findings[-1].message.startswith("matches roundrobin")


def test_a_change_of_a_server_that_gets_nothing_moves_no_share() -> None:
    """A server that is in maintenance throughout gets another weight."""
    counts = {"web1": 150, "web2": 150, "web3": 0}
    before, after = (changed(reading, "web3", **MAINTENANCE) for reading in after_each(counts))
    assert judged([counts], [before, changed(after, "web3", weight=9)]).outcome is Outcome.PASS


def test_a_server_that_came_or_went_is_named() -> None:
    """Its answers are no stranger's, although the balancer has no counts of it any more."""
    before, after = after_each(EVEN)
    (web,) = after.backends
    less = replace(after, backends=(replace(web, servers=web.servers[:2]),))
    went = judged([EVEN], [before, less])
    assert went.outcome is Outcome.INCONCLUSIVE
    assert first(went).message == "server web3 went during the run: run again"
    early = replace(less, when="before", uptime_s=100, backends=(replace(web, servers=before.backends[0].servers[:2]),))
    came = judged([UNEVEN], [early, changed(after_each(UNEVEN)[1], "web3", requests=20, connections=20)])
    assert first(came).message == "server web3 came during the run: run again"
    assert came.outcome is Outcome.INCONCLUSIVE


def test_a_backend_that_came_during_the_run_is_named() -> None:
    """Nobody knows how its servers stood before it was read for the first time."""
    before, after = after_each(EVEN)
    came = judged([EVEN], [replace(before, backends=()), changed(after, requests=100, connections=100)])
    assert first(came).message == "backend web came during the run: run again"
    assert came.outcome is Outcome.INCONCLUSIVE


def test_failed_health_checks_of_a_server_that_stayed_up_are_a_remark() -> None:
    """Too few in a row to take it out."""
    before, after = after_each(EVEN, failed_checks=7)
    verdict = judged([EVEN], [before, changed(after, "web2", failed_checks=9)])
    assert verdict.outcome is Outcome.PASS
    assert first(verdict).message == "2 health checks of server web2 failed during the run"


def cleared(counts: Mapping[str, int], before: int, after: int, taken: int) -> list[Counters]:
    """Return readings of a frontend that shows `before` and `after` requests, of a process that took `taken`."""
    start, end = after_each(counts)
    return [
        replace(start, requests=5000, frontends=(FrontendCounters(name="www", requests=before),)),
        replace(end, requests=5000 + taken, frontends=(FrontendCounters(name="www", requests=after),)),
    ]


def test_counters_that_were_cleared_are_not_heard_although_none_fell() -> None:
    """The process took all requests, and its counters show fewer than the clients got answers to."""
    half = {name: n // 2 for name, n in EVEN.items()}
    verdict = judged([EVEN], cleared(half, 0, 150, taken=302))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert first(verdict).message == "HAProxy's counters on unix:/s were cleared during the run: run again"
    assert not [finding for finding in verdict.findings if finding.outcome is Outcome.FAIL]


def test_counters_of_a_process_that_took_fewer_requests_were_not_cleared() -> None:
    """Another process answered the rest."""
    half = {name: n // 2 for name, n in EVEN.items()}
    verdict = judged([EVEN], cleared(half, 0, 150, taken=151))
    assert not any("cleared" in finding.message for finding in verdict.findings)
    whole = judged([EVEN], cleared(EVEN, 0, 300, taken=302))
    assert whole.outcome is Outcome.PASS


def test_shares_are_judged_over_the_rounds_without_a_change() -> None:
    """Three rounds, a weight that changes in the first: the other two pass by the weight that they had."""
    last = {"web1": 200, "web2": 100, "web3": 100}
    rounds = [EVEN, last, last]
    counters = after_each(*rounds)
    heavy = [counters[0], *(changed(reading, "web1", weight=2) for reading in counters[1:])]
    verdict = judged(rounds, heavy)
    assert verdict.outcome is Outcome.PASS
    assert first(verdict).message == (
        "weight of server web1 changed from 1 to 2 during the run in round 1 of 3; shares are judged over the rounds "
        "without a change"
    )
    assert verdict.evidence["servers"]["web1"]["expected_share"] == 0.5


def test_rounds_before_a_change_are_owed_what_was_told_then() -> None:
    """A server is taken out in the last of three rounds: the first two pass with it."""
    rounds = [EVEN, EVEN, {"web1": 20, "web2": 20, "web3": 5}]
    counters = after_each(*rounds)
    verdict = judged(rounds, [*counters[:3], changed(counters[3], "web3", **MAINTENANCE)])
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["servers"]["web3"]["expected_share"] == pytest.approx(1 / 3)


def test_a_reload_between_rounds_leaves_steady_ones() -> None:
    """The counters begin anew in the second round of three, and the third alone is long enough."""
    rounds = [{"web1": 5, "web2": 5, "web3": 5}, {"web1": 5, "web2": 5, "web3": 5}, EVEN]
    counters = after_each(*rounds)
    verdict = judged(rounds, [*counters[:2], *(replace(c, process="8") for c in counters[2:])])
    assert verdict.outcome is Outcome.PASS
    assert first(verdict).message.startswith(
        "HAProxy on unix:/s was reloaded or restarted during the run in round 2 of 3; shares are judged"
    )


def test_uneven_shares_in_the_steady_rounds_after_a_change_are_inconclusive() -> None:
    """Just after a change a wheel goes on with what it had."""
    rounds = [EVEN, UNEVEN]
    counters = after_each(*rounds)
    heavy = [changed(counters[0], "web1", weight=2), *counters[1:]]
    assert judged(rounds, heavy).outcome is Outcome.INCONCLUSIVE
    assert judged(rounds, counters).outcome is Outcome.FAIL


def test_a_change_in_every_round_leaves_nothing_to_judge() -> None:
    """It goes up and down: inconclusive, and each change is said with its round."""
    rounds = [UNEVEN, UNEVEN]
    one, two, three = after_each(*rounds)
    verdict = judged(rounds, [one, changed(two, "web1", weight=9), three])
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert [finding.message for finding in verdict.findings][:2] == [
        "weight of server web1 changed from 1 to 9 during the run in round 1 of 2: run again",
        "weight of server web1 changed from 9 to 1 during the run in round 2 of 2: run again",
    ]


def steps(rounds: Sequence[Mapping[str, int]], counters: Sequence[Counters]) -> int:
    """Return how many requests a further round has."""
    more = spread.further(QUESTION, Options(), [*asked(*rounds), *counters])
    return sum(step.requests for stage in more.stages for step in stage.steps if isinstance(step, Request))


def test_a_round_with_a_change_is_followed_by_another() -> None:
    """A steady round may be had; after three rounds with changes it is not waited for any longer."""
    one, *others = after_each(EVEN, EVEN, EVEN, EVEN)
    assert steps([EVEN], [one, others[0]]) == 0
    odd = [changed(reading, "web3", weight=2) for reading in others]
    assert steps([EVEN], [one, odd[0]]) > 0
    assert steps([EVEN] * 2, [one, odd[0], others[1]]) > 0
    assert steps([EVEN] * 4, [one, odd[0], others[1], odd[2], others[3]]) == 0


def test_requests_that_pass_the_algorithm_by_are_not_followed_by_more() -> None:
    """A client that keeps its server keeps it in the next round, too."""
    kept = {"web1": 24, "web2": 0, "web3": 0}
    before, after = after_each(kept, chosen=7)
    assert steps([kept], [before, changed(after, "web1", chosen=8)]) == 0


def test_a_change_at_one_of_two_balancers_is_said_there_and_fails_neither() -> None:
    """Both together are uneven for it; the other balancer passes."""
    fair_, uneven = {"web1": 100, "web2": 100, "web3": 200}, {"web1": 190, "web2": 190, "web3": 20}
    before, after = readings("lb1", uneven)
    samples = [answers("lb1", uneven), before, changed(after, "web3", state=ServerState.DRAINING, status="DRAIN")]
    samples += [answers("lb2", fair_), *readings("lb2", fair_)]
    whole, one, other = spread.judge(SCENE, samples)
    assert (whole.outcome, other.outcome) == (Outcome.INCONCLUSIVE, Outcome.PASS)
    assert one.findings[0].message == "server web3 changed from UP to DRAIN during the run: run again"
    assert [f.message for f in one.findings if f.outcome is Outcome.FAIL] == [
        "lb1 says server web3 is in drain (DRAIN)"
    ]
