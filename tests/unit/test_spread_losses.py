"""What was answered, refused and lost: each kind is a sentence, counts where it belongs, and fails where it must."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from lbcheck.checks import loss, spread
from lbcheck.checks.spread import losses
from lbcheck.checks.spread.alike import Compared, Errors
from lbcheck.checks.spread.returns import Returns
from lbcheck.checks.spread.ways import Way
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.counters import BackendCounters, Counters, FrontendCounters, ServerState
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question
from lbcheck.model.requests import Answers, Count, Request
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import CLUSTER, URL, about, answers, counted, fair, readings

LONE = of_url(URL, weights={"web1": 1, "web2": 1, "web3": 1})
EVEN = {"web1": 200, "web2": 200, "web3": 200}


def judged(samples: Sequence[Sample], question: Question = LONE) -> dict[str, Verdict]:
    """Return the verdicts by subject."""
    return {verdict.subject: verdict for verdict in spread.judge(question, samples)}


def lone(*samples: Sample, expect: tuple[str, ...] = (), question: Question = LONE) -> Verdict:
    """Return the verdict on a URL of which nothing but three equal servers is known."""
    (verdict,) = judged(samples, replace(question, asked=Asked(expect=expect))).values()
    return verdict


def said(verdict: Verdict, outcome: Outcome) -> list[str]:
    """Return the findings of one outcome."""
    return [finding.message for finding in verdict.findings if finding.outcome is outcome]


def named(statuses: Mapping[str, Mapping[str, int]], **more: Any) -> Answers:
    """Return answers of servers by their HTTP statuses, of a lone URL at one address."""
    counts = [Count("", name, n := sum(codes.values()), n, codes) for name, codes in statuses.items()]
    sent = sum(count.requests for count in counts) + sum(more.get("errors", {}).values())
    totals: dict[str, int] = dict(more.get("unnamed", {}))
    for codes in statuses.values():
        totals |= {code: totals.get(code, 0) + n for code, n in codes.items()}
    told: dict[str, Any] = {"at": HERE, "url": URL, "address": "192.0.2.1", "sent": sent, "statuses": totals}
    return Answers(counts=tuple(counts), **told | more)


def unnamed(statuses: Mapping[str, int], among: Mapping[str, int] = {}, **more: Any) -> Answers:
    """Return answers that name no server, beside `among` that do, with 200."""
    errors = {"status": sum(n for s, n in statuses.items() if s >= "500")}
    errors["unidentified"] = sum(statuses.values()) - errors["status"]
    kept = {kind: count for kind, count in errors.items() if count}
    return named({name: {"200": n} for name, n in among.items()}, errors=kept, unnamed=statuses, **more)


# --- statuses under a server's name ---


def test_errors_of_one_server_fail_by_its_name() -> None:
    """5xx beyond one in a hundred are a fault, though the shares are even and the answer has a name."""
    verdict = lone(named({"web1": {"200": 200}, "web2": {"200": 200}, "web3": {"200": 10, "503": 190}}))
    assert verdict.outcome is Outcome.FAIL
    assert said(verdict, Outcome.FAIL) == ["server web3 answered 503 to 190 of 600 requests"]


def test_errors_of_each_server_are_one_sentence() -> None:
    """An application that is broken everywhere is not said once a server."""
    verdict = lone(named({name: {"500": 100} for name in EVEN}))
    assert said(verdict, Outcome.FAIL) == [
        "every server answered 500 to all 300 requests: web1 100, web2 100, web3 100",
    ]


def test_a_server_that_answers_with_an_error_at_once_is_named() -> None:
    """Under leastconn it draws nearly all requests, which no law forbids."""
    hole = named({"web1": {"200": 17}, "web2": {"200": 17}, "web3": {"503": 566}})
    verdict = lone(hole, question=of_url(URL, algorithm="leastconn"))
    assert verdict.outcome is Outcome.FAIL
    assert said(verdict, Outcome.FAIL) == ["server web3 answered 503 to 566 of 600 requests, to each that it got"]


def test_few_errors_are_a_remark() -> None:
    """One in a hundred is what a healthy fleet may lose."""
    verdict = lone(named({"web1": {"200": 195, "500": 2}, "web2": {"200": 197}, "web3": {"200": 195, "500": 2}}))
    assert verdict.outcome is Outcome.PASS
    assert "2 servers answered 500 to 4 of 591 requests: web1 2, web3 2" in said(verdict, Outcome.PASS)


def test_a_server_that_errs_alone_fails_though_it_is_one_of_many() -> None:
    """Each of its answers is an error, and they are fewer than one in a hundred of all."""
    many = {f"web{n}": {"200": 20} for n in range(1, 150)} | {"dead": {"503": 20}}
    question = of_url(URL, weights=dict.fromkeys(many, 1))
    verdict = lone(named(many), question=question)
    assert said(verdict, Outcome.FAIL) == ["server dead answered 503 to 20 of 3,000 requests, to each that it got"]


def test_errors_and_lost_requests_are_judged_together() -> None:
    """Neither is more than one in a hundred; both are."""
    codes = {"web1": {"200": 196, "503": 4}, "web2": {"200": 200}, "web3": {"200": 197}}
    verdict = lone(named(codes, errors={"timeout": 3}))
    assert verdict.outcome is Outcome.FAIL
    assert len(said(verdict, Outcome.FAIL)) == 2


@pytest.mark.parametrize(
    ("expect", "outcome"), [(("503",), Outcome.PASS), (("2xx", "5xx"), Outcome.PASS), (("2xx",), Outcome.FAIL)]
)
def test_the_user_says_which_statuses_are_right(expect: tuple[str, ...], outcome: Outcome) -> None:
    """--expect allows what is otherwise wrong."""
    assert lone(named({name: {"503": 200} for name in EVEN}), expect=expect).outcome is outcome


def test_what_is_not_expected_is_wrong() -> None:
    """With --expect 200 a redirect is an error, and its target is said."""
    moved = named({name: {"301": 200} for name in EVEN}, redirects={"301 https://www.lab.test/": 600})
    (sentence,) = said(lone(moved, expect=("200",)), Outcome.FAIL)
    assert sentence.endswith("web3 200 to https://www.lab.test/")


def test_4xx_from_all_alike_are_said_and_pass() -> None:
    """A page that nobody has is no fault of the balance."""
    verdict = lone(named({name: {"404": 200} for name in EVEN}))
    assert verdict.outcome is Outcome.PASS
    assert "every server answered 404 to all 600 requests: web1 200, web2 200, web3 200" in said(verdict, Outcome.PASS)


def test_4xx_from_one_server_alone_fail() -> None:
    """Its peers have the page."""
    verdict = lone(named({"web1": {"200": 200}, "web2": {"200": 200}, "web3": {"200": 180, "404": 20}}))
    assert said(verdict, Outcome.FAIL) == ["server web3 answered 404 to 20 of 600 requests"]


def test_a_redirect_of_a_server_that_errs_is_no_error() -> None:
    """Each status is judged by itself."""
    both = named({"web1": {"200": 200}, "web2": {"200": 200}, "web3": {"200": 100, "301": 50, "404": 50}})
    assert said(lone(both), Outcome.FAIL) == ["server web3 answered 404 to 50 of 600 requests"]
    assert "server web3 answered 301 to 50 of 600 requests" in said(lone(both), Outcome.PASS)


def test_4xx_from_one_server_are_inconclusive_where_they_are_few_of_few() -> None:
    """Two of two requests to one of ten servers: more are asked."""
    few = {f"web{n}": {"200": 2} for n in range(9)} | {"web9": {"404": 2}}
    verdict = lone(named(few), question=of_url(URL))
    assert "server web9 answered 404 to 2 of 20 requests, to each that it got; more requests would tell" in (
        said(verdict, Outcome.INCONCLUSIVE)
    )
    steps = spread.further(of_url(URL), Options(), [named(few)]).stages[0].steps
    assert sum(step.requests for step in steps if isinstance(step, Request)) >= 20


def test_a_limit_that_all_servers_share_is_nobodys() -> None:
    """Errors at one rate everywhere are alike, however they fall; one rate beside none is not."""
    assert not Compared({"a": Errors(3, 200), "b": Errors(2, 200), "c": Errors(1, 200)}).alone(1e-4)
    assert Compared({"a": Errors(40, 200), "b": Errors(0, 200)}).alone(1e-4) == {"a": Outcome.FAIL}
    assert Compared({"a": Errors(1, 8), "b": Errors(0, 16)}).alone(1e-4) == {}
    assert Compared({"a": Errors(3, 6), "b": Errors(0, 6)}).alone(1e-4) == {"a": Outcome.INCONCLUSIVE}
    assert Compared({"a": Errors(99, 100), "b": Errors(98, 100), "c": Errors(0, 100)}).alone(1e-4).keys() == {"a", "b"}


# --- answers without a name ---


def balancer(backend: BackendCounters, entrance: FrontendCounters) -> list[Counters]:
    """Return readings of one HAProxy that counted nothing before."""
    told: dict[str, Any] = {"at": HERE, "balancer": "unix:/s", "uri": "unix:/s", "product": "HAProxy", "process": "7"}
    servers = tuple(
        replace(server, requests=0, connections=0, failed_connections=0, statuses={}) for server in backend.servers
    )
    empty = BackendCounters(name=backend.name, servers=servers)
    before = Counters(when="before", backends=(empty,), frontends=(FrontendCounters(name="www"),), uptime_s=1, **told)
    return [before, Counters(when="after", backends=(backend,), frontends=(entrance,), uptime_s=9, **told)]


def test_the_balancers_own_503_names_the_servers_that_are_down() -> None:
    """Nobody is up: it is a fault, and whose it is shows in the counters."""
    down = [counted(name, 0, state=ServerState.DOWN, status="DOWN") for name in ("alpha", "beta")]
    shop = BackendCounters(name="shop", servers=tuple(down), statuses={"5xx": 2000})
    seen = balancer(shop, FrontendCounters(name="www", statuses={"5xx": 2000}))
    verdict = lone(unnamed({"503": 2000}), *seen, question=of_url(URL, stats=["unix:/s"]))
    assert verdict.outcome is Outcome.FAIL
    sentence = "HAProxy itself answered 503 to all: no server of backend shop is up (alpha DOWN, beta DOWN)"
    assert f"{URL} at 192.0.2.1 from here: {sentence}" in said(verdict, Outcome.FAIL)


def test_the_balancers_own_503_names_the_server_that_refuses() -> None:
    """Without a health check it tries a dead server again and again."""
    web = (counted("web1", 400, statuses={"2xx": 400}), counted("dead", 0, connections=60, failed_connections=60))
    shop = BackendCounters(name="shop", servers=web, statuses={"2xx": 400, "5xx": 20})
    seen = balancer(shop, FrontendCounters(name="www", statuses={"2xx": 400, "5xx": 20}))
    verdict = lone(unnamed({"503": 20}, {"web1": 400}), *seen, question=of_url(URL, stats=["unix:/s"]))
    sentence = "HAProxy itself answered 503 to 20 of 420 requests: it could not connect to server dead"
    assert f"{URL} at 192.0.2.1 from here: {sentence}" in said(verdict, Outcome.FAIL)


def test_a_rule_that_denies_is_said() -> None:
    """The answers name nobody, and HAProxy counts what it denied; nothing else was measured."""
    web = BackendCounters(name="shop", servers=(counted("web1", 0),))
    seen = balancer(web, FrontendCounters(name="www", statuses={"4xx": 50}, denied=50))
    verdict = lone(unnamed({"429": 50}), *seen, question=of_url(URL, stats=["unix:/s"]))
    assert verdict.outcome is Outcome.UNMEASURED
    assert said(verdict, Outcome.UNMEASURED) == [
        f"{URL} at 192.0.2.1 from here: all 50 requests got HTTP 429, by HAProxy itself: a rule denies such requests",
    ]


def test_what_the_balancer_denies_beside_named_answers_hides_nobody() -> None:
    """Its counters say that it was not one of its servers: the rest is judged, and that is said."""
    web = tuple(counted(name, 380, weight=1, statuses={"2xx": 380}) for name in EVEN)
    shop = BackendCounters(name="shop", servers=web)
    seen = balancer(shop, FrontendCounters(name="www", statuses={"2xx": 1140, "4xx": 60}))
    verdict = lone(unnamed({"429": 60}, dict.fromkeys(EVEN, 380)), *seen, question=of_url(URL, stats=["unix:/s"]))
    assert verdict.outcome is Outcome.PASS
    sentence = "60 of 1,200 requests got HTTP 429, by HAProxy itself as far as it shows"
    assert f"{URL} at 192.0.2.1 from here: {sentence}" in said(verdict, Outcome.PASS)


def test_a_server_that_errs_without_its_name_is_named_by_the_counters() -> None:
    """Its error page lacks the header; the balancer counted whose it was."""
    web = tuple(counted(name, 200, statuses={"2xx": 200}) for name in ("web1", "web2"))
    shop = BackendCounters(name="shop", servers=(*web, counted("web3", 200, statuses={"4xx": 200})))
    seen = balancer(shop, FrontendCounters(name="www", statuses={"2xx": 400, "4xx": 200}))
    verdict = lone(unnamed({"404": 200}, {"web1": 200, "web2": 200}), *seen, question=of_url(URL, stats=["unix:/s"]))
    assert verdict.outcome is Outcome.FAIL
    sentence = "200 of 600 requests got HTTP 404, by servers that HAProxy counted with such (web3 200)"
    assert f"{URL} at 192.0.2.1 from here: {sentence}" in said(verdict, Outcome.FAIL)


def test_errors_of_balancer_and_servers_without_names_hide_who_gave_them() -> None:
    """Counters tell that both did: some answers of servers are not seen."""
    web = tuple(counted(name, 400, weight=1, statuses={"2xx": 380, "4xx": 20}) for name in EVEN)
    shop = BackendCounters(name="shop", servers=web)
    seen = balancer(shop, FrontendCounters(name="www", statuses={"2xx": 1140, "4xx": 100}))
    verdict = lone(unnamed({"429": 100}, dict.fromkeys(EVEN, 380)), *seen, question=of_url(URL, stats=["unix:/s"]))
    (sentence,) = said(verdict, Outcome.UNMEASURED)
    assert sentence.endswith("counted with such (web1 20, web2 20, web3 20) or by HAProxy itself")


def test_a_balancer_whose_answers_name_nobody_is_not_absent() -> None:
    """Whoever answered 401 at its address was there."""
    denied = [unnamed({"401": 200}, address=address) for address in CLUSTER.frontends[0].addresses]
    verdicts = judged(denied, about())
    assert verdicts["backend web"].outcome is Outcome.UNMEASURED
    assert not any(said(verdict, Outcome.FAIL) for verdict in verdicts.values())


def test_a_redirect_is_said_with_its_target() -> None:
    """Nobody was met behind it."""
    verdict = lone(unnamed({"301": 50}, redirects={"301 https://www.lab.test/": 50}))
    assert verdict.outcome is Outcome.UNMEASURED
    where = f"{URL} at 192.0.2.1 from here"
    assert said(verdict, Outcome.UNMEASURED) == [
        f"{where}: all 50 requests got HTTP 301 to https://www.lab.test/",
    ]


def test_answers_without_the_header_beside_others_with_it_are_counted() -> None:
    """One server does not name itself: how many such answers there are is said, and is never a pass."""
    verdict = lone(unnamed({"200": 192}, {"web1": 289, "web2": 289}))
    assert f"{URL} at 192.0.2.1 from here: 192 of 770 answers carry no x-served-by" in said(verdict, Outcome.UNMEASURED)
    assert "unidentified" not in str(verdict.findings)


def test_who_answers_without_a_name_is_told_by_the_header_of_a_product() -> None:
    """Nothing else is known of it."""
    verdict = lone(unnamed({"401": 50}, product_headers={"server": "nginx/1.22.1"}))
    assert verdict.outcome is Outcome.UNMEASURED
    (sentence,) = said(verdict, Outcome.UNMEASURED)
    assert sentence.endswith("all 50 requests got HTTP 401 (their header says server: nginx/1.22.1)")


# --- no answer ---


@pytest.mark.parametrize("kind", ["refused", "reset", "protocol"])
def test_a_lone_url_that_is_seen_to_refuse_fails(kind: str) -> None:
    """The user named it, and somebody says no."""
    verdict = lone(answers("", {}, errors={kind: 10}))
    assert verdict.outcome is Outcome.FAIL
    assert "all 10 requests failed" in said(verdict, Outcome.FAIL)[0]


@pytest.mark.parametrize("kind", ["timeout", "unreachable", "not-found"])
def test_silence_of_a_lone_url_could_not_be_measured(kind: str) -> None:
    """Nothing shows that somebody should have answered."""
    verdict = lone(answers("", {}, errors={kind: 10}))
    assert verdict.outcome is Outcome.UNMEASURED
    assert not said(verdict, Outcome.FAIL)


def test_silence_after_answers_is_a_fault() -> None:
    """It answered in the first round, and not in the second."""
    before, after = answers("", EVEN), answers("", {}, errors={"timeout": 20}, round=1)
    verdict = lone(before, after)
    assert verdict.outcome is Outcome.FAIL
    assert "20 of 620 requests failed: timeout" in said(verdict, Outcome.FAIL)[0]


def test_silence_at_one_address_is_a_fault_where_another_answers() -> None:
    """Half of those who ask the name wait in vain."""
    verdict = lone(answers("", EVEN, address="192.0.2.1"), answers("", {}, address="192.0.2.2", errors={"timeout": 3}))
    assert verdict.outcome is Outcome.FAIL
    assert said(verdict, Outcome.FAIL) == [f"{URL} at 192.0.2.2 from client1: all 3 requests failed: timeout"]


def test_silence_is_a_fault_where_the_balancers_counters_answer() -> None:
    """Its process runs, and its address is silent."""
    seen = [answers("", {}, errors={"timeout": 10}), *readings("unix:/s", fair(0))]
    verdict = lone(*seen, question=of_url(URL, stats=["unix:/s"]))
    assert verdict.outcome is Outcome.FAIL


def test_an_address_that_a_client_cannot_reach_is_a_fault_where_others_reach_it() -> None:
    """Every client asks the same addresses."""
    lost = answers("lb1", {}, at="client2", errors={"unreachable": 10})
    verdict = judged([answers("lb1", fair(400)), answers("lb2", fair(400)), lost], about())["backend web"]
    assert f"{URL} at 198.18.0.101 from client2: all 10 requests failed: unreachable" in said(verdict, Outcome.FAIL)


def test_what_the_probe_could_not_send_is_no_loss_of_the_fleet() -> None:
    """Its ports ran out: that is unmeasured, and the one request that was lost is within what is tolerated."""
    verdict = lone(answers("", EVEN, errors={"ports-exhausted": 10, "timeout": 1}))
    assert verdict.outcome is Outcome.UNMEASURED
    assert not said(verdict, Outcome.FAIL)


def test_one_request_lost_of_few_is_no_rate() -> None:
    """One of 24 may be one of a thousand; two are more than one in a hundred; one of one is all that was asked."""
    one = lone(answers("", {"web1": 8, "web2": 8, "web3": 7}, errors={"reset": 1}))
    assert one.outcome is not Outcome.FAIL
    assert said(one, Outcome.INCONCLUSIVE)[0].endswith("1 of 24 requests failed: reset; more requests would tell")
    assert said(lone(answers("", fair(24), errors={"reset": 2})), Outcome.FAIL)
    assert lone(answers("", {}, errors={"refused": 1})).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("lost", "sent", "more"),
    [
        (0, 24, 0),
        (1, 24, 76),  # one of 100 is tolerated
        (1, 100, 0),
        (2, 24, 36),  # if the next ones are lost as often, there are five of 60
        (2, 60, 90),
        (2, 150, 50),
        (3, 24, 16),
        (4, 24, 6),
        (4, 390, 10),
        (4, 400, 0),
        (5, 24, 0),  # of 400 they would still be too many
        (8, 24, 0),
    ],
)
def test_no_more_is_asked_than_tells_a_rare_loss_from_too_much(lost: int, sent: int, more: int) -> None:
    """Up to four lost ones may be rare, and at most 400 requests show it; five of the first 400 cannot be."""
    assert loss.lacking(lost, sent) == more


def test_a_server_that_is_not_there_is_found_within_some_tens_of_requests() -> None:
    """Where the balancer asks no other in its place, each third answer is its own 503."""
    samples: list[Sample] = []
    todo, sent = spread.plan(LONE, Options()), 0
    while todo.stages:
        asked = sum(step.requests for step in todo.stages[-2].steps if isinstance(step, Request))
        turns = Counter(("web1", "web2", "503")[number % 3] for number in range(sent, sent + asked))
        answered = {name: turns[name] for name in ("web1", "web2")}
        samples.append(unnamed({"503": turns["503"]}, answered, round=len(samples)))
        todo, sent = spread.further(LONE, Options(), samples), sent + asked
    assert sent < 80
    missed, silent = said(lone(*samples), Outcome.FAIL)
    assert f"{sent // 3} of {sent} requests got HTTP 503" in missed
    assert silent.startswith("server web3 answered 0 of 46 requests")


def test_a_balancers_own_error_is_one_lost_request() -> None:
    """It names no server and its status is wrong: of 121 requests one is lost, and not two."""
    way = Way("here", "192.0.2.1", "", 121, nameless={"503": 1}, unanswered={}, reasons={}, given_up=())
    assert losses.lacking(Returns(None, Asked(), (way,), {"web1": {"200": 120}}), 1e-6) == 0


def test_who_wants_another_protocol_is_asked_for_it() -> None:
    """Whoever hangs up on every request may want HTTP/2 or the PROXY protocol first."""
    verdict = lone(answers("", {}, errors={"reset": 50}))
    assert "does whoever listens there want HTTP/2, TLS or the PROXY protocol?" in said(verdict, Outcome.FAIL)[0]
    some = lone(answers("", EVEN, errors={"reset": 50}))
    assert "PROXY" not in said(some, Outcome.FAIL)[0]


def test_the_losses_of_one_balancer_are_not_hidden_in_the_sum() -> None:
    """Two of three hundred at lb1 are too many, though of a thousand at both they are not."""
    samples = [
        answers("lb1", fair(100), errors={"timeout": 2}),
        *readings("lb1", fair(100)),
        answers("lb2", fair(900)),
        *readings("lb2", fair(900)),
    ]
    verdicts = judged(samples, about())
    assert [verdicts[s].outcome for s in ("backend web", "backend web at lb1", "backend web at lb2")] == [
        Outcome.FAIL,
        Outcome.FAIL,
        Outcome.PASS,
    ]
    assert said(verdicts["backend web at lb1"], Outcome.FAIL) == ["2 of 102 requests to lb1 failed: timeout 2"]


def test_errors_that_come_through_one_balancer_alone_fail_there() -> None:
    """lb2 denies what lb1 lets through."""
    denied = answers("lb2", fair(300), errors={"unidentified": 100}, unnamed={"403": 100}, statuses={"200": 300})
    verdicts = judged([answers("lb1", fair(400)), denied], about())
    assert said(verdicts["backend web at lb2"], Outcome.FAIL) == ["errors come through lb2, and not through others"]
    assert not said(verdicts["backend web at lb1"], Outcome.FAIL)


# --- what was given up ---


def test_what_failures_cost_is_said() -> None:
    """Nothing was given up, and somebody who waited wants to know for what."""
    verdict = lone(answers("", EVEN, silent_s=12.34))
    assert "12.3 s were spent waiting for failures and silence" in said(verdict, Outcome.PASS)
    assert "silence" not in str(lone(answers("", EVEN, silent_s=0.5)).findings)


# --- hints ---


def test_the_product_of_headers_is_a_hint_alone() -> None:
    """An algorithm that several products have, and a header that names one of them."""
    seen = answers("", {"a": 300, "b": 300}, product_headers={"server": "envoy"})
    told = of_url(URL, algorithm="round_robin")
    hint = "the answers say server: envoy; --product Envoy would hold it to Envoy's law"
    assert hint in said(judged([seen], told)["backend"], Outcome.PASS)
    assert hint not in said(judged([seen], of_url(URL))["backend"], Outcome.PASS)
    exactly = of_url(URL, algorithm="ROUND_ROBIN")  # nobody else writes it so
    assert hint not in said(judged([seen], exactly)["backend"], Outcome.PASS)
    known = replace(told, asked=Asked(product="nginx"))
    assert hint not in said(judged([seen], known)["backend"], Outcome.PASS)


def test_a_step_that_failed_as_a_whole_is_unmeasured() -> None:
    """No such name is no fault of whoever would have answered."""
    failure = Failure(ErrorKind.NOT_FOUND, "cannot resolve www.lab.test: Name or service not known")
    verdict = lone(Answers(at=HERE, url=URL, address="", failure=failure))
    assert verdict.outcome is Outcome.UNMEASURED


def test_earlier_samples_without_names_of_statuses_are_said_by_status() -> None:
    """They kept the statuses of all answers: where nobody is named, those are the answers without a name."""
    kept = answers("lb1", {}, errors={"unidentified": 5}, statuses={"200": 5})
    verdict = judged([kept], about(balancers=CLUSTER.balancers[:1]))["backend web"]
    assert "all 5 requests got HTTP 200, and no answer carries" in said(verdict, Outcome.UNMEASURED)[0]


def test_a_silent_fleet_is_unmeasured_where_nothing_shows_that_it_lives() -> None:
    """No counters, no other client, no other address."""
    silent = [answers(name, {}, errors={"timeout": 10}) for name in ("lb1", "lb2")]
    assert {verdict.outcome for verdict in judged(silent, about()).values()} == {Outcome.UNMEASURED}
    refused = [*silent[:1], answers("lb2", {}, errors={"refused": 10})]
    verdicts = judged(refused, about())
    assert verdicts["backend web at lb1"].outcome is Outcome.UNMEASURED
    assert verdicts["backend web at lb2"].outcome is Outcome.FAIL


def in_order(names: Sequence[str]) -> Answers:
    """Return answers one at a time, in this order."""
    servers = sorted(set(names))
    runs = tuple((servers.index(name), len(list(run))) for name, run in groupby(names))
    counts = tuple(Count("", name, names.count(name), names.count(name)) for name in servers)
    return Answers(at=HERE, url=URL, address="", sent=len(names), counts=counts, order=runs)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "server c answered none of the last 51 requests, and 400 of all 1,250"),
        ({"weights": {"a": 1, "b": 1, "c": 1}, "algorithm": "roundrobin"}, "c last answered after 1,200 of 1,250"),
    ],
)
def test_a_server_that_stops_answering_is_never_a_pass(told: dict[str, Any], sentence: str) -> None:
    """Its count is still within what draws give: the silence at the end is not."""
    alive, dying = list("abc") * 400, list("abc") * 400 + list("ab") * 25
    assert lone(in_order(alive), question=of_url(URL, **told)).outcome is Outcome.PASS
    verdict = lone(in_order(dying), question=of_url(URL, **told))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert sentence in said(verdict, Outcome.INCONCLUSIVE)[0]


def test_a_server_that_stops_answering_fails_if_the_weights_are_told() -> None:
    """Whose weight is told is owed answers, and as long a silence is rarer than the promised error rate."""
    told = of_url(URL, weights={"a": 1, "b": 1, "c": 1})
    dying = list("abccba") * 10 + list("ab") * 23
    verdict = lone(in_order(dying), question=told)
    assert verdict.outcome is Outcome.FAIL
    assert "server c answered none of the last 49 requests, and 20 of all 106" in said(verdict, Outcome.FAIL)[0]
    assert lone(in_order(dying[:-6]), question=told).outcome is not Outcome.FAIL
