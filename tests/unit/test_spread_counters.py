"""What a balancer's counters tell of its servers is said first, and decides what is owed and what is a fault."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.checks import spread
from lbcheck.checks.spread.hash_keys import surely_sent
from lbcheck.checks.spread.states import warm_in_s
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.counters import Counters, ServerState
from lbcheck.model.question import Question
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL, answers, backend, changed, counted, readings

THREE = {"web1": 100, "web2": 100, "web3": 100}
EVEN = {"weight": 1}
QUESTION = of_url(URL, stats=["unix:/s"])


def told(counts: Mapping[str, int], **every: Any) -> list[Counters]:
    """Return readings before and after the balancer gave `counts`, with these fields of every server."""
    before, after = readings("unix:/s", counts)
    now = backend(*(counted(name, 1000 + n, chosen=500 + n, **EVEN | every) for name, n in counts.items()))
    then = backend(*(counted(name, 1000, chosen=500, **EVEN | every) for name in counts))
    return [replace(before, backends=then), replace(after, backends=now)]


def set_(counters: Sequence[Counters], *names: str, **fields: Any) -> list[Counters]:
    """Return both readings with these fields of the servers with these names."""
    return [changed(reading, *names, **fields) for reading in counters]


def since(counters: Sequence[Counters], name: str, **counts: int) -> list[Counters]:
    """Return the readings with these counts of one server between them."""
    before, after = counters
    (later,) = after.backends
    was = {field: getattr(next(s for s in before.backends[0].servers if s.name == name), field) for field in counts}
    now = {field: (was[field] or 0) + count for field, count in counts.items()}
    assert any(server.name == name for server in later.servers)
    return [before, changed(after, name, **now)]


def judged(seen: Mapping[str, int], counters: Sequence[Counters], question: Question = QUESTION) -> Verdict:
    """Return the one verdict."""
    (verdict,) = spread.judge(question, [answers("", seen, address=""), *counters])
    return verdict


def said(verdict: Verdict, outcome: Outcome) -> list[str]:
    """Return the findings of one outcome."""
    return [finding.message for finding in verdict.findings if finding.outcome is outcome]


def test_a_server_that_is_down_by_its_check_is_a_fault_that_is_said_first() -> None:
    """Nobody listed it, and the others share evenly: it fails all the same, by the product's word."""
    left = {"web1": 150, "web2": 150, "web3": 0}
    verdict = judged(left, set_(told(left), "web3", state=ServerState.DOWN, status="DOWN", check="L4CON"))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings[0].message == "HAProxy says server web3 is DOWN (L4CON)"
    assert len(said(verdict, Outcome.FAIL)) == 1


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (ServerState.MAINTENANCE, "MAINT", "in maintenance (MAINT): set to maintenance at run time"),
        (ServerState.DRAINING, "DRAIN", "in drain (DRAIN): set to maintenance at run time"),
        (ServerState.STOPPING, "NOLB", "given nothing new (NOLB): set to maintenance at run time"),
    ],
)
def test_what_a_person_set_is_a_remark_unless_the_user_listed_the_server(
    state: ServerState, status: str, words: str
) -> None:
    """Maintenance, drain and NOLB are said with their reason; they fail where somebody counts on the server."""
    left = {"web1": 150, "web2": 150, "web3": 0}
    out = set_(told(left), "web3", state=state, status=status, reason="set to maintenance at run time")
    verdict = judged(left, out)
    assert verdict.outcome is Outcome.PASS
    assert verdict.findings[0].message == f"HAProxy says server web3 is {words}"
    listed = judged(left, out, of_url(URL, stats=["unix:/s"], weights={"web1": 1, "web2": 1, "web3": 1}))
    assert f"HAProxy says server web3 is {words}" in said(listed, Outcome.FAIL)
    named = judged(left, out, of_url(URL, stats=["unix:/s"], servers=["web1", "web2", "web3"]))
    assert f"HAProxy says server web3 is {words}" in said(named, Outcome.FAIL)


