"""Which connections fill a hop, and what is made of those that were held."""

from dataclasses import replace
from typing import Any

import pytest

from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks import capacity
from lbcheck.checks.capacity.fills import of_servers
from lbcheck.errors import LbcheckError
from lbcheck.model.address import PortRange
from lbcheck.model.capacity import BalancerCapacity, ClientCapacity, FrontendCapacity, ServerCapacity
from lbcheck.model.cluster import (
    Backend,
    Balancer,
    Client,
    Cluster,
    Frontend,
    NatGateway,
    Server,
    Vip,
    capacity_of,
)
from lbcheck.model.counters import BackendCounters, Counters, ReadCounters, ServerCounters, ServerState
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.nat import NatCapacity
from lbcheck.model.opening import BindingMode, Opening
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.verdict import Outcome, Verdict

SOCKET, JOURNAL = "unix:/run/haproxy/stats.sock", "journal:haproxy.service"
EXPLICIT = Opening(PortRange(40000, 40999), binding=BindingMode.EXPLICIT)
SUBSCRIBERS = tuple(f"100.64.0.{n}" for n in range(2, 10))
OPENS = ClientCapacity(EXPLICIT)
LEAVES = Opening(PortRange(40000, 40199), binding=BindingMode.NO_PORT)
CLUSTER = Cluster(
    clients=(
        Client("client1", ("198.18.0.31", "2001:2::31"), holds=OPENS),
        Client("client2", (*SUBSCRIBERS, "2001:2:0:64::2"), "nat1", holds=OPENS),
    ),
    nat_gateways=(NatGateway("nat1", ("198.18.0.41", "198.18.0.42"), PortRange(40000, 40063), holds=NatCapacity()),),
    vips=(Vip("198.18.0.101", "lb1"), Vip("2001:2::101", "lb1"), Vip("198.18.0.102", "lb2"), Vip("2001:2::102", "lb2")),
    frontends=(
        Frontend("www", backend="web", holds=FrontendCapacity((80,))),
        Frontend("stream", backend="stream", holds=FrontendCapacity((9000,), mode="tcp")),
    ),
    balancers=tuple(
        Balancer(name, stats=(SOCKET,), log=JOURNAL, holds=BalancerCapacity((source,), LEAVES, 8000))
        for name, source in (("lb1", "198.19.0.21"), ("lb2", "198.19.0.22"))
    ),
    backends=tuple(
        Backend(
            name,
            servers=tuple(
                Server(f"web{n}", weight, holds=ServerCapacity(f"198.19.0.1{n}", (port,)))
                for n, weight in ((1, 1), (2, 2))
            ),
        )
        for name, port in (("web", 8080), ("stream", 8090))
    ),
)
QUESTION = Question(CLUSTER, lab=True, reachable=("client1", "client2", "lb1", "lb2"), measures_capacity=True)
WWW, STREAM, NAT1 = Subject(frontend="www"), Subject(frontend="stream"), Subject(nat="nat1")
OPTIONS = Options(timeout_s=2.0)


def steps(question: Question = QUESTION) -> list[Step]:
    """Return every step of the plan."""
    return [step for stage in capacity.plan(question, OPTIONS).stages for step in stage.steps]


def fills(question: Question = QUESTION) -> list[Fill]:
    """Return every fill of the plan."""
    return [step for step in steps(question) if isinstance(step, Fill)]


def by_label(label: str) -> Fill:
    """Return the one fill of a label."""
    [fill] = [fill for fill in fills() if fill.label == label]
    return fill


# --- plan ---


def test_clients_fill_the_vips_of_a_frontend_in_mode_http() -> None:
    """Every port of every address of a client to every VIP of its family, one fill a product."""
    found = {(fill.at, fill.endpoints[0].address): fill for fill in fills() if fill.label.startswith("frontend www")}
    direct = found["client1", "198.18.0.101"]
    assert (direct.sources, str(direct.ports), direct.binding) == (("198.18.0.31",), "40000-40999", "explicit")
    assert [str(end) for end in direct.endpoints] == ["198.18.0.101:80", "198.18.0.102:80"]
    assert found["client2", "2001:2::101"].sources == ("2001:2:0:64::2",)


