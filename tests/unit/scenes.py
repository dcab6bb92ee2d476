"""A small healthy cluster and what is seen of it, for tests to break."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lbcheck.model.address import Endpoint
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, DnsName, Frontend, Host, Server, Vip
from lbcheck.model.command import RunCommand
from lbcheck.model.configuration import ReadConfiguration
from lbcheck.model.counters import BackendCounters, Counters, ReadCounters, ServerCounters, ServerState
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.fill import Fill
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.port_range import ReadPortRange
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Count, Request
from lbcheck.model.sockets import ReadSockets
from lbcheck.model.step import Sample, Step
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.model.watch import Route, Watch

URL = "http://www.lab.test/"
WEIGHTS = {"web1": 1, "web2": 1, "web3": 2}
VIPS = {"lb1": "198.18.0.101", "lb2": "198.18.0.102"}
SOCKET = "unix:/run/haproxy/stats.sock"

CLUSTER = Cluster(
    dns_servers=(Host("dns1", ("198.18.0.53",)),),
    resolvers=(Host("dns2", ("198.18.0.54",)),),
    balancers=tuple(Balancer(name, stats=(SOCKET,)) for name in VIPS),
    backends=(Backend("web", "roundrobin", tuple(Server(n, w, log="/log") for n, w in WEIGHTS.items())),),
    frontends=(Frontend("www", URL, "web", tuple(VIPS.values())),),
    vips=tuple(Vip(address, name) for name, address in VIPS.items()),
    names=(DnsName("www.lab.test", tuple(VIPS.values())),),
    clients=(Client("client1", ("198.18.0.31",)), Client("client2", ("100.64.0.2",))),
)
QUESTION = Question(
    CLUSTER,
    lab=True,
    identify_balancer="header:x-balancer",
    reachable=("client1", "client2", "lb1", "lb2", "web1", "web2", "web3"),
)

# A step of each kind.
ONE_OF_EACH: tuple[Step, ...] = (
    Resolve(at="c", name="x.test", rdtype="A", queries=5, server=Endpoint("2001:2::53", 53), layer="resolver"),
    LookUp(at="c", name="x.test", family=6, queries=5, rate=50),
    Request(at="c", url="http://x/", address="::1", requests=3, keep_alive=True),
    ReadCounters(at="lb1", balancer="lb1", uri="unix:/s", when="after"),
    ReadConfiguration(at="lb1", balancer="lb1", paths=("/etc/haproxy/haproxy.cfg",)),
    CountLogLines(at="web1", server="web1", path="/log", token="t", when="before"),
    ReadStubStatus(at="web1", server="web1", url="http://127.0.0.1/", when="before"),
    ReadSockets(at="lb1", endpoints=(Endpoint("198.18.0.101", 80),), label="clients"),
    ReadPortRange(at="lb1"),
    Fill(at="c", endpoints=(Endpoint("127.0.0.1", 80),), label="a path"),
    Watch(at="c", routes=(Route("http://x/", "::1"),), interval_s=0.1, for_s=1.0, rehearsal=True),
    RunCommand(words=("true",), after_s=5.0),
)


def about(**things: Any) -> Question:
    """Return the question about the cluster with other things in it."""
    return replace(QUESTION, cluster=replace(CLUSTER, **things))


def fair(requests: int, weights: Mapping[str, int] = WEIGHTS) -> dict[str, int]:
    """Return what round robin gives each server."""
    total = sum(weights.values())
    return {name: requests * weight // total for name, weight in weights.items()}


def answers(balancer: str, counts: Mapping[str, int], **more: Any) -> Answers:
    """Return what client1 saw at a balancer's VIP."""
    seen = tuple(Count(balancer, server, n, n) for server, n in counts.items() if n)
    sent = sum(counts.values()) + sum(more.get("errors", {}).values())
    defaults = {"at": "client1", "url": URL, "address": VIPS.get(balancer, ""), "sent": sent}
    return Answers(counts=seen, **defaults | more)


def counted(server: str, answered: int, **more: Any) -> ServerCounters:
    """Return what a balancer counted of a server."""
    told: dict[str, Any] = {"weight": WEIGHTS.get(server, 1), "state": ServerState.SERVING, "status": "UP"}
    return ServerCounters(name=server, **told | {"requests": answered, "connections": answered} | more)


def backend(*servers: ServerCounters, **more: Any) -> tuple[BackendCounters, ...]:
    """Return the one backend of a balancer."""
    told = {"name": "web", "algorithm": "roundrobin", "mode": "http"}
    return (BackendCounters(servers=servers, **told | more),)


def readings(balancer: str, counts: Mapping[str, int], **more: Any) -> list[Counters]:
    """Return a balancer's counters before and after it gave `counts`; `more` changes the reading after."""
    before = Counters(
        at=balancer,
        balancer=balancer,
        uri=SOCKET,
        when="before",
        product="HAProxy",
        process="7",
        uptime_s=100,
        backends=backend(*(counted(name, 1000) for name in counts)),
    )
    now = backend(*(counted(name, 1000 + count) for name, count in counts.items()))
    after = replace(before, when="after", uptime_s=105, backends=now)
    return [before, replace(after, **more)]


def changed(reading: Counters, *names: str, **fields: Any) -> Counters:
    """Return a reading with these fields of the servers with these names changed; without names: of all."""
    (web,) = reading.backends
    now = tuple(replace(s, **fields) if s.name in (names or WEIGHTS) else s for s in web.servers)
    return replace(reading, backends=(replace(web, servers=now),))


def logs(counts: Mapping[str, int]) -> list[LogLines]:
    """Return what the servers' logs say."""
    return [LogLines(at=name, server=name, path="/log", lines=lines) for name, lines in counts.items()]


def healthy() -> list[Sample]:
    """Return a run of 800 requests with nothing wrong."""
    samples: list[Sample] = []
    for balancer in VIPS:
        samples += [answers(balancer, fair(400)), *readings(balancer, fair(400))]
    return samples + logs(fair(800))


def stub(server: str, before: int, after: int) -> list[StubStatus]:
    """Return nginx's counters before and after."""
    return [
        StubStatus(at=server, server=server, when="before", requests=before),
        StubStatus(at=server, server=server, when="after", requests=after),
    ]


def resolution(first: Mapping[str, int], **more: Any) -> Resolution:
    """Return what dns1 answered: each address first so often, the others behind it."""
    everyone = more.pop("addresses", tuple(first))
    orders = {" ".join([a, *(x for x in everyone if x != a)]): n for a, n in first.items() if n}
    base: dict[str, Any] = {"at": "client1", "server": "198.18.0.53:53", "layer": "authoritative"}
    base |= {"name": "www.lab.test", "rdtype": "A", "queries": sum(first.values()), "ttls_s": (5,)}
    return Resolution(first={a: n for a, n in first.items() if n}, orders=orders, **base | more)


def lookup(first: Mapping[str, int], sources: Mapping[str, str], **more: Any) -> Lookup:
    """Return what getaddrinfo gave on client1."""
    orders = {" ".join([a, *(x for x in sources if x != a)]): n for a, n in first.items() if n}
    base: dict[str, Any] = {"at": "client1", "name": "www.lab.test", "family": 4, "queries": sum(first.values())}
    return Lookup(first={a: n for a, n in first.items() if n}, orders=orders, sources=sources, **base | more)