def test_many_servers_in_one_state_are_one_sentence() -> None:
    """Thirty places that wait for an address do not fill a page."""
    spare = {f"spare{number}": 0 for number in range(30)}
    left = {"web1": 150, "web2": 150, **spare}
    empty = set_(told(left), *spare, state=ServerState.MAINTENANCE, status="MAINT (resolution)")
    verdict = judged({"web1": 150, "web2": 150}, empty)
    assert verdict.outcome is Outcome.PASS
    assert verdict.findings[0].message.startswith("HAProxy says 30 servers are MAINT (resolution): spare0, spare1, ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"weight": 0}, "server web3 has weight 0"),
        (
            {"weight": 0, "configured_weight": 1},
            "server web3 has weight 0, not the configured 1: somebody set it",
        ),
        (
            {"weight": 0, "configured_weight": 1, "agent": "L7OK"},
            "server web3 has weight 0, not the configured 1: its agent or somebody set it",
        ),
    ],
)
def test_a_weight_that_an_agent_or_a_person_set_is_a_remark(fields: dict[str, Any], words: str) -> None:
    """The weight as it is now is owed, and why it is so is said."""
    left = {"web1": 150, "web2": 150, "web3": 0}
    verdict = judged(left, set_(told(left), "web3", **fields))
    assert (verdict.outcome, verdict.findings[0].message) == (Outcome.PASS, words)
    listed = judged(left, set_(told(left), "web3", **fields), of_url(URL, stats=["unix:/s"], weights={**THREE}))
    assert "HAProxy gives server web3 weight 0; 1 is expected" in said(listed, Outcome.FAIL)


WARM = {"web1": 640, "web2": 640, "web3": 40}


def test_a_slow_start_is_said_and_its_exact_part_of_the_weight_is_owed() -> None:
    """A sixteenth of weight 1, which the balancer shows as 1: 40 of 1,320 requests."""
    verdict = judged(WARM, set_(told(WARM), "web3", slow_start=1 / 16, effective_weight=1))
    assert verdict.outcome is Outcome.PASS
    assert verdict.findings[0].message == "server web3 is at 6% of its weight: slowstart"
    assert verdict.evidence["servers"]["web3"]["expected_share"] == pytest.approx(1 / 33)


def test_a_slow_start_is_owed_its_part_of_the_weight_that_the_user_gave() -> None:
    """The user's weight is the whole one."""
    question = of_url(URL, stats=["unix:/s"], weights={"web1": 1, "web2": 1, "web3": 1})
    warming = set_(told(WARM), "web3", slow_start=1 / 16, effective_weight=1)
    assert judged(WARM, warming, question).outcome is Outcome.PASS


def test_shares_that_are_off_in_a_slow_start_are_inconclusive() -> None:
    """It is said when to run again; the same counts fail where nothing warms up."""
    before, after = set_(told(THREE), "web3", slow_start=1 / 2, effective_weight=1, since_s=25)
    verdict = judged(THREE, [before, changed(after, "web3", since_s=30)])
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE)[0] == "server web3 is in slowstart: run again in about 34 s"
    assert judged(WARM, told(WARM)).outcome is Outcome.FAIL


@pytest.mark.parametrize(("sixteenths", "since_s", "left_s"), [(1, 2, 62), (8, 30, 34), (16, 60, 2), (1, None, 31)])
def test_the_end_of_a_slow_start_is_told_by_how_far_it_came(sixteenths: int, since_s: int | None, left_s: int) -> None:
    """A slow start of a minute goes through sixteen steps; the share is that of the step that it is in."""
    assert warm_in_s(counted("web3", 0, slow_start=sixteenths / 16, since_s=since_s)) == left_s


FLEET = {"web1": 150, "web2": 150, "b1": 0, "b2": 0}


