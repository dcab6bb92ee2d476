"""Counters, traffic from every client to every address, counters again."""

from collections.abc import Iterator

from lbcheck.analysis import algorithms
from lbcheck.analysis.algorithms import Tally
from lbcheck.checks import pace
from lbcheck.checks.spread.judging import ALPHA, FEWEST_TESTS
from lbcheck.checks.spread.observations import ASSUMED
from lbcheck.model import schemes
from lbcheck.model.address import family
from lbcheck.model.counters import ReadCounters
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.requests import Request
from lbcheck.model.step import Step, When
from lbcheck.model.stub_status import ReadStubStatus
from lbcheck.model.topology import HERE, Backend, Server, Topology

LAB_REQUESTS = 2000
FEWEST_REQUESTS = 200
LIKELY_WEIGHTS = ({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})  # planned for where nobody says


def plan(topology: Topology, options: Options) -> Plan:
    """Return three stages: counters, traffic from every client to every address, counters again."""
    return Plan(
        (
            Stage(StageName.BEFORE, tuple(_counters(topology, options, "before"))),
            Stage(StageName.TRAFFIC, tuple(_traffic(topology, options))),
            Stage(StageName.AFTER, (*_counters(topology, options, "after"), *_logs(topology, options))),
        )
    )


def _may_run(topology: Topology, host: str) -> bool:
    return host in (HERE, *topology.reachable)


def _place(topology: Topology, host: str) -> str:
    """Return where what lies on a host is read: there; here where a run knows no hosts but this one."""
    return host if topology.reachable else HERE


def _counters(topology: Topology, options: Options, when: When) -> Iterator[Step]:
    for balancer in topology.balancers:
        for uri in balancer.stats:
            at = _place(topology, balancer.name) if schemes.read_on_host(uri) else HERE
            if _may_run(topology, at):
                yield ReadCounters(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=options.timeout_s)
    for server in _servers(topology):
        at, url = _place(topology, server.name), server.stub_status
        if url and _may_run(topology, at):
            yield ReadStubStatus(at=at, server=server.name, url=url, when=when, timeout_s=options.timeout_s)


def _logs(topology: Topology, options: Options) -> Iterator[Step]:
    for server in _servers(topology):
        at = _place(topology, server.name)
        if server.log and options.token and _may_run(topology, at):
            yield CountLogLines(at=at, server=server.name, path=server.log, token=options.token)


def _servers(topology: Topology) -> tuple[Server, ...]:
    used = [topology.backend(frontend.backend) for frontend in topology.web]
    return tuple({server.name: server for backend in used for server in backend.servers}.values())


def _traffic(topology: Topology, options: Options) -> Iterator[Step]:
    clients = pace.clients(topology)
    routes = [
        (frontend, client, source, address)
        for frontend in topology.web
        for client in clients
        for source in options.sources or ("",)
        for address in frontend.addresses or ("",)
        if not (source and address) or family(source) == family(address)
    ]
    if not routes:
        return
    total = options.requests or _enough(topology)
    for number, (frontend, client, source, address) in enumerate(routes):
        requests = total // len(routes) + (number < total % len(routes))
        if requests:
            keep_alive = topology.backend(frontend.backend).mode != "tcp"
            yield Request(
                at=client,
                url=frontend.url,
                address=address,
                requests=requests,
                concurrency=options.concurrency,
                keep_alive=keep_alive if options.keep_alive is None else options.keep_alive,
                identify=topology.identify,
                identify_balancer=topology.identify_balancer,
                token=options.token,
                source=source,
                rate=pace.rate(topology, options) / len(clients),
                timeout_s=options.timeout_s,
                verify=options.verify,
            )


def _enough(topology: Topology) -> int:
    """Return how many requests settle every frontend, at each balancer apart, should clients be the only witness."""
    needed = max(_needed(topology.backend(frontend.backend)) for frontend in topology.web)
    floor = LAB_REQUESTS if topology.lab else FEWEST_REQUESTS
    return max(floor, len(topology.web) * max(1, len(topology.balancers)) * needed)


def _needed(backend: Backend) -> int:
    algorithm = backend.algorithm or ASSUMED
    if not algorithms.has_law(algorithm):
        return FEWEST_REQUESTS
    likely = (backend.weights,) if backend.servers else LIKELY_WEIGHTS
    tallies = [Tally({}, weights, complete=False) for weights in likely]
    return max(algorithms.judge(algorithm, tally, ALPHA / FEWEST_TESTS).needed for tally in tallies)
