"""The plan: read counters, send requests from every client to every address, read counters again."""

from collections.abc import Iterator
from dataclasses import dataclass

from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.analysis.laws.tally import Tally
from lbcheck.analysis.tuples.dealing import evenly
from lbcheck.checks import pace
from lbcheck.checks.spread.judging import ALPHA, FEWEST_TESTS
from lbcheck.model import schemes
from lbcheck.model.address import family
from lbcheck.model.cluster import Backend, Cluster, Frontend, Server
from lbcheck.model.counters import ReadCounters
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import HERE, Question
from lbcheck.model.requests import Request
from lbcheck.model.step import Step, When
from lbcheck.model.stub_status import ReadStubStatus

LAB_REQUESTS = 2000
FEWEST_REQUESTS = 200
LIKELY_WEIGHTS = ({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})  # assumed in planning if no weights are known


def plan(question: Question, options: Options) -> Plan:
    """Return three stages: read counters, send requests from every client to every address, read counters and logs."""
    return Plan(
        (
            Stage(StageName.BEFORE, tuple(_counters(question, options, "before"))),
            Stage(StageName.TRAFFIC, tuple(_traffic(question, options))),
            Stage(StageName.AFTER, (*_counters(question, options, "after"), *_logs(question, options))),
        )
    )


def _place(question: Question, host: str) -> str:
    """Return where to read what is stored on a host: on that host, or here if the run has no other hosts."""
    return host if question.reachable else HERE


def _counters(question: Question, options: Options, when: When) -> Iterator[Step]:
    for balancer in question.cluster.balancers:
        for uri in balancer.stats:
            at = _place(question, balancer.name) if schemes.read_on_host(uri) else HERE
            if question.may_run(at):
                yield ReadCounters(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=options.timeout_s)
    for server in _servers(question.cluster):
        at, url = _place(question, server.name), server.stub_status
        if url and question.may_run(at):
            yield ReadStubStatus(at=at, server=server.name, url=url, when=when, timeout_s=options.timeout_s)


def _logs(question: Question, options: Options) -> Iterator[Step]:
    for server in _servers(question.cluster):
        at = _place(question, server.name)
        if server.log and options.token and question.may_run(at):
            yield CountLogLines(at=at, server=server.name, path=server.log, token=options.token)


def _servers(cluster: Cluster) -> tuple[Server, ...]:
    used = [cluster.backend(frontend.backend) for frontend in cluster.web]
    return tuple({server.name: server for backend in used for server in backend.servers}.values())


@dataclass(frozen=True)
class _Route:
    """One way of requests: from a client and source address to an address of a frontend; empty: not given."""

    frontend: Frontend
    client: str
    source: str
    address: str


def _routes(question: Question, options: Options) -> Iterator[_Route]:
    for frontend in question.cluster.web:
        for client in pace.clients(question):
            for source in options.sources or ("",):
                for address in frontend.addresses or ("",):
                    if not (source and address) or family(source) == family(address):
                        yield _Route(frontend, client, source, address)


def _traffic(question: Question, options: Options) -> Iterator[Step]:
    """Return one Request step for each route; the total is dealt out evenly, so counts differ by one at most."""
    routes = list(_routes(question, options))
    if not routes:
        return
    shares = evenly(options.requests or _enough(question), len(routes))
    for route, requests in zip(routes, shares, strict=True):
        if requests:
            yield Request(
                at=route.client,
                url=route.frontend.url,
                address=route.address,
                requests=requests,
                concurrency=options.concurrency,
                keep_alive=_keep_alive(question, options, route.frontend),
                identify=question.identify,
                identify_balancer=question.identify_balancer,
                token=options.token,
                source=route.source,
                rate=pace.rate(question, options) / len(pace.clients(question)),
                timeout_s=options.timeout_s,
                verify=options.verify,
                ca=question.ca + options.ca,
                silence_s=options.silence_s,
            )


def _keep_alive(question: Question, options: Options, frontend: Frontend) -> bool:
    """Return whether to reuse connections: as the user says, else only if the balancer chooses for each request."""
    if options.keep_alive is not None:
        return options.keep_alive
    return question.cluster.backend(frontend.backend).mode != "tcp"


def _enough(question: Question) -> int:
    """Return how many requests are enough to judge each balancer of every frontend from the clients' counts alone."""
    needed = max(_requests_to_judge(question.cluster.backend(frontend.backend)) for frontend in question.cluster.web)
    floor = LAB_REQUESTS if question.lab else FEWEST_REQUESTS
    return max(floor, len(question.cluster.web) * max(1, len(question.cluster.balancers)) * needed)


def _requests_to_judge(backend: Backend) -> int:
    law = table.law_of(backend.algorithm) if backend.algorithm else DRAWS
    if law is None:
        return FEWEST_REQUESTS
    likely = (backend.weights,) if backend.servers else LIKELY_WEIGHTS
    tallies = [Tally({}, weights, complete=False) for weights in likely]
    return max(law.judge(tally, ALPHA / FEWEST_TESTS).needed for tally in tallies)