def spares(counts: Mapping[str, int], *, active: bool, all_backups: bool | None = None) -> list[Counters]:
    """Return readings of two servers, which serve or are in maintenance, and of two backups."""
    ready = set_(told(counts), "b1", "b2", backup=True)
    if not active:
        ready = set_(ready, "web1", "web2", state=ServerState.MAINTENANCE, status="MAINT")
    return [replace(r, backends=tuple(replace(b, all_backups=all_backups) for b in r.backends)) for r in ready]


def test_idle_backups_are_owed_nothing_even_if_the_user_did_not_list_them() -> None:
    """While other servers serve, a backup is neither starved nor a stranger."""
    assert judged(FLEET, spares(FLEET, active=True)).outcome is Outcome.PASS
    listed = of_url(URL, stats=["unix:/s"], weights={"web1": 1, "web2": 1})
    assert judged(FLEET, spares(FLEET, active=True), listed).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("b1", "b2", "all_backups", "outcome"),
    [
        (300, 0, None, Outcome.PASS),  # the first alone
        (150, 150, None, Outcome.PASS),  # `allbackups`, which the counts show
        (200, 100, None, Outcome.FAIL),  # neither
        (0, 300, None, Outcome.FAIL),  # the second alone
        (300, 0, False, Outcome.PASS),
        (150, 150, False, Outcome.FAIL),
        (300, 0, True, Outcome.FAIL),
        (150, 150, True, Outcome.PASS),
    ],
)
def test_backups_serve_where_no_other_server_does(b1: int, b2: int, all_backups: bool | None, outcome: Outcome) -> None:
    """The first of them alone, or all of them: as told, and either where nobody tells it."""
    served = {"web1": 0, "web2": 0, "b1": b1, "b2": b2}
    assert judged(served, spares(served, active=False, all_backups=all_backups)).outcome is outcome


def test_a_backup_that_is_chosen_beside_a_server_that_serves_is_named() -> None:
    """It is a fault even where so few requests break no law."""
    served = {"web1": 149, "web2": 149, "b1": 2, "b2": 0}
    verdict = judged(served, spares(served, active=True))
    assert said(verdict, Outcome.FAIL) == ["backup server b1 got 2 requests although server web1 serves"]


def test_a_backup_that_a_cookie_or_a_rule_names_is_a_remark() -> None:
    """The algorithm did not choose it."""
    served = {"web1": 149, "web2": 149, "b1": 2, "b2": 0}
    named = since(spares(served, active=True), "b1", chosen=0)
    verdict = judged(served, named)
    assert verdict.outcome is Outcome.PASS
    assert verdict.findings[0].message == "backup server b1 answered 2 requests that named it (a cookie or a rule)"


def test_a_dead_server_without_a_check_is_what_fails_and_not_the_shares() -> None:
    """Its choices keep the law; what it refused, others answered."""
    served = {"web1": 150, "web2": 150, "dead": 0}
    dead = since(since(told(served), "dead", chosen=150, connections=150, redispatched=150), "web1", chosen=150)
    verdict = judged(served, set_(dead, "dead", state=ServerState.UNCHECKED, status="no check"))
    assert said(verdict, Outcome.FAIL) == ["server dead refused 150 connections; HAProxy gave them to others"]
    assert verdict.findings[0].outcome is Outcome.FAIL
    assert "matches roundrobin" in said(verdict, Outcome.PASS)[-1]


def test_shares_behind_a_dead_server_are_not_blamed_where_choices_are_not_told() -> None:
    """The refusals fail; the shares are inconclusive, because others got what it refused."""
    served = {"web1": 150, "web2": 150, "dead": 0}
    dead = [changed(r, *served, chosen=None) for r in since(told(served), "dead", connections=150, redispatched=150)]
    drawn = [replace(r, backends=tuple(replace(b, algorithm="random") for b in r.backends)) for r in dead]
    verdict = judged(served, drawn)
    assert said(verdict, Outcome.FAIL) == ["server dead refused 150 connections; HAProxy gave them to others"]
    assert said(verdict, Outcome.INCONCLUSIVE)[0] == "HAProxy gave other servers what server dead refused"


