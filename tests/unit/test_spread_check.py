"""The check of the spread: healthy runs pass, each fault is called by its name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import binom

from lbcheck.checks import failover, spread
from lbcheck.checks.spread import budget
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Balancer, Server
from lbcheck.model.counters import ReadCounters, ServerState
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question
from lbcheck.model.requests import Answers, Count, Request
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.stub_status import ReadStubStatus
from lbcheck.model.verdict import Outcome, Verdict
from lbcheck.model.watch import Watch

from .scenes import CLUSTER, QUESTION, URL, WEIGHTS, about, answers, changed, fair, healthy, logs, readings, stub


def judged(samples: Sequence[Sample], question: Question = QUESTION) -> dict[str, Verdict]:
    """Return the verdicts by subject."""
    return {verdict.subject: verdict for verdict in spread.judge(question, samples)}


def said(verdict: Verdict, outcome: Outcome = Outcome.FAIL) -> str:
    """Return the findings of one outcome, as one text."""
    return "; ".join(f.message for f in verdict.findings if f.outcome is outcome)


def outcomes(verdicts: dict[str, Verdict]) -> list[Outcome]:
    """Return: the backend's, at lb1, at lb2."""
    return [verdicts[s].outcome for s in ("backend web", "backend web at lb1", "backend web at lb2")]


def test_a_healthy_run_passes_and_the_witnesses_agree() -> None:
    """Nothing wrong: every verdict passes, and all three witnesses were heard."""
    verdicts = judged(healthy())
    assert outcomes(verdicts) == [Outcome.PASS] * 3
    witnesses = "the witnesses agree: the clients, HAProxy, the servers' logs"
    assert witnesses in [finding.message for finding in verdicts["backend web"].findings]
    assert verdicts["backend web"].evidence["servers"]["web3"] == {
        "client": 400,
        "balancer": 400,
        "server": 400,
        "expected_share": 0.5,
        "interval": [0.43964, 0.56036],
        "matters": False,
    }
    assert verdicts["backend web"].evidence["balancers"]["lb1"] == fair(400)


def test_a_wrong_weight_on_one_of_two_balancers_is_found_there() -> None:
    """lb2 gives web3 weight 1: lb2 fails and says so, lb1 passes, and both together are uneven."""
    wrong = fair(399, {"web1": 1, "web2": 1, "web3": 1})
    light = [changed(reading, weight=1) for reading in readings("lb2", wrong)]
    both = {name: fair(400)[name] + wrong[name] for name in wrong}
    samples = [
        answers("lb1", fair(400)),
        *readings("lb1", fair(400)),
        answers("lb2", wrong),
        *light,
        *logs(both),
    ]
    verdicts = judged(samples)
    assert outcomes(verdicts) == [Outcome.FAIL, Outcome.PASS, Outcome.FAIL]
    assert "lb2 gives server web3 weight 1; 2 is expected" in said(verdicts["backend web at lb2"])
    assert "server web3 answered 133 of 399 requests" in said(verdicts["backend web at lb2"])


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [
        (ServerState.DRAINING, "DRAIN", "in drain (DRAIN)"),
        (ServerState.MAINTENANCE, "MAINT", "in maintenance (MAINT)"),
        (ServerState.MAINTENANCE, "MAINT (via web/web1)", "MAINT (via web/web1)"),
        (ServerState.DOWN, "DOWN", "DOWN"),
        (ServerState.OTHER, "NOLB", "NOLB"),
        (ServerState.DRAINING, None, "draining"),
    ],
)
def test_a_server_that_does_not_serve_is_named_with_its_state(
    state: ServerState, status: str | None, words: str
) -> None:
    """A server in drain, in maintenance or down is called by its name at each balancer, with the product's own word."""
    left = {"web1": 200, "web2": 0, "web3": 400}
    samples: list[Sample] = list(logs({name: 2 * n for name, n in left.items()}))
    for balancer in ("lb1", "lb2"):
        out = (changed(reading, "web2", state=state, status=status) for reading in readings(balancer, left))
        samples += [answers(balancer, left), *out]
    verdicts = judged(samples)
    assert f"lb1 says server web2 is {words}" in said(verdicts["backend web at lb1"]).split("; ")
    assert "server web2 answered 0 of 600 requests" in said(verdicts["backend web at lb2"])


