"""Which connections fill a hop, and what is made of those that were held."""

from dataclasses import replace
from typing import Any

import pytest

from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks import capacity
from lbcheck.checks.capacity.fills import of_servers
from lbcheck.checks.capacity.own_refusals import unexpected
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
from lbcheck.model.port_range import LocalPorts, ReadPortRange
from lbcheck.model.question import Question
from lbcheck.model.sockets import Connected, Reading, ReadSockets, Sockets
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
QUESTION = Question(
    CLUSTER, lab=True, reachable=("client1", "client2", "lb1", "lb2", "web1", "web2"), measures_capacity=True
)
VIP_ENDS = sorted(
    f"{address}:{port}"
    for address in ("198.18.0.101", "198.18.0.102", "[2001:2::101]", "[2001:2::102]")
    for port in (80, 9000)
)
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


def test_a_nat_is_filled_by_all_its_subscribers_at_once() -> None:
    """The two whom the kernel's hash puts on one outside address want 96 ports of its 64, so each of all takes 48."""
    [through] = [fill for fill in fills() if fill.label.startswith("NAT nat1")]
    assert [source for source in through.sources if "." in source] == list(SUBSCRIBERS)
    assert len(through.ports or ()) == 48
    assert through.label == "NAT nat1 through nat1"
    # Silence is waited for once or twice, not after each 250 attempts: the first connections must still be there.
    assert through.at_once == 2000


def test_ipv6_is_held_beside_a_nat_that_is_dry() -> None:
    """A NAT's fill has one IPv6 source and the IPv6 endpoints, too."""
    [fill] = [fill for fill in fills() if fill.label.startswith("NAT nat1")]
    assert "2001:2:0:64::2" in fill.sources
    assert "[2001:2::101]:80" in map(str, fill.endpoints)