def test_refused_connections_that_nobody_took_over_are_said_alone() -> None:
    """Retries are further connections that were refused."""
    served = {"web1": 150, "web2": 150, "dead": 0}
    dead = since(told(served), "dead", chosen=150, connections=600, failed_connections=150, retries=450)
    assert "server dead refused 600 connections" in said(judged(served, dead), Outcome.FAIL)


def test_few_refused_connections_are_a_remark() -> None:
    """Up to one in a hundred of a balancer's connections is no fault."""
    few = since(told(THREE), "web1", redispatched=3, connections=103)
    assert (judged(THREE, few).outcome, said(judged(THREE, few), Outcome.PASS)[0]) == (
        Outcome.PASS,
        "server web1 refused 3 connections; HAProxy gave them to others",
    )
    many = since(told(THREE), "web1", redispatched=4, connections=104)
    assert judged(THREE, many).outcome is Outcome.FAIL


def test_a_law_is_void_where_a_server_reached_its_maxconn() -> None:
    """The queue decides who gets what; the same counts fail where none was full."""
    served = {"web1": 100, "web2": 60, "web3": 140}
    full = set_(told(served, session_limit=20, sessions_max=3), "web2", sessions_max=20)
    verdict = judged(served, full)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE)[0] == (
        "server web2 reached its maxconn of 20: what waits in the queue is not the algorithm's choice"
    )
    assert judged(served, told(served, session_limit=20, sessions_max=3)).outcome is Outcome.FAIL
    assert judged(THREE, set_(told(THREE), "web2", session_limit=20, sessions_max=20)).outcome is Outcome.PASS


def test_what_waited_for_a_full_server_is_not_taken_for_a_cookie() -> None:
    """It got its server from the queue, without a choice: the requests are even, and that is what counts."""
    queued = since(set_(told(THREE), "web2", queued_max=9), "web2", chosen=20)
    verdict = judged(THREE, queued)
    assert verdict.outcome is Outcome.PASS
    assert not any("cookie" in finding.message for finding in verdict.findings)


def test_a_client_that_keeps_its_server_is_inconclusive_with_a_way_to_look_behind_it() -> None:
    """One choice for 300 requests (`stick on src`): more requests would tell no more."""
    served = {"web1": 300, "web2": 0, "web3": 0}
    verdict = judged(served, since(told(served), "web1", chosen=1))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE) == [
        "HAProxy chose a server for 1 of 300 requests; a cookie, a stick table or a rule (`use-server`) named their "
        "server: to check the balance behind it, ask without the cookie, from several addresses (--source), or by a "
        "URL that no such rule takes"
    ]


def test_the_algorithm_is_held_to_what_it_chose() -> None:
    """The choices are even, and the rest is said apart; inconclusive if it makes the probe's answers uneven."""
    served = {"web1": 160, "web2": 70, "web3": 70}
    verdict = judged(served, since(told(served), "web1", chosen=70))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE)[0].startswith("HAProxy chose a server for 210 of 300 requests; a cookie")
    assert not said(verdict, Outcome.FAIL)
    few = {"web1": 104, "web2": 98, "web3": 98}
    kept = judged(few, since(told(few), "web1", chosen=98))
    assert kept.outcome is Outcome.PASS
    assert said(kept, Outcome.PASS)[0].startswith("HAProxy chose a server for 294 of 300 requests; a cookie")


def test_choices_that_break_the_law_fail_whoever_was_kept() -> None:
    """Counts look even, and the algorithm never picked web3: that is its fault."""
    verdict = judged(THREE, since(since(told(THREE), "web3", chosen=0), "web1", chosen=150))
    assert (
        "server web3 was chosen for 0 of 250 requests (0.0%); its weight owes it 83"
        in (said(verdict, Outcome.FAIL)[-1])
    )


