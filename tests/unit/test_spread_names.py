"""Who is who, and which witness is heard: a healthy fleet of other names is never called faulty."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Balancer, Frontend, Server
from lbcheck.model.configuration import Configured, ConfiguredBackend, ConfiguredServer
from lbcheck.model.counters import BackendCounters, Counters, ServerState
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.requests import Request
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import QUESTION, URL, about, answers, counted, logs

STATS = "unix:/s"


def judged(samples: Sequence[Sample], question: Question) -> dict[str, Verdict]:
    """Return the verdicts by subject."""
    return {verdict.subject: verdict for verdict in spread.judge(question, samples)}


def the(samples: Sequence[Sample], question: Question) -> Verdict:
    """Return the only verdict."""
    (verdict,) = spread.judge(question, samples)
    return verdict


def said(verdict: Verdict, outcome: Outcome) -> str:
    """Return the findings of one outcome, as one text."""
    return "; ".join(f.message for f in verdict.findings if f.outcome is outcome)


def read(
    backends: Mapping[str, Mapping[str, int]], uri: str = STATS, **of_servers: Mapping[str, Any]
) -> list[Counters]:
    """Return one process's readings: backend → server → what it counted. `of_servers`: server → fields of it."""

    def at(when: Any, counts: Mapping[str, Mapping[str, int]]) -> Counters:
        found = []
        for name, servers in counts.items():
            rows = tuple(counted(server, n, **of_servers.get(server, {})) for server, n in servers.items())
            found.append(BackendCounters(name=name, algorithm="roundrobin", mode="http", servers=rows))
        told: dict[str, Any] = {"at": "here", "balancer": uri, "uri": uri, "product": "HAProxy", "process": "7"}
        return Counters(when=when, backends=tuple(found), **told)

    nothing = {name: dict.fromkeys(servers, 0) for name, servers in backends.items()}
    return [at("before", nothing), at("after", backends)]


def asked(stats: Sequence[str] = (STATS,), **more: Any) -> Question:
    """Return a question about the URL."""
    return of_url(URL, stats=stats, **more)


def counts_of(verdict: Verdict) -> dict[str, int | None]:
    """Return server → what the balancer counted, as the verdict has it."""
    return {name: counts["balancer"] for name, counts in verdict.evidence["servers"].items()}