def test_a_stopped_balancer_fails_and_the_other_passes() -> None:
    """lb1's HAProxy is gone, lb2 holds both VIPs: lb1 fails by its name, lb2's spread passes."""
    gone = Failure(ErrorKind.REFUSED, "/run/haproxy/stats.sock: nobody listens")
    dead = [
        ReadCounters(at="lb1", balancer="lb1", uri="unix:/run/haproxy/stats.sock", when=when).lost(gone)
        for when in ("before", "after")
    ]
    samples = [
        answers("lb2", fair(400)),
        answers("lb2", fair(400), address="198.18.0.101"),
        *readings("lb2", fair(800)),
        *dead,
        *logs(fair(800)),
    ]
    verdicts = judged(samples)
    assert outcomes(verdicts) == [Outcome.PASS, Outcome.FAIL, Outcome.PASS]
    assert "HAProxy on lb1 is not running" in said(verdicts["backend web at lb1"])
    assert "lb1 answered none of 400 requests to its VIPs, lb2 answered instead" in said(verdicts["backend web at lb1"])


def test_a_backend_that_answers_with_anothers_name_is_caught_by_the_other_witnesses() -> None:
    """web2 says it is web1: its log and HAProxy know better."""
    lie = {"web1": 200, "web3": 200}
    samples: list[Sample] = list(logs(fair(800)))
    for balancer in ("lb1", "lb2"):
        samples += [answers(balancer, lie), *readings(balancer, fair(400))]
    verdict = judged(samples)["backend web"]
    assert verdict.outcome is Outcome.FAIL
    assert "server web2 logged 200 requests of this run, and 0 answers name it: its answers carry the name of web1" in (
        said(verdict)
    )


def test_a_name_that_no_server_has_is_a_stranger() -> None:
    """An answer that names somebody else is not counted away."""
    samples = [answers("lb1", {"web1": 100, "web2": 100, "web3": 190, "web9": 10}), *readings("lb1", fair(400))]
    assert "answers name 'web9', no server of the backend" in said(judged(samples)["backend web"])