def test_a_cookie_that_others_bring_does_not_hide_the_choices() -> None:
    """The balancer answered 3,000 requests of clients that keep their server; its own choices are even."""
    served = {"web1": 3100, "web2": 100, "web3": 100}
    kept = since(told(served), "web1", chosen=100)
    sticky = [replace(r, backends=tuple(replace(b, persistent=True) for b in r.backends)) for r in kept]
    verdict = judged(THREE, sticky)
    assert verdict.outcome is Outcome.PASS
    assert said(verdict, Outcome.PASS)[0].startswith("HAProxy chose a server for 300 of 3,300 requests")


def test_uneven_shares_behind_a_cookie_are_inconclusive_where_choices_are_not_told() -> None:
    """A cookie may keep the probe at one server; the counts cannot tell."""
    served = {"web1": 500, "web2": 50, "web3": 50}
    sticky = [
        replace(r, backends=tuple(replace(b, persistent=True) for b in changed(r, chosen=None).backends))
        for r in told(served)
    ]
    verdict = judged(served, sticky)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE)[0] == (
        "a cookie keeps clients at their server, and what the algorithm of HAProxy chose is not known"
    )


def hashed(counts: Mapping[str, int], algorithm: str = "hdr", **asked: Any) -> Verdict:
    """Return the verdict on a balancer that says it hashes."""
    counters = [replace(r, backends=tuple(replace(b, algorithm=algorithm) for b in r.backends)) for r in told(counts)]
    return judged(counts, counters, of_url(URL, stats=["unix:/s"], asked=Asked(**asked)))


def test_a_hash_without_its_key_takes_turns() -> None:
    """It is held to the turns that it takes, and what that does not tell is said."""
    verdict = hashed(THREE)
    assert verdict.outcome is Outcome.PASS
    *_, kept, note = said(verdict, Outcome.PASS)
    assert kept.startswith("matches hdr without its key: each server within")
    assert note.startswith("the requests carry no key for hdr, and without one HAProxy takes turns")


def test_a_hash_that_may_lack_its_key_does_not_fail() -> None:
    """Neither turns nor constancy, and the key is not known to be there: inconclusive."""
    uneven = hashed({"web1": 200, "web2": 80, "web3": 20})
    assert uneven.outcome is Outcome.INCONCLUSIVE
    assert said(uneven, Outcome.INCONCLUSIVE)[0].startswith("the requests carry no key for hdr")


@pytest.mark.parametrize("told_", [{"algorithm": "source"}, {"algorithm": "uri"}, {"hash_keys": ("header:X-S",)}])
def test_a_hash_whose_key_is_sent_fails_where_a_key_meets_several(told_: dict[str, Any]) -> None:
    """An address and a path are in every request; the user's word on a key is as good."""
    assert hashed(THREE, **told_).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("algorithm", "keys", "sent"),
    [
        ("source", (), True),
        ("uri depth 3", (), True),
        ("hdr(host)", (), True),
        ("hdr(User-Agent)", (), True),
        ("hdr(X-Session)", (), False),
        ("hdr(X-Session)", ("header:x-session",), True),
        ("hdr(X-Session)", ("header:other",), False),
        ("hdr", (), False),
        ("hdr", ("header:other",), True),
        ("url_param id", (), True),
        ("url_param other", (), False),
        ("url_param(id)", (), True),
        ("url_param", (), False),
        ("rdp-cookie", (), False),
        ("rdp-cookie(x)", (), False),
        ("hash req.hdr(x)", (), False),
        ("hash req.hdr(x)", ("header:x",), True),
    ],
)
def test_which_keys_the_requests_carry(algorithm: str, keys: tuple[str, ...], sent: bool) -> None:
    """What every HTTP request of lbcheck has, what stands in its URL, and what the user says is sent."""
    assert surely_sent(algorithm, "http://x/?id=3", keys) is sent


def test_without_a_known_fallback_a_hash_is_held_to_draws() -> None:
    """A cycle keeps that law, too."""
    assert table.law_without_key("Quirk") is DRAWS