def test_a_nat_is_filled_by_one_and_a_half_times_its_ports_for_each_outside_address() -> None:
    """Those subscribers whom the kernel's hash puts on one outside address share 96 ports between them."""
    through = [fill for fill in fills() if fill.label.startswith("NAT nat1")]
    shares = {len([s for s in fill.sources if "." in s]): len(fill.ports or ()) for fill in through}
    assert shares == {2: 48, 6: 16}


def test_ipv6_is_held_beside_a_nat_that_is_dry() -> None:
    """A NAT's fill has one IPv6 source and the IPv6 endpoints, too."""
    [fill, _] = [fill for fill in fills() if fill.label.startswith("NAT nat1")]
    assert "2001:2:0:64::2" in fill.sources
    assert "[2001:2::101]:80" in map(str, fill.endpoints)


def test_one_client_fills_the_balancers_ports_towards_the_servers() -> None:
    """200 ports to each server, weights 1:2: 600 through each balancer leave none; a fifth more, over two sources."""
    fill = by_label("frontend stream servers")
    assert (fill.at, fill.sources) == ("client1", ("198.18.0.31", "2001:2::31"))
    assert len(fill.ports or ()) == -(-(int(600 * 1.2) + 1) // 2)
    assert fill.hold_s


def test_counters_and_logs_are_read_before_and_after() -> None:
    """Each balancer's, around the fill and before any other."""
    stages = {stage.name: [type(step) for step in stage.steps] for stage in capacity.plan(QUESTION, OPTIONS).stages}
    assert stages["before"] == stages["after"] == [ReadCounters, CountLogLines] * 2
    assert list(stages) == ["before", "traffic", "after", "clients"]


def test_counters_over_tls_are_read_with_the_fleets_own_authorities() -> None:
    """A page by https carries the certificates that the inventory names; a socket needs none."""
    for uri, ca in (("https://lb1:8404/stats", "PEM\n"), (SOCKET, "")):
        balancers = tuple(replace(balancer, stats=(uri,)) for balancer in CLUSTER.balancers)
        question = replace(QUESTION, ca="PEM\n", cluster=replace(CLUSTER, balancers=balancers))
        steps = [step for stage in capacity.plan(question, OPTIONS).stages for step in stage.steps]
        assert {step.ca for step in steps if isinstance(step, ReadCounters)} == {ca}


def test_where_no_client_has_enough_ports_it_is_said() -> None:
    """Balancers with as many ports as the client cannot be filled by it alone."""
    wide = Opening(PortRange(10000, 60999), binding=BindingMode.NO_PORT)
    cluster = with_balancer(opening=wide, maxconn=None)
    assert "no single client" in str(of_servers(cluster, cluster.frontends[1], cluster.backends[1], Options()))


def test_a_balancer_is_not_filled_beyond_its_maxconn() -> None:
    """Then its maxconn would be measured, not its ports."""
    cluster = with_balancer(maxconn=500)
    assert "its maxconn is 500" in str(of_servers(cluster, cluster.frontends[1], cluster.backends[1], Options()))


def test_vips_are_not_filled_beyond_what_the_balancers_accept() -> None:
    """The kernel counts connections that wait to be accepted; then the clients' hop is left out, and why is said."""
    balancers = tuple(replace(one, holds=replace(capacity_of(one), maxconn=100)) for one in CLUSTER.balancers)
    question = replace(QUESTION, cluster=replace(CLUSTER, balancers=balancers))
    assert "client1" in {step.at for step in capacity.plan(QUESTION, OPTIONS).stages[-1].steps}
    assert "client1" not in {step.at for step in capacity.plan(question, OPTIONS).stages[-1].steps}
    www = next(verdict for verdict in capacity.judge(question, []) if verdict.subject == "frontend www")
    assert "client → VIP: not measured: the balancers accept 200 (maxconn)" in "; ".join(
        f.message for f in www.findings
    )


def test_without_vips_the_balancers_own_addresses_are_filled() -> None:
    """A frontend that answers at a balancer's address uses up that balancer's ports."""
    balancers = tuple(
        replace(balancer, addresses=(f"198.18.0.2{n}",)) for n, balancer in enumerate(CLUSTER.balancers, 1)
    )
    frontends = tuple(replace(one, addresses=("198.18.0.21", "198.18.0.22")) for one in CLUSTER.frontends)
    cluster = replace(CLUSTER, vips=(), balancers=balancers, frontends=frontends)
    fill = of_servers(cluster, cluster.frontends[1], cluster.backends[1], Options()).fill
    assert fill
    assert [str(endpoint) for endpoint in fill.endpoints] == ["198.18.0.21:9000", "198.18.0.22:9000"]


def test_what_is_nobodys_own_is_filled_where_the_user_allows_it() -> None:
    """--allow-target CIDR; without it the plan is refused, and judging asks nobody."""
    vips = tuple(replace(vip, address=vip.address.replace("198.18.", "10.18.")) for vip in CLUSTER.vips)
    question = replace(QUESTION, cluster=replace(CLUSTER, vips=vips))
    with pytest.raises(LbcheckError, match="--allow-target"):
        capacity.plan(question, OPTIONS)
    steps = capacity.plan(question, replace(OPTIONS, allow=("10.18.0.0/16",))).stages[-1].steps
    assert steps
    assert {step.allow for step in steps if isinstance(step, Fill)} == {("10.18.0.0/16",)}
    assert capacity.judge(question, [])


def with_balancer(**more: Any) -> Cluster:
    """Return the cluster with another lb1."""
    first, second = CLUSTER.balancers
    return replace(CLUSTER, balancers=(replace(first, holds=replace(capacity_of(first), **more)), second))


def test_only_a_lab_is_filled() -> None:
    """On a real fleet it would be an attack."""
    with pytest.raises(LbcheckError, match="only in a lab"):
        capacity.plan(replace(QUESTION, lab=False), OPTIONS)


# --- judge ---


def filled(fill: Fill, held: int, **more: object) -> Filled:
    """Return a sample of a fill that held so many to each endpoint."""
    ends = {str(endpoint): held for endpoint in fill.endpoints}
    known = {"at": fill.at, "binding": fill.binding, "label": fill.label, "by_endpoint": ends}
    return Filled(**known | {"ports": len(fill.ports or ())} | more)  # type: ignore[arg-type]


def readings(balancer: str, connections: int = 200, *, untold: bool = False, **more: Any) -> list[Sample]:
    """Return a balancer's counters and log around a fill in which each server got so many connections.

    `untold`: the balancer does not count them.
    """
    found: list[Sample] = []
    up = {"state": ServerState.SERVING, "status": "UP", "check": "L4OK"}
    for when in ("before", "after"):
        count = {"connections": 50, "failed_connections": 7}
        if when == "after":
            count = {"connections": 50 + connections, "failed_connections": 27} | more
        if untold:
            del count["connections"]
        servers = tuple(ServerCounters(name=name, **up | count) for name in ("web1", "web2"))  # type: ignore[arg-type]
        log = LogLines(at=balancer, server=balancer, path=JOURNAL, newest_s=2.0 if when == "after" else 1.0, when=when)
        counters = Counters(
            at=balancer,
            balancer=balancer,
            uri=SOCKET,
            when=when,
            product="HAProxy",
            process="1",
            backends=(BackendCounters(name="stream", servers=servers),),
        )
        found += [counters, log]
    return found


def everything() -> list[Sample]:
    """Return the samples of a lab that holds what is predicted."""
    found: list[Sample] = [*readings("lb1"), *readings("lb2")]
    for fill in fills():
        if fill.label.startswith("NAT"):
            held = {str(e): 64 if "." in e.address else len(fill.ports or ()) for e in fill.endpoints}
            found.append(filled(fill, 0, by_endpoint=held, stops={"silence": 99}))
        else:
            found.append(filled(fill, 64 if fill.timeout_s and "100.64" in fill.sources[0] else 1000))
    return found


def verdict(samples: list[Sample], subject: str) -> Verdict:
    """Return the verdict on one path."""
    return next(v for v in capacity.judge(QUESTION, samples) if v.subject == subject)


def test_what_is_held_as_predicted_passes() -> None:
    """Each path passes, each product that was filled has its measured count."""
    verdicts = capacity.judge(QUESTION, everything())
    assert {v.outcome for v in verdicts} == {Outcome.PASS}
    [step] = [s for s in verdict(everything(), "frontend stream").evidence["steps"] if s["measured"] is not None]
    assert (step["predicted"], step["measured"], step["stopped_by"]) == (800, 800, "EADDRNOTAVAIL")
    assert "IPv6 beside it" in " ".join(f.message for f in verdict(everything(), "NAT nat1").findings)


def test_exhaustion_is_told_by_three_signs() -> None:
    """Refused attempts, servers that stayed up, and HAProxy's own words."""
    said = " ".join(finding.message for finding in verdict(everything(), "frontend stream").findings)
    assert "lb1 ran out of source ports: 40 further attempts failed (econ), every server stayed up (L4OK)" in said
    assert "its log says 'no free ports'" in said


def test_a_count_that_a_product_does_not_tell_is_unmeasured_and_never_none_held() -> None:
    """Not told is not 0: nothing is said of what was held."""
    untold = [*readings("lb1", untold=True), *readings("lb2")]
    found = verdict(untold, "frontend stream")
    assert found.outcome is Outcome.UNMEASURED
    assert "HAProxy does not tell its connections to a server" in " ".join(f.message for f in found.findings)


def test_a_dead_server_is_no_exhaustion() -> None:
    """A server that is down is named, and the path fails."""
    samples = [*readings("lb1", 100, state=ServerState.DOWN, status="DOWN", check="L4CON"), *readings("lb2")]
    found = verdict(samples, "frontend stream")
    assert found.outcome is Outcome.FAIL
    assert "lb1 says server web1 is DOWN, L4CON: that is no lack of ports" in [f.message for f in found.findings]
    assert "800 predicted, 600 held; lb1 to web1 100" in " ".join(f.message for f in found.findings)


def test_one_connection_less_fails() -> None:
    """Predicted and measured are equal or it is a fault, and says who said no."""
    samples = [
        replace(s, by_endpoint={**s.by_endpoint, "198.18.0.101:80": 63}) if is_nat(s) else s for s in everything()
    ]
    assert verdict(samples, "NAT nat1").outcome is Outcome.FAIL
    said = "256 predicted, 255 held; it ended by silence (no answer until the deadline: "
    assert said in str(verdict(samples, "NAT nat1").findings)


def is_nat(sample: Sample) -> bool:
    """Return whether it is a fill of the NAT's path."""
    return isinstance(sample, Filled) and sample.label.startswith("NAT")


def test_what_could_not_be_filled_is_unmeasured() -> None:
    """A client that cannot be reached, and counters that cannot be read, are no pass."""
    gone = Failure(ErrorKind.UNREACHABLE, "host client1 cannot be reached")
    samples = [replace(sample, failure=gone) if sample.at == "client1" else sample for sample in everything()]
    assert verdict(samples, "frontend www").outcome is Outcome.UNMEASURED
    assert verdict([], "frontend stream").outcome is Outcome.UNMEASURED


def test_what_is_not_filled_is_said_and_no_fault() -> None:
    """The hop between balancers and servers of a frontend in mode http, with the reason."""
    said = [f.message for f in verdict(everything(), "frontend www").findings]
    assert any(message.startswith("balancer → server: not measured: a connection in mode http") for message in said)