def test_a_reload_in_between_is_inconclusive() -> None:
    """Another process id means that the counters began again."""
    samples = [answers("lb1", fair(400)), *readings("lb1", fair(400), process="8")]
    verdict = judged(samples)["backend web at lb1"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "HAProxy on lb1 was reloaded" in said(verdict, Outcome.INCONCLUSIVE)


def test_a_restart_in_between_is_inconclusive() -> None:
    """The same process id, and up for less long than before: a container's HAProxy is process 1 each time."""
    samples = [answers("lb1", fair(400)), *readings("lb1", fair(400), uptime_s=99)]
    verdict = judged(samples)["backend web at lb1"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "HAProxy on lb1 was reloaded or restarted" in said(verdict, Outcome.INCONCLUSIVE)


def test_other_traffic_beside_the_probe_is_remarked_and_does_not_fail() -> None:
    """HAProxy counted more than we asked: its own counts keep the law."""
    question = about(balancers=CLUSTER.balancers[:1])
    samples = [answers("lb1", fair(400)), *readings("lb1", fair(1000)), *logs(fair(400))]
    verdicts = judged(samples, question)
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.PASS}
    assert "600 more, other traffic" in said(verdicts["backend web"], Outcome.PASS)


@pytest.mark.parametrize("told", [{"algorithm": None}, {"persistent": True}], ids=["hidden", "cookie"])
def test_other_traffic_is_not_judged_where_clients_may_return(told: dict[str, Any]) -> None:
    """With a cookie, or where a balancer tells of none, the probe's own answers beside other traffic are draws."""
    question = about(balancers=CLUSTER.balancers[:1])
    skewed = readings("lb1", {"web1": 1300, "web2": 400, "web3": 1300})
    hidden = [replace(r, backends=(replace(r.backends[0], **told),)) for r in skewed]
    verdict = judged([answers("lb1", fair(1200)), *hidden], question)["backend web at lb1"]
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["test"]["name"] == "sequential test of each server's share"
    known = judged([answers("lb1", fair(1200)), *skewed], question)["backend web at lb1"]
    assert known.outcome is Outcome.FAIL


def test_a_server_in_drain_has_no_wrong_weight() -> None:
    """Its weight is 0 because it drains: that is said once."""
    before, after = readings("lb1", {"web1": 100, "web2": 0, "web3": 200})
    drained = changed(after, "web2", state=ServerState.DRAINING, status="DRAIN", effective_weight=0)
    sentences = said(judged([answers("lb1", {"web1": 100, "web3": 200}), before, drained])["backend web at lb1"])
    assert "lb1 says server web2 is in drain (DRAIN)" in sentences
    assert "gives server web2 weight" not in sentences
    serving = changed(drained, "web2", state=ServerState.SERVING)
    sentences = said(judged([answers("lb1", {"web1": 100, "web3": 200}), before, serving])["backend web at lb1"])
    assert "lb1 gives server web2 weight 0; 1 is expected" in sentences


def test_retries_explain_a_difference() -> None:
    """A request that was tried again may stand in two logs."""
    before, after = readings("lb1", fair(400))
    more = {name: count + (2 if name == "web1" else 0) for name, count in fair(400).items()}
    samples = [answers("lb1", fair(400)), before, changed(after, "web1", redispatched=2, requests=1102), *logs(more)]
    assert judged(samples, about(balancers=CLUSTER.balancers[:1]))["backend web"].outcome is Outcome.PASS


def test_requests_without_an_answer_are_counted_by_kind_and_place() -> None:
    """One in a hundred is a remark, more is a fault."""
    few = [answers("lb1", fair(396), errors={"reset": 4}), *readings("lb1", fair(396))]
    many = [answers("lb1", fair(396), errors={"reset": 5}), *readings("lb1", fair(396))]
    question = about(balancers=CLUSTER.balancers[:1])
    assert judged(few, question)["backend web"].outcome is Outcome.PASS
    verdict = judged(many, question)["backend web"]
    assert said(verdict) == f"{URL} at 198.18.0.101 from client1: 5 of 401 requests failed: reset"


def test_a_stopped_nginx_is_named_by_its_own_counter() -> None:
    """A stub_status that refuses is a stopped nginx; one that counts less than the log is a contradiction."""
    before, after = stub("web1", 0, 0)
    gone, never = (replace(s, failure=Failure(ErrorKind.REFUSED, "nobody listens")) for s in (after, before))
    assert "nginx on web1 is not running" in said(judged([*healthy(), before, gone])["backend web"])
    silent = [answers(lb, {"web2": 100, "web3": 200}) for lb in ("lb1", "lb2")]
    assert "nginx on web1 is not running" in said(judged([*silent, never, gone])["backend web"])
    assert said(judged([*healthy(), never, gone])["backend web"], Outcome.UNMEASURED) == "server web1: nobody listens"
    short = judged([*healthy(), *stub("web2", 10, 20)])["backend web"]
    assert "server web2 logged 200 requests, stub_status only 10" in said(short)
    assert "stub_status only 0" in said(judged([*healthy(), *stub("web2", 10, 10)])["backend web"])
    assert judged([*healthy(), *stub("web2", 10, 210)])["backend web"].outcome is Outcome.PASS


def test_an_nginx_whose_counter_was_read_once_contradicts_nobody() -> None:
    """A run that was cut short has the first reading alone."""
    assert judged([*healthy(), stub("web1", 0, 0)[0]])["backend web"].outcome is Outcome.PASS


def test_logs_bear_the_client_out_where_nobody_reads_counters() -> None:
    """No other traffic is said, for nobody counted it."""
    seen = [answers(balancer, fair(400)) for balancer in ("lb1", "lb2")]
    question = about(balancers=tuple(replace(balancer, stats=()) for balancer in CLUSTER.balancers))
    messages = [finding.message for finding in judged([*seen, *logs(fair(800))], question)["backend web"].findings]
    assert "the witnesses agree: the clients, the servers' logs" in messages


def test_a_log_that_cannot_be_read_is_never_a_pass() -> None:
    """A witness that was asked for and not heard is said."""
    unread = LogLines(at="web1", server="web1", path="/log", failure=Failure(ErrorKind.NOT_FOUND, "/log: no such file"))
    verdict = judged([*healthy()[:-3], unread])["backend web"]
    assert verdict.outcome is Outcome.UNMEASURED


def test_requests_that_got_an_http_error_are_said_by_its_status() -> None:
    """Answers of 503 that name no server: how many there were, and that no server was reached at the VIPs."""
    refused = {"errors": {"status": 400}, "statuses": {"503": 400}}
    samples = [answers(balancer, {}, **refused) for balancer in ("lb1", "lb2")]
    verdicts = judged(samples)
    assert f"{URL} at 198.18.0.101 from client1: all 400 requests got HTTP 503" in said(verdicts["backend web"])
    expected = "all 400 requests to the VIPs of lb1 got HTTP 503; no server was reached"
    assert expected in said(verdicts["backend web at lb1"])


def test_an_error_that_may_not_be_its_status_is_said_by_its_kind() -> None:
    """A server that answers 503 under its own name is counted as an answer: then statuses do not add up."""
    seen = answers("lb1", fair(396), errors={"status": 4}, statuses={"200": 390, "503": 10})
    assert "4 of 400 requests failed: status" in said(judged([seen])["backend web"], Outcome.PASS)


def test_a_lone_url_passes_on_the_clients_view_and_says_so() -> None:
    """Without statistics the client is the only witness; equal weights are assumed of those who answered."""
    question = of_url(URL)
    verdict = judged([answers("", {"a": 500, "b": 500})], question)["backend"]
    assert verdict.outcome is Outcome.PASS
    assert "the client is the only witness" in said(verdict, Outcome.PASS)


@pytest.mark.parametrize("algorithm", ["", "roundrobin", "leastconn"])
def test_one_server_that_answers_everything_is_inconclusive_where_nobody_told_of_others(algorithm: str) -> None:
    """Whether others are dead cannot be seen: the verdict says so, and what would tell."""
    seen = answers("", {"web1": 2000}, address="")
    verdict = judged([seen], of_url(URL, algorithm=algorithm))["backend"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    expected = (
        "only web1 answered: one server, a hash, a cookie, `first`, or dead others; --weights or --stats would tell"
    )
    assert said(verdict, Outcome.INCONCLUSIVE) == expected


@pytest.mark.parametrize("told", [{"weights": {"web1": 1}}, {"algorithm": "first"}, {"algorithm": "source"}])
def test_one_server_that_answers_everything_passes_where_somebody_told_that_it_may(told: dict[str, Any]) -> None:
    """A backend of one server, `first` and a hash owe no more than that."""
    seen = answers("", {"web1": 2000}, address="")
    assert judged([seen], of_url(URL, **told))["backend"].outcome is Outcome.PASS


def test_one_server_that_answers_everything_passes_where_the_balancer_has_no_other() -> None:
    """The balancer's counters tell which servers there are."""
    samples = [answers("", {"web1": 2000}, address=""), *readings("unix:/s", {"web1": 2000})]
    assert judged(samples, of_url(URL, stats=["unix:/s"]))["backend web"].outcome is Outcome.PASS


@pytest.mark.parametrize("kept", [0, 400])
def test_a_certificate_that_is_not_trusted_is_a_fault(kept: int) -> None:
    """It was seen: a fail with the reason, also of a lone URL that nobody else answered for."""
    why = "the certificate expired on 2026-01-01 00:00 UTC, 9 days ago"
    lost = answers("", fair(kept), errors={"tls": 200}, reasons={"tls": why}, address="192.0.2.1")
    verdict = judged([lost], of_url(URL))["backend"]
    assert verdict.outcome is Outcome.FAIL
    amount = "all 200 requests" if not kept else "200 of 600 requests"
    assert said(verdict).startswith(f"{URL} at 192.0.2.1 from client1: {amount} failed: {why}")


def test_a_step_that_was_given_up_is_never_a_pass() -> None:
    """What came until then was even; who was not asked is not known."""
    why = "given up after 60 s of failures and silence"
    question = of_url(URL, weights={"web1": 1, "web2": 1})
    seen = answers("", {"web1": 2000, "web2": 2000}, given_up=why, address="192.0.2.1")
    verdict = judged([seen], question)["backend"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert said(verdict, Outcome.INCONCLUSIVE) == f"{URL} at 192.0.2.1 from client1: {why}; 4,000 requests were sent"


def test_bodies_that_were_cut_are_said() -> None:
    """A balancer's count of aborts is then ours."""
    seen = answers("", {"web1": 200, "web2": 200}, cut_bodies=3)
    verdict = judged([seen], of_url(URL, weights={"web1": 1, "web2": 1}))["backend"]
    assert "the bodies of 3 answers were too long to be read whole" in said(verdict, Outcome.PASS)


def test_statistics_say_the_weights_where_the_user_does_not() -> None:
    """With --stats and no --weights, HAProxy's own weights are owed, and nothing to a server in drain."""
    question = of_url(URL, stats=["unix:/s"])
    told = readings("unix:/s", {"web1": 100, "web2": 0, "web3": 200})
    drained = [changed(reading, "web2", state=ServerState.DRAINING, status="DRAIN") for reading in told]
    verdict = judged([answers("", {"web1": 100, "web3": 200}), *drained], question)
    assert verdict["backend web"].outcome is Outcome.PASS
    assert verdict["backend web"].evidence["algorithm"] == "roundrobin"
    assert verdict["backend web"].evidence["servers"]["web3"]["expected_share"] == pytest.approx(2 / 3)


def test_a_share_takes_no_more_than_its_part_of_the_error_budget() -> None:
    """Of 20 tests of two servers one fails by chance in at most one run of 20,000: half of what a run may err."""
    question = of_url(URL, weights={"a": 1, "b": 1})
    limit = 0.9 * 1e-4 / 2 / 20 / 2 / 2  # 0.9 for the exact test at the end, two servers, two sides
    assert binom.sf(578, 1000, 0.5) < limit < binom.sf(576, 1000, 0.5)
    rare, too_rare = ([answers("", {"a": n, "b": 1000 - n})] for n in (577, 579))
    assert judged(rare, question)["backend"].outcome is Outcome.PASS
    assert judged(too_rare, question)["backend"].outcome is Outcome.FAIL


def test_each_verdict_has_three_tests_of_the_error_budget() -> None:
    """Of shares, of whether errors come from all alike, of silence: for ten balancers, for all, and for others.

    One more is of what a server is chosen for.
    """
    many = about(balancers=tuple(replace(CLUSTER.balancers[0], name=f"lb{n}") for n in range(10)))
    assert budget.of_one_test(many) == pytest.approx(0.5e-4 / ((1 + 1 + 2.5) * 12 + 1))


def test_in_mode_tcp_the_unit_is_the_connection() -> None:
    """Six hundred keep-alive requests on two connections are two choices."""
    question = about(balancers=(), backends=(replace(CLUSTER.backends[0], mode="tcp"),))
    [plan_traffic] = [s for s in spread.plan(question, Options()).stages if s.name == "traffic"]
    assert not any(step.keep_alive for step in plan_traffic.steps if isinstance(step, Request))
    verdict = judged([answers("", fair(400))], question)["backend web"]
    assert verdict.evidence["unit"] == "connection"


def test_the_lines_of_one_server_are_one_server() -> None:
    """A balancer that picks two lines of each server by themselves may be off by twice the bound."""
    single = readings("lb1", fair(400))
    double = [changed(reading, lines=2) for reading in single]
    verdicts = [judged([answers("lb1", fair(400)), *counters])["backend web at lb1"] for counters in (single, double)]
    tests = [verdict.evidence["test"]["name"] for verdict in verdicts]
    assert tests == ["exact bound of 0.8 requests", "exact bound of 1.5 requests"]


def test_sentences_name_the_product() -> None:
    """Whose counters contradict, restart or lack the backend is said by the product's own name."""
    question = about(balancers=CLUSTER.balancers[:1])

    def of_quirk(**more: Any) -> dict[str, Verdict]:
        counters = [replace(reading, product="Quirk") for reading in readings("lb1", fair(1000), **more)]
        return judged([answers("lb1", fair(400)), *counters, *logs(fair(400))], question)

    whole = of_quirk()["backend web"]
    assert "the clients, Quirk, the servers' logs; Quirk counted 600 more" in said(whole, Outcome.PASS)
    assert whole.evidence["product"] == "Quirk"
    assert "Quirk on lb1 was reloaded" in said(of_quirk(process="8")["backend web at lb1"], Outcome.INCONCLUSIVE)
    assert said(of_quirk(backends=())["backend web at lb1"]) == "Quirk on lb1 has no backend 'web'"


def test_two_products_are_the_balancers() -> None:
    """Where balancers are of two makes, neither name stands for both."""
    one, two = readings("lb1", fair(400)), [replace(r, product="Quirk") for r in readings("lb2", fair(400))]
    verdict = judged([answers("lb1", fair(400)), answers("lb2", fair(400)), *one, *two])["backend web"]
    assert "the witnesses agree: the clients, the balancers" in said(verdict, Outcome.PASS)
    assert verdict.evidence["product"] == ""


def test_a_count_that_a_product_does_not_tell_is_no_witness() -> None:
    """A balancer that tells weights and states but no requests has not counted 0: its column is empty."""
    silent = [changed(r, requests=None) for r in readings("lb1", fair(800))]
    question = about(balancers=CLUSTER.balancers[:1])
    verdict = judged([answers("lb1", fair(800)), *silent], question)["backend web"]
    assert verdict.outcome is Outcome.PASS
    assert {server["balancer"] for server in verdict.evidence["servers"].values()} == {None}


def test_a_weight_that_nobody_tells_is_taken_as_equal() -> None:
    """A product that tells neither weight nor state: each server is owed the same, and none is called wrong."""
    even = dict.fromkeys(WEIGHTS, 100)
    plain = [changed(r, weight=None, state=None, status=None) for r in readings("unix:/s", even)]
    verdict = judged([answers("", even), *plain], of_url(URL, stats=["unix:/s"]))
    assert verdict["backend web"].outcome is Outcome.PASS
    assert verdict["backend web"].evidence["servers"]["web3"]["expected_share"] == pytest.approx(1 / 3)


def test_an_algorithm_without_a_law_is_not_judged() -> None:
    """What nobody knows is unmeasured, not passed."""
    question = about(backends=(Backend("web", "peak-ewma", CLUSTER.backends[0].servers),))
    assert judged(healthy(), question)["backend web at lb1"].outcome is Outcome.UNMEASURED


def test_requests_are_shared_out_over_clients_and_addresses() -> None:
    """`requests` is a total; every client asks every address of its own."""
    stages = {stage.name: stage.steps for stage in spread.plan(QUESTION, Options(requests=10, token="t")).stages}
    traffic = [step for step in stages["traffic"] if isinstance(step, Request)]
    assert sum(step.requests for step in traffic) == 10
    assert {(step.at, step.address) for step in traffic} == {
        (client, vip) for client in ("client1", "client2") for vip in ("198.18.0.101", "198.18.0.102")
    }
    assert {step.at for step in stages["before"] if isinstance(step, ReadCounters)} == {"lb1", "lb2"}
    assert {step.at for step in stages["after"] if isinstance(step, CountLogLines)} == {"web1", "web2", "web3"}


def test_steps_carry_the_trusted_authorities_and_the_bound_on_silence() -> None:
    """Those of the inventory and of the user, as text: the file is on this host, the step may run on another.

    Each of a client's two addresses has half of the silence that the run may wait for, but time for one operation.
    """
    question = replace(QUESTION, ca="ONE\n", watches_failover=True, longest_gap_s=3.0)
    options = Options(ca="TWO\n", silence_s=7.0)
    asked = [step for stage in spread.plan(question, options).stages for step in stage.steps]
    watched = [step for stage in failover.plan(question, options).stages for step in stage.steps]
    assert {(s.ca, s.silence_s) for s in asked if isinstance(s, Request)} == {("ONE\nTWO\n", 5.0)}
    assert {s.ca for s in watched if isinstance(s, Watch)} == {"ONE\nTWO\n"}


def test_what_is_read_over_tls_carries_the_trusted_authorities() -> None:
    """Statistics pages and stub_status by https, in each check; what is not encrypted needs none."""
    stats = ("unix:/s", "https://lb1:8404/stats", "http://lb1:8404/stats")
    servers = (Server("web1", stub_status="https://web1/s"), Server("web2", stub_status="http://web2/s"))
    cluster = replace(CLUSTER, balancers=(Balancer("lb1", stats=stats),), backends=(Backend("web", servers=servers),))
    options = Options(ca="TWO\n")
    plan = spread.plan(replace(QUESTION, ca="ONE\n", cluster=cluster), options)
    steps = [step for stage in plan.stages for step in stage.steps]
    assert {step.uri: step.ca for step in steps if isinstance(step, ReadCounters)} == {
        uri: "ONE\nTWO\n" if uri.startswith("https:") else "" for uri in stats
    }
    assert {step.url: step.ca for step in steps if isinstance(step, ReadStubStatus)} == {
        "https://web1/s": "ONE\nTWO\n",
        "http://web2/s": "",
    }


def test_a_real_fleet_is_requested_gently() -> None:
    """Outside of a lab all clients together send 50 a second, unless the user says otherwise."""
    question = replace(QUESTION, lab=False)
    for options, rate in ((Options(), 50 / 2), (Options(rate=7), 7 / 2), (Options(rate=0), 0)):
        steps = [step for stage in spread.plan(question, options).stages for step in stage.steps]
        assert {(s.at, s.rate) for s in steps if isinstance(s, Request)} == {("client1", rate), ("client2", rate)}


def test_the_limit_decides_where_steps_run_and_not_what_is_expected() -> None:
    """With only client1 within --limit, nothing runs elsewhere."""
    question = replace(QUESTION, reachable=("client1",))
    assert spread.plan(question, Options(token="t")).hosts == ("client1",)


def test_a_page_is_read_from_here() -> None:
    """A statistics page or TCP socket needs no login on the balancer."""
    balancer = replace(CLUSTER.balancers[0], stats=("http://198.18.0.21:8404/stats",))
    before = spread.plan(about(balancers=(balancer,)), Options()).stages[0]
    assert [step.at for step in before.steps] == [HERE]


def test_requests_come_one_at_a_time_until_a_cycle_would_have_shown() -> None:
    """Ten servers take three turns, thirty answers; then the rounds may be as wide as the user allows."""
    names = [f"s{number}" for number in range(10)]
    for each, width in ((2, 1), (4, 4)):
        plan = spread.further(of_url(URL), Options(), [answers("", dict.fromkeys(names, each), address="")])
        [traffic] = [stage for stage in plan.stages if stage.name == "traffic"]
        assert {step.concurrency for step in traffic.steps if isinstance(step, Request)} == {width}


def test_where_the_unit_is_the_connection_each_further_request_opens_one() -> None:
    """Requests on a kept connection are no further choices: 24 on four connections ask for no more than is lacking."""
    question = of_url(URL, servers=["a", "b", "c"], asked=Asked(unit="connection"))
    kept = Answers(
        at=HERE,
        url=URL,
        address="",
        sent=24,
        connections=4,
        counts=(Count("", "a", 12, 2), Count("", "b", 6, 1), Count("", "c", 6, 1)),
        statuses={"200": 24},
    )
    plan = spread.further(question, Options(keep_alive=True), [kept])
    [step] = [step for stage in plan.stages for step in stage.steps if isinstance(step, Request)]
    assert not step.keep_alive
    assert step.requests <= 80  # connections; counted by requests, six times as many would be asked


def test_answers_without_a_name_accuse_no_server() -> None:
    """One of three does not name itself: what it answered may be what the others lack, or what it seems to lack."""
    question = of_url(URL, weights={"a": 1, "b": 1, "c": 1})
    seen = answers(
        "", {"a": 300, "b": 300}, address="", errors={"unidentified": 300}, statuses={"200": 900}, unnamed={"200": 300}
    )
    verdict = judged([seen], question)["backend"]
    assert said(verdict) == ""
    assert verdict.outcome is Outcome.UNMEASURED
    assert "answers without a name may be those that are missed" in said(verdict, Outcome.INCONCLUSIVE)