def test_one_client_fills_the_balancers_ports_towards_the_servers() -> None:
    """200 ports to each server, weights 1:2: 600 through each balancer leave none; a fifth more, over two sources."""
    fill = by_label("frontend stream servers")
    assert (fill.at, fill.sources) == ("client1", ("198.18.0.31", "2001:2::31"))
    assert len(fill.ports or ()) == -(-(int(600 * 1.2) + 1) // 2)
    assert fill.hold_s


def test_the_far_end_reads_what_it_accepts_while_clients_hold_it() -> None:
    """Servers while one client fills them, every balancer while clients fill the VIPs; they begin before the fills."""
    stages = {stage.name: stage.steps for stage in capacity.plan(QUESTION, OPTIONS).stages}
    for name, hosts, endpoints in (
        ("traffic", ["web1", "web2"], [["198.19.0.11:8090"], ["198.19.0.12:8090"]]),
        ("clients", ["lb1", "lb2"], [[*VIP_ENDS], [*VIP_ENDS]]),
    ):
        readers = [step for step in stages[name] if isinstance(step, ReadSockets)]
        assert [step.at for step in readers] == hosts
        assert [sorted(map(str, step.endpoints)) for step in readers] == endpoints
        assert stages[name][: len(readers)] == tuple(readers)
        first = {step.at: step for step in reversed(stages[name]) if isinstance(step, Fill)}
        assert all(step.after_s for step in first.values())
        assert all(step.hold_s > 5 * reader.every_s for step in first.values() for reader in readers)
        assert all(reader.most_s > sum(s.hold_s for s in stages[name] if isinstance(s, Fill)) for reader in readers)


def test_counters_and_logs_are_read_before_and_after() -> None:
    """Each balancer's, around the fill and before any other."""
    stages = {stage.name: [type(step) for step in stage.steps] for stage in capacity.plan(QUESTION, OPTIONS).stages}
    assert stages["before"] == [ReadPortRange, ReadCounters, CountLogLines] * 2
    assert stages["after"] == [ReadCounters, CountLogLines] * 2
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


def readings(balancer: str, connections: int = 200, **more: Any) -> list[Sample]:
    """Return a balancer's counters and log around a fill in which each server got so many connections."""
    found: list[Sample] = []
    up = {"state": ServerState.SERVING, "status": "UP", "check": "L4OK"}
    for when in ("before", "after"):
        count = {"connections": 50, "failed_connections": 7}
        if when == "after":
            count = {"connections": 50 + connections, "failed_connections": 27} | more
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


def sockets(host: str, *connected: Connected, missed: bool = False) -> Sockets:
    """Return what a host read while a fill came and went; `missed`: only its end, when half of it was gone."""
    if missed:
        half = tuple(replace(one, accepted=one.accepted // 2) for one in connected)
        readings = (Reading(half, 4), Reading())
    else:
        readings = (Reading(), Reading(connected[:1]), Reading(connected, 5), Reading())
    return Sockets(at=host, label="servers" if host.startswith("web") else "balancers", readings=readings)


def accepted_by_servers(**waiting: int) -> list[Connected]:
    """Return what web1 and web2 have of two balancers: 200 of each, so many of which wait there."""
    return [
        Connected(f"198.19.0.1{n}:8090", source, 200 - waiting.get(f"web{n}", 0), waiting.get(f"web{n}", 0))
        for n in (1, 2)
        for source in ("198.19.0.21", "198.19.0.22")
    ]


def at_servers(**waiting: int) -> list[Sample]:
    """Return what the servers read."""
    rows = accepted_by_servers(**waiting)
    return [sockets("web1", *rows[:2]), sockets("web2", *rows[2:])]


def accepted_by_balancers() -> dict[str, list[Connected]]:
    """Return what each balancer has when every fill is held: its own VIPs' endpoints."""
    found: dict[str, list[Connected]] = {"lb1": [], "lb2": []}
    for number, host in enumerate(found, 1):
        for port in (80, 9000):
            four, six = f"198.18.0.10{number}:{port}", f"[2001:2::10{number}]:{port}"
            found[host] += [Connected(four, outside, 64) for outside in ("198.18.0.41", "198.18.0.42")]
            found[host] += [Connected(six, "2001:2:0:64::2", 1000 if port == 80 else 48)]
        found[host] += [Connected(f"198.18.0.10{number}:80", "198.18.0.31", 1000)]
        found[host] += [Connected(f"[2001:2::10{number}]:80", "2001:2::31", 1000)]
    return found


def at_balancers() -> list[Sample]:
    """Return what the balancers read."""
    return [sockets(host, *rows) for host, rows in accepted_by_balancers().items()]


def everything() -> list[Sample]:
    """Return the samples of a lab that holds what is predicted."""
    found: list[Sample] = [*readings("lb1"), *readings("lb2"), *at_servers(), *at_balancers()]
    for fill in fills():
        if "through" in fill.label:
            held = {str(e): 128 if "." in e.address else len(fill.ports or ()) for e in fill.endpoints}
            found.append(filled(fill, 0, by_endpoint=held, stops={"silence": 99}))
        elif "servers" in fill.label:
            found.append(filled(fill, 1000, held_after=800))
        else:
            found.append(filled(fill, 1000))
    return found


def instead(*others: Sample) -> list[Sample]:
    """Return everything, where these hosts read other things."""
    changed = {sample.at: sample for sample in others}
    return [changed.get(sample.at, sample) if isinstance(sample, Sockets) else sample for sample in everything()]


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


def test_what_the_servers_accepted_is_known_without_the_balancers_counters() -> None:
    """The servers' sockets tell how many; that nobody tells why there were no more is said."""
    samples = [sample for sample in everything() if not isinstance(sample, Counters)]
    found = verdict(samples, "frontend stream")
    assert found.outcome is Outcome.PASS
    assert "why the balancers opened no more is not known: no statistics were read" in said(found)


def test_a_dead_server_is_no_exhaustion() -> None:
    """A server that is down is named, and the path fails."""
    down = readings("lb1", 100, state=ServerState.DOWN, status="DOWN", check="L4CON")
    nobody = sockets("web1", Connected("198.19.0.11:8090", "198.19.0.21", 100))
    others = [sample for sample in instead(nobody) if sample.at != "lb1" or isinstance(sample, Sockets)]
    found = verdict([*down, *others], "frontend stream")
    assert found.outcome is Outcome.FAIL
    assert "lb1 says server web1 is DOWN, L4CON: that is no lack of ports" in [f.message for f in found.findings]
    assert "800 predicted, 500 held; lb1 to web1 100, lb1 to web2 200, lb2 to web1 0" in said(found)


def test_what_waits_in_a_servers_queue_is_not_held() -> None:
    """A server that is frozen takes connections and accepts none: HAProxy calls them its sessions, and that fails."""
    samples = [s for s in everything() if s.at not in ("web1", "web2")] + at_servers(web2=200)
    found = verdict(samples, "frontend stream")
    assert found.outcome is Outcome.FAIL
    assert "800 predicted, 400 held; lb1 to web1 200, lb1 to web2 0, lb2 to web1 200, lb2 to web2 0; 400 more" in said(
        found
    )
    assert (
        "400 more wait in the queue of web2's listener at 198.19.0.12:8090, and no program there accepts them"
        in said(found)
    )


def test_what_waits_in_a_balancers_queue_is_not_held() -> None:
    """A balancer that accepts 20 has the others in its listener's queue."""
    rows = accepted_by_balancers()["lb1"]
    few = [replace(o, accepted=20, waiting=980) if o.source == "198.18.0.31" else o for o in rows]
    told = [replace(s, maxconn=20) if isinstance(s, Counters) else s for s in instead(sockets("lb1", *few))]
    found = verdict(told, "frontend www")
    assert found.outcome is Outcome.FAIL
    assert "lb1 runs with maxconn 20, the inventory says 8,000" in said(found)
    assert "client → VIP, IPv4: 2,000 predicted, 1,020 held; 980 more wait in the queue of lb1's listener" in said(
        found
    )


def test_what_was_not_read_while_it_was_held_is_unmeasured() -> None:
    """A host that began too late found too few: that is no fault of the cluster's, and no pass."""
    rows = accepted_by_servers()
    for samples, why in (
        (instead(sockets("web1", *rows[:2], missed=True)), "they began too late or ended too soon"),
        ([s for s in everything() if s.at != "web1"], "what web1 accepted was not read"),
        (instead(Sockets(at="web1", label="servers", failure=Failure(ErrorKind.UNREACHABLE, "gone"))), "web1: gone"),
    ):
        found = verdict(samples, "frontend stream")
        assert (found.outcome, why in said(found)) == (Outcome.UNMEASURED, True)


def test_a_limit_that_is_not_as_the_inventory_says_is_named() -> None:
    """Of a hop that holds other than predicted: the balancer's port range, and its maxconn of a server."""
    few = LocalPorts(at="lb1", ports=PortRange(40000, 40019))
    limited = [*readings("lb1", session_limit=5), few]
    web1, web2 = accepted_by_servers()[:2], accepted_by_servers()[2:]
    rows = [sockets(host, replace(two[0], accepted=20), two[1]) for host, two in (("web1", web1), ("web2", web2))]
    others = [sample for sample in instead(*rows) if sample.at != "lb1" or isinstance(sample, Sockets)]
    found = said(verdict([*limited, *others], "frontend stream"))
    assert "800 predicted, 440 held" in found
    assert "lb1: ip_local_port_range is 40000-40019, the inventory says 40000-40199" in found
    assert "lb1's server web1 has maxconn 5, the inventory says none" in found
    assert "ip_local_port_range" not in said(verdict([*everything(), few], "frontend stream"))


def with_servers(**more: Any) -> Cluster:
    """Return the cluster with other servers behind the frontend in mode tcp."""
    web, stream = CLUSTER.backends
    changed = tuple(replace(one, holds=replace(capacity_of(one), **more)) for one in stream.servers)
    return replace(CLUSTER, backends=(web, replace(stream, servers=changed)))


def test_no_more_is_predicted_than_the_servers_admit() -> None:
    """With a maxconn of 50 for each server in each of two HAProxy processes, 200 are held of 800 tuples."""
    question = replace(QUESTION, cluster=with_servers(maxconn=50))
    rows = [replace(one, accepted=50) for one in accepted_by_servers()]
    samples = instead(sockets("web1", *rows[:2]), sockets("web2", *rows[2:]))
    [found] = [v for v in capacity.judge(question, samples) if v.subject == "frontend stream"]
    assert found.outcome is Outcome.PASS
    [row] = [row for row in found.evidence["steps"] if row["measured"] is not None]
    assert (row["predicted"], row["measured"]) == (200, 200)


def test_where_balancers_of_two_kinds_share_what_servers_admit_nothing_is_predicted() -> None:
    """Which of them gets it is a race."""
    first, second = CLUSTER.balancers
    wide = replace(capacity_of(first), opening=replace(LEAVES, ports=PortRange(40000, 40099)))
    cluster = replace(with_servers(maxconn=50), balancers=(replace(first, holds=wide), second))
    [found] = [v for v in capacity.judge(replace(QUESTION, cluster=cluster), everything()) if "stream" in v.subject]
    assert found.outcome is Outcome.UNMEASURED
    assert "its servers admit fewer, and which balancer gets those is a race" in said(found)


def test_a_server_that_still_accepts_when_the_clients_let_go_is_unmeasured() -> None:
    """On a machine that is too slow the count rises to the end: what it would have come to is not known."""
    rows = accepted_by_servers()[:2]
    rising = [Reading(tuple(replace(one, accepted=count) for one in rows)) for count in (100, 150, 170)]
    slow = Sockets(at="web1", label="servers", readings=(Reading(), *rising, Reading()))
    found = verdict(instead(slow), "frontend stream")
    assert found.outcome is Outcome.UNMEASURED
    assert "web1 still accepted connections when the clients let go" in said(found)


def test_what_passes_between_two_readings_is_not_held() -> None:
    """A connection of a health check that one reading happens on is none too many."""
    rows = accepted_by_servers()
    more = (Connected("198.19.0.11:8090", "198.19.0.21", 201), rows[1])
    readings = (Reading(), Reading(tuple(rows[:2]), 3), Reading(more), Reading(tuple(rows[:2])), Reading())
    assert verdict(instead(Sockets(at="web1", label="servers", readings=readings)), "frontend stream").outcome is (
        Outcome.PASS
    )


def test_an_outside_address_that_nat_does_not_use_is_missed() -> None:
    """All subscribers together hold as many as one outside address has ports: the other one's are not there."""
    rows = {host: [o for o in rows if o.source != "198.18.0.42"] for host, rows in accepted_by_balancers().items()}
    samples = [
        replace(s, by_endpoint={end: n // 2 if "." in end else n for end, n in s.by_endpoint.items()})
        if isinstance(s, Filled) and "through" in s.label
        else s
        for s in instead(*(sockets(host, *rows[host]) for host in rows))
    ]
    found = verdict(samples, "NAT nat1")
    assert found.outcome is Outcome.FAIL
    assert "198.18.0.42: 256 predicted, 0 held" in said(found)
    assert [row["measured"] for row in found.evidence["steps"]][:2] == [256, 0]


def test_an_outside_address_that_nobody_knows_is_named() -> None:
    """What the NAT translates to another address than the inventory says."""
    rows = {
        host: [replace(o, source="198.18.0.49") if o.source == "198.18.0.42" else o for o in rows]
        for host, rows in accepted_by_balancers().items()
    }
    found = verdict(instead(*(sockets(host, *rows[host]) for host in rows)), "NAT nat1")
    assert found.outcome is Outcome.FAIL
    assert "256 came from 198.18.0.49, which is no outside address in the inventory" in said(found)


def test_a_refusal_by_our_own_kernel_below_the_prediction_is_unmeasured() -> None:
    """A port that somebody on the client has is no fault of the cluster's; who has it is said."""
    rows = {
        host: [replace(o, accepted=999) if o.source == "198.18.0.31" else o for o in rows]
        for host, rows in accepted_by_balancers().items()
    }
    own = {"planned": 2000, "sources": 1, "stops": {"EADDRINUSE": 2}, "taken": ("198.18.0.31:40007 to 198.18.0.9:22",)}
    samples = [
        replace(s, by_endpoint=dict.fromkeys(s.by_endpoint, 999), **own) if direct(s) else s  # type: ignore[arg-type]
        for s in instead(*(sockets(host, *rows[host]) for host in rows))
    ]
    found = verdict(samples, "frontend www")
    assert found.outcome is Outcome.UNMEASURED
    assert "client1 itself refused 2 of 2,000 attempts, 0 of which are owed: EADDRINUSE" in said(found)
    assert "ports of its range are held by 198.18.0.31:40007 to 198.18.0.9:22" in said(found)


def direct(sample: Sample) -> bool:
    """Return whether it is client1's fill over IPv4 up to the VIPs."""
    return isinstance(sample, Filled) and sample.label == "frontend www 0"


@pytest.mark.parametrize(
    ("binding", "sources", "planned", "owed"),
    [
        (BindingMode.EXPLICIT, 2, 400, 0),
        (BindingMode.EXPLICIT_EXCLUSIVE, 2, 400, 200),
        (BindingMode.ANY_PORT, 2, 404, 204),
        (BindingMode.NO_PORT, 2, 404, 4),
        (BindingMode.NONE, 1, 202, 2),
    ],
)
def test_refusals_beyond_the_tuples_are_owed(binding: BindingMode, sources: int, planned: int, owed: int) -> None:
    """Two endpoints, a hundred ports: what a binding mode cannot hold is refused, and shows the limit."""
    sample = Filled(at="c", binding=binding, sources=sources, ports=100, planned=planned)
    assert not unexpected([replace(sample, stops={"EADDRINUSE": owed, "silence": 9})])
    assert f"refused {owed + 1}" in unexpected([replace(sample, stops={"EADDRINUSE": owed + 1})])


def said(found: Verdict) -> str:
    """Return every sentence of a verdict."""
    return " ".join(finding.message for finding in found.findings)


def test_one_connection_less_fails() -> None:
    """Predicted and measured are equal or it is a fault, and says who said no."""
    rows = accepted_by_balancers()["lb1"]
    less = [replace(o, accepted=63) if o.source == "198.18.0.41" and o.endpoint.endswith(":80") else o for o in rows]
    samples = [
        replace(s, by_endpoint={**s.by_endpoint, "198.18.0.101:80": 127}) if is_nat(s) else s
        for s in instead(sockets("lb1", *less))
    ]
    few = LocalPorts(at="lb1", ports=PortRange(40000, 40019))
    found = verdict([*samples, few], "NAT nat1")
    assert found.outcome is Outcome.FAIL
    assert "256 predicted, 255 held; it ended by silence (no answer until the deadline: " in said(found)
    assert "lb1: ip_local_port_range is 40000-40019, the inventory says 40000-40199" in said(found)


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