def test_names_that_differ_are_matched_by_counts_that_fit_in_one_way() -> None:
    """Weights 1:2 tell who is who; the table has the names in answers, the evidence says whose they are."""
    counters = read({"app": {"web-1": 100, "web-2": 200}}, **{"web-2": {"weight": 2}})
    verdict = the([answers("", {"alpha": 100, "beta": 200}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.PASS
    assert verdict.subject == "backend app"
    assert verdict.evidence["identities"] == {"alpha": "web-1", "beta": "web-2"}
    assert counts_of(verdict) == {"alpha": 100, "beta": 200}
    assert "the witnesses agree: the clients, HAProxy" in said(verdict, Outcome.PASS)
    assert "answers call HAProxy's web-1 alpha, web-2 beta" in said(verdict, Outcome.PASS)


def test_counts_that_fit_in_two_ways_are_not_heard_and_both_are_named() -> None:
    """Equal counts tell nothing of who is who: the client is the only witness, and nobody is faulty."""
    samples = [answers("", {"alpha": 500, "beta": 500}, address=""), *read({"app": {"web-1": 500, "web-2": 500}})]
    verdict = the(samples, asked())
    assert verdict.outcome is Outcome.PASS
    assert "not heard: counts fit the answers' names in more than one way: " in said(verdict, Outcome.PASS)
    assert "web-1=alpha, web-2=beta" in said(verdict, Outcome.PASS)
    assert "web-2=alpha, web-1=beta" in said(verdict, Outcome.PASS)
    assert counts_of(verdict) == {"alpha": None, "beta": None}
    assert "identities" not in verdict.evidence
    assert verdict.evidence["algorithm"] == "roundrobin"  # that much is known of either


def test_servers_that_may_be_either_and_differ_tell_no_weights() -> None:
    """Two ways fit, and the weights differ: which name has which weight is not known."""
    counters = read({"app": {"web-1": 600, "web-2": 600}}, **{"web-2": {"weight": 2}})
    verdict = the([answers("", {"alpha": 500, "beta": 500}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["weights_told_by"] == "nobody"


def test_a_weight_is_known_if_every_server_that_it_may_be_has_it() -> None:
    """Weights 1:1:2: alpha and beta may be either of two servers of weight 1, and gamma is the third."""
    counters = read({"app": {"web-1": 250, "web-2": 250, "web-3": 500}}, **{"web-3": {"weight": 2}})
    verdict = the([answers("", {"alpha": 250, "beta": 250, "gamma": 500}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["weights_told_by"] == "balancer"
    assert verdict.evidence["servers"]["gamma"]["expected_share"] == pytest.approx(1 / 2)


@pytest.mark.parametrize("pairs", [{"web-1": "alpha", "web-2": "beta"}, {"alpha": "web-1", "beta": "web-2"}])
def test_told_names_are_taken_in_either_order(pairs: dict[str, str]) -> None:
    """`--names web-1=alpha` and `--names alpha=web-1` say the same."""
    samples = [answers("", {"alpha": 500, "beta": 500}, address=""), *read({"app": {"web-1": 500, "web-2": 500}})]
    verdict = the(samples, asked(asked=Asked(names=pairs)))
    assert verdict.evidence["identities"] == {"alpha": "web-1", "beta": "web-2"}
    assert counts_of(verdict) == {"alpha": 500, "beta": 500}


@pytest.mark.parametrize(
    ("letters", "shown"),
    [("abc", "web-a a, web-b b, web-c c"), ("abcde", "web-a a, web-b b, web-c c, and 2 more otherwise")],
)
def test_of_many_names_that_differ_three_are_shown(letters: str, shown: str) -> None:
    """And how many more there are."""
    counters = read({"app": {f"web-{letter}": 200 for letter in letters}})
    samples = [answers("", dict.fromkeys(letters, 200), address=""), *counters]
    verdict = the(samples, asked(asked=Asked(names={f"web-{letter}": letter for letter in letters})))
    assert f"answers call HAProxy's {shown};" in said(verdict, Outcome.PASS)


def test_a_name_that_nobody_told_may_be_one_of_those_who_are_not_heard() -> None:
    """The counters fit in more than one way, so a third name is a doubt and no stranger."""
    counters = read({"app": {"web-1": 500, "web-2": 500, "web-3": 500}})
    samples = [answers("", {"alpha": 500, "beta": 500, "gamma": 500}, address=""), *counters]
    verdict = the(samples, asked(weights={"alpha": 1, "beta": 1}))
    assert "answers name 'gamma', no server of the backend" in said(verdict, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize(
    ("answered", "identify"),
    [
        (("app/web-1", "app/web-2"), "header:x-served-by"),
        (("10.0.0.1:80", "10.0.0.2:80"), "header:x-served-by"),
        (("10.0.0.1", "10.0.0.2"), "body:.*"),
        (("A", "B"), "cookie:SRV"),
    ],
    ids=["backend/server", "address and port", "address", "cookie"],
)
def test_what_the_balancer_tells_of_a_server_is_its_name_too(answered: tuple[str, str], identify: str) -> None:
    """BACKEND/SERVER, an address, the value of a cookie: equal counts are told apart by them."""
    counters = read(
        {"app": {"web-1": 500, "web-2": 500}},
        **{
            "web-1": {"address": "10.0.0.1:80", "cookie": "A"},
            "web-2": {"address": "10.0.0.2:80", "cookie": "B"},
        },
    )
    verdict = the([answers("", dict.fromkeys(answered, 500), address=""), *counters], asked(identify=identify))
    assert verdict.evidence["identities"] == dict(zip(answered, ("web-1", "web-2"), strict=True))
    assert counts_of(verdict) == dict.fromkeys(answered, 500)


def file_of(balancer: str = STATS, backend: str = "app", **more: Any) -> Configured:
    """Return the configuration of a balancer: web-1 and web-2 of a backend, by address, name of the host and cookie."""
    servers = (
        ConfiguredServer(name="web-1", address="alpha.internal:80", cookie="A"),
        ConfiguredServer(name="web-2", address="10.0.0.2:80", cookie="B"),
    )
    backends = (ConfiguredBackend(name=backend, algorithm="roundrobin", servers=servers, **more),)
    return Configured(at="here", balancer=balancer, paths=("/h.cfg",), product="HAProxy", backends=backends)


@pytest.mark.parametrize(
    ("answered", "identify"),
    [
        (("alpha.internal", "10.0.0.2"), "header:x-served-by"),
        (("alpha.internal:80", "10.0.0.2:80"), "body:.*"),
        (("A", "B"), "cookie:SRV"),
    ],
    ids=["host", "host and port", "cookie"],
)
def test_the_configuration_tells_what_the_counters_hide(answered: tuple[str, str], identify: str) -> None:
    """A statistics page has neither addresses nor cookies: equal counts are told apart by those of the file."""
    samples = [
        file_of(),
        answers("", dict.fromkeys(answered, 500), address=""),
        *read({"app": {"web-1": 500, "web-2": 500}}),
    ]
    verdict = the(samples, asked(identify=identify))
    assert verdict.evidence["identities"] == dict(zip(answered, ("web-1", "web-2"), strict=True))
    assert counts_of(verdict) == dict.fromkeys(answered, 500)


@pytest.mark.parametrize(
    ("file", "address"),
    [
        (file_of("unix:/another"), None),
        (file_of(backend="other"), None),
        (file_of(conditional=True), None),
        (file_of(), "10.0.0.9:80"),
    ],
    ids=["another balancer's", "another backend's", "under a condition", "changed since"],
)
def test_a_file_that_may_not_be_what_runs_tells_no_names(file: Configured, address: str | None) -> None:
    """Another balancer's or backend's, one under a condition; an address that HAProxy has been told to leave."""
    counters = read({"app": {"web-1": 500, "web-2": 500, "web-3": 500}}, **{"web-2": {"address": address}})
    names = {"10.0.0.2": 500, "beta": 500, "gamma": 500}
    verdict = the([file, answers("", names, address=""), *counters], asked())
    assert "identities" not in verdict.evidence
    assert counts_of(verdict) == dict.fromkeys(names)


def test_an_inventorys_host_may_be_named_in_the_configuration() -> None:
    """The host never answers, and the file says which of HAProxy's servers it is."""
    question = asked(weights={"alpha.internal": 1, "10.0.0.2": 1})
    counters = read({"app": {"web-1": 0, "web-2": 1000}})
    verdict = the([file_of(), answers("", {"10.0.0.2": 1000}, address=""), *counters], question)
    assert counts_of(verdict) == {"alpha.internal": 0, "10.0.0.2": 1000}
    assert "server alpha.internal answered 0 of 1,000 requests" in said(verdict, Outcome.FAIL)


def test_an_address_of_two_servers_is_nobodys() -> None:
    """Two ports of one host: the host's address does not tell which."""
    counters = read(
        {"app": {"web-1": 500, "web-2": 500}},
        **{"web-1": {"address": "10.0.0.1:81"}, "web-2": {"address": "10.0.0.1:82"}},
    )
    verdict = the([answers("", {"10.0.0.1": 1000}, address=""), *counters], asked())
    assert verdict.outcome is not Outcome.FAIL
    assert "identities" not in verdict.evidence


def test_an_inventorys_host_is_the_server_with_its_address() -> None:
    """HAProxy calls the servers otherwise than the inventory does, and connects to their addresses."""
    servers = (Server("web1", 1, ("10.0.0.1",)), Server("web2", 2, ("10.0.0.2",)))
    question = about(balancers=(Balancer(STATS, stats=(STATS,)),), backends=(Backend("web", "roundrobin", servers),))
    counters = read(
        {"web": {"one": 333, "two": 667}},
        one={"address": "10.0.0.1:80"},
        two={"address": "10.0.0.2:80", "weight": 2},
    )
    verdict = the([answers("", {"web1": 333, "web2": 667}), *counters], question)
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["identities"] == {"web1": "one", "web2": "two"}


def test_weights_may_be_given_by_the_balancers_names() -> None:
    """`--weights web-1=1,web-2=2` where answers say alpha and beta: each weight goes with its server."""
    counters = read({"app": {"web-1": 333, "web-2": 667}}, **{"web-2": {"weight": 2}})
    seen = answers("", {"alpha": 333, "beta": 667}, address="")
    verdict = the([seen, *counters], asked(weights={"web-1": 1, "web-2": 2}))
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["servers"]["beta"]["expected_share"] == pytest.approx(2 / 3)
    wrong = the([seen, *counters], asked(weights={"web-1": 2, "web-2": 1}))
    assert wrong.outcome is Outcome.FAIL


def test_servers_that_the_user_listed_by_unknown_names_are_not_called_dead() -> None:
    """No name in answers is one that the user listed: that is said, with what would tell, and fails nothing."""
    verdict = the([answers("", {"alpha": 500, "beta": 500}, address="")], asked((), weights={"web-1": 1, "web-2": 1}))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "expected are web-1, web-2, and answers name alpha, beta" in said(verdict, Outcome.INCONCLUSIVE)


def test_a_server_that_never_answers_keeps_its_name() -> None:
    """One of HAProxy's servers is dead: it is in the table under the name that HAProxy has for it."""
    counters = read({"app": {"web-1": 333, "web-2": 667, "web-3": 0}}, **{"web-2": {"weight": 2}})
    verdict = the([answers("", {"alpha": 333, "beta": 667}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.FAIL
    assert "server web-3 answered 0 of 1,000 requests" in said(verdict, Outcome.FAIL)


def test_a_backend_with_the_same_names_and_more_traffic_is_not_taken() -> None:
    """Ours gives web3 nothing, and its counts equal the clients'; those of the busier one only cover them."""
    ours, other = {"web1": 100, "web2": 100, "web3": 0}, dict.fromkeys(("web1", "web2", "web3"), 500)
    counters = read({"app": ours, "other": other})
    verdict = the([answers("", {"web1": 100, "web2": 100}, address=""), *counters], asked())
    assert verdict.subject == "backend app"
    assert verdict.outcome is Outcome.FAIL
    assert "server web3 answered 0 of 200 requests" in said(verdict, Outcome.FAIL)


def test_two_backends_whose_counts_fit_are_not_heard() -> None:
    """Both have other clients, too: which is meant is said to be unknown, and what the client shows counts."""
    counters = read(
        {"app": {"web1": 150, "web2": 150, "web3": 0}, "other": dict.fromkeys(("web1", "web2", "web3"), 500)}
    )
    samples = [answers("", {"web1": 100, "web2": 100}, address=""), *counters]
    verdict = the(samples, asked(weights=dict.fromkeys(("web1", "web2", "web3"), 1)))
    assert verdict.subject == "backend"
    assert verdict.outcome is Outcome.FAIL
    assert "the counts of backends app and other fit the answers" in said(verdict, Outcome.PASS)
    assert "server web3 answered 0 of 200 requests" in said(verdict, Outcome.FAIL)
    assert counts_of(verdict) == {"web1": None, "web2": None, "web3": None}
    named = the(samples, asked(backend="other"))
    assert named.subject == "backend other"
    assert counts_of(named)["web3"] == 500


def test_a_backend_that_did_not_move_is_not_taken() -> None:
    """Servers of the same names in two backends: only one of them counted the requests."""
    idle = dict.fromkeys(("web1", "web2"), 0)
    counters = read({"idle": idle, "app": dict.fromkeys(("web1", "web2"), 500)})
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), *counters], asked())
    assert verdict.subject == "backend app"
    assert verdict.outcome is Outcome.PASS


def test_backends_that_share_the_requests_are_judged_each_by_itself() -> None:
    """A canary gets a tenth: no server of either is faulty, and a reader is told."""
    counters = read({"app": {"web1": 450, "web2": 450}, "canary": {"new": 100}})
    seen = answers("", {"web1": 450, "web2": 450, "new": 100}, address="", errors={"reset": 1})
    found = judged([seen, *counters], asked())
    assert set(found) == {"backend app", "backend canary"}
    assert {verdict.outcome for verdict in found.values()} == {Outcome.PASS}
    assert "shared by backends app (900 answers) and canary (100 answers)" in said(found["backend app"], Outcome.PASS)
    assert [found[f"backend {name}"].evidence["requests"] for name in ("app", "canary")] == [901, 100]
    assert found["backend canary"].evidence["errors"] == 0


def test_of_backends_that_share_the_requests_the_named_one_is_judged() -> None:
    """With --backend app the canary's answers are said, and are no strangers."""
    counters = read({"app": {"web1": 450, "web2": 450}, "canary": {"new": 100}})
    seen = answers("", {"web1": 450, "web2": 450, "new": 100}, address="")
    verdict = the([seen, *counters], asked(backend="app"))
    assert verdict.outcome is Outcome.PASS
    assert "canary (100 answers)" in said(verdict, Outcome.PASS)
    assert set(verdict.evidence["servers"]) == {"web1", "web2"}


def test_one_process_of_two_is_not_heard() -> None:
    """It counted half of the requests: no server is faulty, and what would tell is said."""
    counters = read({"app": {"web1": 251, "web2": 251}})
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.PASS
    assert "HAProxy counted 502 of 1,000 requests: other processes" in said(verdict, Outcome.PASS)
    assert counts_of(verdict) == {"web1": None, "web2": None}
    assert verdict.evidence["algorithm"] == ""


def test_answers_that_do_not_fit_are_a_doubt_beside_counters_that_do() -> None:
    """Others ask, too: the balancer's counts are even, and one server never answered the probe. That is no pass."""
    counters = read({"app": dict.fromkeys(("a", "b", "c"), 900)})
    verdict = the([answers("", {"a": 500, "b": 500}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "server c answered 0 of 1,000 requests" in said(verdict, Outcome.INCONCLUSIVE)


def test_a_listed_server_that_no_backend_has_is_missed() -> None:
    """A canary shares the requests, and a server of the user's list answers nothing under a name that nobody has."""
    counters = read({"app": {"web1": 900, "web2": 0}, "canary": {"new": 100}})
    seen = answers("", {"web1": 900, "new": 100}, address="")
    found = judged([seen, *counters], asked(weights={"web1": 1, "host2": 1}))
    assert found["backend app"].outcome is Outcome.FAIL
    assert found["backend canary"].outcome is Outcome.PASS


def test_two_processes_that_no_answer_names_are_judged_by_their_own_counters() -> None:
    """Together they counted the probe's requests alone, so each counted its own, also where the algorithm is hidden."""
    servers = {"web1": 500, "web2": 500}
    counters = [reading for uri in ("unix:/a", "unix:/b") for reading in read({"app": servers}, uri)]
    hidden = [replace(one, backends=tuple(replace(b, algorithm=None) for b in one.backends)) for one in counters]
    found = judged([answers("", {"web1": 1000, "web2": 1000}, address=""), *hidden], asked(("unix:/a", "unix:/b")))
    assert {verdict.outcome for verdict in found.values()} == {Outcome.PASS}
    beside = judged([answers("", {"web1": 700, "web2": 700}, address=""), *hidden], asked(("unix:/a", "unix:/b")))
    assert {verdict.outcome for verdict in beside.values()} == {Outcome.PASS}
    assert "not judged: no answer names it" in said(beside["backend app at unix:/a"], Outcome.PASS)


def test_one_process_of_two_with_other_names_is_not_heard() -> None:
    """Half of the counts fit no name: nobody is missing or unexpected, also if the backend was named."""
    counters = read({"app": {"web-1": 250, "web-2": 250}})
    seen = answers("", {"alpha": 500, "beta": 500}, address="")
    for question in (asked(), asked(backend="app", weights={"alpha": 1, "beta": 1})):
        verdict = the([seen, *counters], question)
        assert verdict.outcome is Outcome.PASS, verdict
        assert "--names would tell" in said(verdict, Outcome.PASS)
    partly = answers("", {"web-1": 500, "beta": 500}, address="")
    assert the([partly, *counters], asked()).outcome is not Outcome.FAIL


def test_a_named_backend_that_counted_nothing_is_said() -> None:
    """The requests went to another one: that is the remark, and the client alone is heard."""
    counters = read({"app": {"web1": 0, "web2": 0}, "other": {"web1": 500, "web2": 500}})
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), *counters], asked(backend="app"))
    assert verdict.outcome is Outcome.PASS
    assert "backend app counted nothing; the counts of backend other fit" in said(verdict, Outcome.PASS)


def test_a_log_stands_under_the_name_in_answers() -> None:
    """An inventory lists web-1 and its log, answers say alpha: the log is held to alpha's answers."""
    servers = (Server("web-1", 1, log="/log"), Server("web-2", 2, log="/log"))
    question = about(balancers=(Balancer(STATS, stats=(STATS,)),), backends=(Backend("web", "roundrobin", servers),))
    counters = read({"web": {"web-1": 333, "web-2": 667}}, **{"web-2": {"weight": 2}})
    seen = [answers("", {"alpha": 333, "beta": 667}), *logs({"web-1": 333, "web-2": 667}), *counters]
    verdict = the(seen, question)
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["servers"]["beta"]["server"] == 667


def test_the_weights_of_one_process_of_two_accuse_nobody() -> None:
    """The other process may have other weights."""
    counters = read({"app": {"web1": 250, "web2": 250}}, web2={"weight": 3})
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), *counters], asked())
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.evidence["weights_told_by"] == "inferred"
    assert "--stats of each, would tell" in said(verdict, Outcome.INCONCLUSIVE)


def test_names_of_others_beside_other_traffic_are_not_heard() -> None:
    """Fewer than the client saw of one server, more in all: another process, or a wrong name. The client decides."""
    counters = read({"app": {"web1": 400, "web2": 900}})
    seen = answers("", {"web1": 500, "web2": 500}, address="")
    assert "HAProxy counted 400 answers of server web1" in said(the([seen, *counters], asked()), Outcome.PASS)
    lie = answers("", {"web1": 1000}, address="")
    assert the([lie, *counters], asked(weights={"web1": 1, "web2": 1})).outcome is Outcome.FAIL


EDGES = {"edge-a": {"web1": 200, "web2": 200}, "edge-b": {"web1": 300, "web2": 300}}


def through(edges: Mapping[str, Mapping[str, int]] = EDGES) -> list[Sample]:
    """Return the answers through each balancer, which they name."""
    return [answers(edge, servers, address="") for edge, servers in edges.items()]


def of_edges(*stats: str, **more: Any) -> Question:
    """Return a question with statistics of these balancers, which answers name."""
    return asked(stats, identify_balancer="header:x-balancer", **more)


def test_a_socket_is_the_balancer_whose_answers_it_counted() -> None:
    """One URI, two names in answers: by its counts it is edge-b, and it is held to edge-b's answers."""
    found = judged([*through(), *read({"app": EDGES["edge-b"]})], of_edges(STATS))
    assert set(found) == {"backend app", "backend app at edge-a", "backend app at edge-b"}
    assert {verdict.outcome for verdict in found.values()} <= {Outcome.PASS, Outcome.INCONCLUSIVE}
    assert "the counters of edge-a were not read" in said(found["backend app"], Outcome.PASS)
    assert counts_of(found["backend app at edge-b"]) == {"web1": 300, "web2": 300}
    assert found["backend app at edge-b"].outcome is Outcome.PASS
    assert counts_of(found["backend app at edge-a"]) == {"web1": None, "web2": None}


@pytest.mark.parametrize(
    ("uris", "names"),
    [
        (("unix:/a", "unix:/b"), {"unix:/a": "edge-a", "unix:/b": "edge-b"}),
        (("tcp://edge-a:99", "tcp://edge-b:99"), {}),
    ],
    ids=["told", "by host"],
)
def test_balancers_are_matched_where_their_counts_are_equal(uris: tuple[str, str], names: dict[str, str]) -> None:
    """`--names unix:/a=edge-a`, or the host in the URI, tells what equal counts do not."""
    servers = {"web1": 300, "web2": 300}
    samples = [
        *through(dict.fromkeys(EDGES, servers)),
        *read({"app": servers}, uris[0]),
        *read({"app": servers}, uris[1]),
    ]
    found = judged(samples, of_edges(*uris, asked=Asked(names=names)))
    assert set(found) == {"backend app", "backend app at edge-a", "backend app at edge-b"}
    assert {verdict.outcome for verdict in found.values()} == {Outcome.PASS}


def test_balancers_of_equal_counts_are_two_ways() -> None:
    """Nobody told which socket is which: that is said, and none is called absent or wrong."""
    servers = {"web1": 300, "web2": 300}
    samples = [
        *through(dict.fromkeys(EDGES, servers)),
        *read({"app": servers}, "unix:/a"),
        *read({"app": servers}, "unix:/b"),
    ]
    found = judged(samples, of_edges("unix:/a", "unix:/b"))
    assert Outcome.FAIL not in {verdict.outcome for verdict in found.values()}
    assert "counters fit the balancers' names in more than one way" in said(found["backend app"], Outcome.PASS)


def test_each_balancers_counters_are_held_to_its_own_answers() -> None:
    """The run is limited to lb1: lb2's answers are not lb1's lack. A wrong name behind lb1 shows at lb1."""
    servers = {"web1": 100, "web2": 100, "web3": 200}
    mine = [replace(reading, balancer="lb1") for reading in read({"web": servers}, web3={"weight": 2})]
    found = judged([answers("lb1", servers), answers("lb2", servers), *mine], QUESTION)
    assert found["backend web at lb1"].outcome is Outcome.PASS
    assert Outcome.FAIL not in {verdict.outcome for verdict in found.values()}
    assert "the counters of lb2 were not read" in said(found["backend web"], Outcome.PASS)
    lie = {"web1": 200, "web3": 200}
    found = judged([answers("lb1", lie), answers("lb2", servers), *mine], QUESTION)
    assert "counted 100 answers of server web1, and 200 answers name it" in said(
        found["backend web at lb1"], Outcome.FAIL
    )


def unreadable(when: Any, kind: ErrorKind = ErrorKind.NOT_FOUND) -> Counters:
    """Return a reading that failed."""
    failure = Failure(kind, f"{STATS}: no such file or directory")
    return Counters(at="here", balancer=STATS, uri=STATS, when=when, product="HAProxy", failure=failure)


def test_who_answers_is_running() -> None:
    """A wrong path of the socket is unmeasured beside answers; without any answer HAProxy is not running."""
    wrong = [unreadable("before"), unreadable("after")]
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), *wrong], asked())
    assert verdict.outcome is Outcome.UNMEASURED
    assert said(verdict, Outcome.UNMEASURED) == f"{STATS}: no such file or directory"
    nobody = answers("", {}, errors={"refused": 10}, address="")
    assert "HAProxy on unix:/s is not running" in said(the([nobody, *wrong], asked()), Outcome.FAIL)


def test_a_balancer_whose_peers_counted_every_answer_is_not_running() -> None:
    """Of two hosts of an inventory one cannot be read, and the other counted all: the first answered nothing."""
    servers = {"web1": 100, "web2": 100, "web3": 200}
    mine = [replace(reading, balancer="lb2") for reading in read({"web": servers}, web3={"weight": 2})]
    gone = [replace(unreadable(when, ErrorKind.REFUSED), balancer="lb1") for when in ("before", "after")]
    found = judged([answers("", servers), *mine, *gone], about())
    assert "HAProxy on lb1 is not running" in said(found["backend web at lb1"], Outcome.FAIL)


def test_a_balancer_whose_counters_go_away_during_the_run_is_not_running() -> None:
    """It could be read before: answers of before do not tell that it runs now."""
    before = read({"app": {"web1": 500, "web2": 500}})[0]
    gone = unreadable("after", ErrorKind.REFUSED)
    verdict = the([answers("", {"web1": 500, "web2": 500}, address=""), before, gone], asked())
    assert "HAProxy on unix:/s is not running" in said(verdict, Outcome.FAIL)


def test_weights_are_ratios() -> None:
    """3:3:3:1 is 30:30:30:10; of four weights the one that was changed is named."""
    given = {"web1": 3, "web2": 3, "web3": 3, "web4": 1}
    servers = {"web1": 600, "web2": 600, "web3": 600, "web4": 200}

    def at(**weights: int) -> Verdict:
        fields = {name: {"weight": weights.get(name, weight * 10)} for name, weight in given.items()}
        return the([answers("", servers, address=""), *read({"app": servers}, **fields)], asked(weights=given))

    assert at().outcome is Outcome.PASS
    assert said(at(web3=15), Outcome.FAIL) == "HAProxy gives server web3 weight 15; 30 is expected"


def test_a_log_without_a_line_of_this_run_is_not_heard() -> None:
    """It is buffered, or does not say who asked: the server is not faulty for it."""
    servers = {"web1": 500, "web2": 500, "web3": 1000}
    question = about(balancers=())
    verdict = the([answers("", servers), *logs(servers | {"web2": 0})], question)
    assert verdict.outcome is Outcome.PASS
    assert "not heard: the log of server web2 has none of 500 requests" in said(verdict, Outcome.PASS)
    assert verdict.evidence["servers"]["web2"]["server"] is None
    assert verdict.evidence["servers"]["web1"]["server"] == 500


def test_a_log_with_a_part_of_the_lines_passes_only_beside_the_balancer() -> None:
    """The rest may be written later, or another server answers under its name: the balancer's count tells."""
    servers = {"web1": 500, "web2": 500, "web3": 1000}
    samples = [answers("", servers), *logs(servers | {"web2": 400})]
    alone = the(samples, about(balancers=()))
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert "the log of server web2 has 400 of 500 requests" in said(alone, Outcome.INCONCLUSIVE)
    question = about(balancers=(Balancer(STATS, stats=(STATS,)),))
    both = the([*samples, *read({"web": servers}, web3={"weight": 2})], question)
    assert both.outcome is Outcome.PASS
    assert "not heard: the log of server web2" in said(both, Outcome.PASS)


def test_lines_that_another_server_has_are_a_contradiction() -> None:
    """What web1's log lacks stands in web2's: web2 answers under web1's name."""
    seen = answers("", {"web1": 1000, "web3": 1000})
    verdict = the([seen, *logs({"web1": 500, "web2": 500, "web3": 1000})], about(balancers=()))
    assert verdict.outcome is Outcome.FAIL
    assert "server web2 logged 500 requests of this run, and 0 answers name it" in said(verdict, Outcome.FAIL)


def test_a_journal_is_no_count() -> None:
    """It tells whether there was a line, not how many."""
    servers = {"web1": 500, "web2": 500, "web3": 1000}
    lines = [replace(log, path="journal:nginx", lines=1) for log in logs(servers)]
    verdict = the([answers("", servers), *lines], about(balancers=()))
    assert verdict.outcome is Outcome.PASS
    assert "the client is the only witness" in said(verdict, Outcome.PASS)


TWO = (Frontend("www", URL, "web"), Frontend("api", "http://api.lab.test/", "web"))


def test_each_frontend_has_a_token_of_its_own() -> None:
    """Two frontends share servers: a log tells their requests apart, and no token is the beginning of another."""
    question = about(frontends=TWO)
    steps = [step for stage in spread.plan(question, Options(token="t")).stages for step in stage.steps]
    asks = {step.url: step.token for step in steps if isinstance(step, Request)}
    counts = {(step.server, step.frontend): step.token for step in steps if isinstance(step, CountLogLines)}
    assert asks == {URL: "t-1", "http://api.lab.test/": "t-2"}
    assert counts["web1", "www"] == "t-1"
    assert counts["web1", "api"] == "t-2"
    many = about(frontends=tuple(Frontend(f"f{i}", f"http://f{i}/", "web") for i in range(12)))
    steps = [step for stage in spread.plan(many, Options(token="t")).stages for step in stage.steps]
    tokens = {step.token for step in steps if isinstance(step, Request)}
    assert not [(a, b) for a in tokens for b in tokens if a != b and b.startswith(a)]


def test_one_frontend_has_the_runs_token() -> None:
    """Nothing is to be told apart."""
    steps = [step for stage in spread.plan(QUESTION, Options(token="t")).stages for step in stage.steps]
    assert {(s.token, s.frontend) for s in steps if isinstance(s, CountLogLines)} == {("t", "")}


def test_lines_of_each_frontend_are_held_to_its_own_answers() -> None:
    """Counts of the whole run, as files of before have them, are not held to one of two frontends."""
    servers = {"web1": 100, "web2": 100, "web3": 200}
    asks = [replace(answers("", servers), url=frontend.url) for frontend in TWO]
    question = about(frontends=TWO, balancers=())
    apart = [replace(log, frontend=frontend.name) for frontend in TWO for log in logs(servers)]
    for verdict in spread.judge(question, [*asks, *apart]):
        assert verdict.evidence["servers"]["web3"]["server"] == 200
    together = [replace(log, lines=2 * log.lines) for log in logs(servers)]
    for verdict in spread.judge(question, [*asks, *together]):
        assert verdict.outcome is not Outcome.FAIL
        assert verdict.evidence["servers"]["web3"]["server"] is None


def test_a_server_in_another_state_is_named_as_the_answers_do() -> None:
    """What the balancer says of web-2 is said of beta."""
    counters = read({"app": {"web-1": 333, "web-2": 667}}, **{"web-2": {"state": ServerState.DOWN, "status": "DOWN"}})
    seen = answers("", {"alpha": 333, "beta": 667}, address="")
    verdict = the([seen, *counters], asked(weights={"alpha": 1, "beta": 2}))
    assert "HAProxy says server beta is DOWN" in said(verdict, Outcome.FAIL)
