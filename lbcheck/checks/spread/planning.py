"""The plan: read counters, send requests from every client to every address, read counters again."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.tally import Tally
from lbcheck.analysis.tuples.dealing import evenly
from lbcheck.checks import pace, trust
from lbcheck.checks.spread import budget, ceiling, sent_keys
from lbcheck.model import schemes
from lbcheck.model.address import family
from lbcheck.model.cluster import Backend, Cluster, Frontend, Server
from lbcheck.model.configuration import ReadConfiguration
from lbcheck.model.counters import ReadCounters
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import HERE, Question
from lbcheck.model.requests import Request
from lbcheck.model.step import Step, When
from lbcheck.model.stub_status import ReadStubStatus

LAB_REQUESTS = 2000
FIRST_REQUESTS = 24  # to a balancer; a strict cycle of up to eight servers shows in as many (analysis/order)
LIKELY_WEIGHTS = ({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})  # assumed in planning if no weights are known


def plan(question: Question, options: Options) -> Plan:
    """Return three stages: read counters, send requests from every client to every address, read counters and logs.

    It is the first round, and the only one if the user said how many requests to send.
    """
    requests, concurrency = options.requests or _first(question), options.concurrency
    if not (options.requests or question.lab):
        concurrency = 1  # the order of answers tells the algorithm, if they come one at a time
    asked = replace(options, requests=requests, concurrency=concurrency)
    return Plan(
        (
            Stage(StageName.BEFORE, (*_configurations(question, options), *_counters(question, options, "before"))),
            Stage(StageName.TRAFFIC, tuple(_traffic(routes(question, options), question, asked))),
            Stage(StageName.AFTER, tuple(_readings(question, options))),
        ),
        () if options.requests else (_range(question),),
    )


def round_of(
    question: Question,
    options: Options,
    wanted: Mapping["Route", int],
    number: int,
    silent_s: Mapping["Route", float],
    *,
    dealt: int = 0,
) -> Plan:
    """Return a further round: so many requests by each route, then counters and logs again.

    `silent_s`: route → seconds that earlier rounds waited for failures and silence. `dealt`: as in a Request.
    """
    asked = _Requests(question, options, number)
    steps = (
        step
        for route, requests in wanted.items()
        for step in asked.by(route, requests, silent_s=silent_s.get(route, 0.0))
    )
    after = tuple(_readings(question, options))
    traffic = Stage(StageName.TRAFFIC, tuple(replace(step, dealt=dealt) for step in steps))
    return Plan((traffic, Stage(StageName.AFTER, after)))


def _readings(question: Question, options: Options) -> Iterator[Step]:
    yield from _counters(question, options, "after")
    yield from _logs(question, options)


def _place(question: Question, host: str) -> str:
    """Return where to read what is stored on a host: on that host, or here if the run has no other hosts."""
    return host if question.reachable else HERE


def _configurations(question: Question, options: Options) -> Iterator[Step]:
    for balancer in question.cluster.balancers:
        at = _place(question, balancer.name)
        if balancer.configuration and question.may_run(at):
            yield ReadConfiguration(
                at=at, balancer=balancer.name, paths=balancer.configuration, timeout_s=options.timeout_s
            )


def _counters(question: Question, options: Options, when: When) -> Iterator[Step]:
    for balancer in question.cluster.balancers:
        for uri in balancer.stats:
            at = _place(question, balancer.name) if schemes.read_on_host(uri) else HERE
            if question.may_run(at):
                ca, timeout_s = trust.ca(question, options, uri), options.timeout_s
                yield ReadCounters(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=timeout_s, ca=ca)
    for server in _servers(question.cluster):
        at, url = _place(question, server.name), server.stub_status
        if url and question.may_run(at):
            ca = trust.ca(question, options, url)
            yield ReadStubStatus(at=at, server=server.name, url=url, when=when, timeout_s=options.timeout_s, ca=ca)


def _logs(question: Question, options: Options) -> Iterator[Step]:
    for frontend, token in tokens(question.cluster.web, options.token).items():
        for server in question.cluster.backend(frontend.backend).servers:
            at = _place(question, server.name)
            if server.log and token and question.may_run(at):
                yield _count_lines(at, server, token, frontend.name if token != options.token else "", options)


def _count_lines(at: str, server: Server, token: str, frontend: str, options: Options) -> CountLogLines:
    return CountLogLines(
        at=at,
        server=server.name,
        path=server.log,
        token=token,
        frontend=frontend,
        awaited=True,
        timeout_s=options.timeout_s,
    )


def tokens(frontends: Sequence[Frontend], token: str) -> dict[Frontend, str]:
    """Return the token of each frontend's requests, so that a log tells them apart; the run's own if there is one only.

    None of them is the beginning of another.
    """
    width = len(str(len(frontends)))
    if not token or len(frontends) < 2:
        return dict.fromkeys(frontends, token)
    return {frontend: f"{token}-{place:0{width}}" for place, frontend in enumerate(frontends, start=1)}


def _servers(cluster: Cluster) -> tuple[Server, ...]:
    used = [cluster.backend(frontend.backend) for frontend in cluster.web]
    return tuple({server.name: server for backend in used for server in backend.servers}.values())


@dataclass(frozen=True)
class Route:
    """One way of requests: from a client and source address to an address of a frontend; empty: not given."""

    frontend: Frontend
    client: str
    source: str
    address: str


def routes(question: Question, options: Options) -> list[Route]:
    """Return every way from a client, by each source address, to each address of each frontend that speaks HTTP."""
    return [
        Route(frontend, client, source, address)
        for frontend in question.cluster.web
        for client in question.senders
        for source in options.sources or ("",)
        for address in frontend.addresses or ("",)
        if not (source and address) or family(source) == family(address)
    ]


def _traffic(ways: Sequence[Route], question: Question, options: Options) -> Iterator[Step]:
    """Return one Request step for each route; the total is dealt out evenly, so counts differ by one at most."""
    shares = evenly(options.requests or 0, len(ways)) if ways else ()
    asked = _Requests(question, options)
    for route, requests in zip(ways, shares, strict=True):
        yield from asked.by(route, requests)


class _Requests:
    """The steps of one round; what does not depend on the route is worked out once."""

    def __init__(self, question: Question, options: Options, number: int = 0) -> None:
        self._options, self._keys = options, sent_keys.keys(question, options.token)
        self._left_s, self._of_fleet = left_s(question, options, 0.0), bool(question.reachable)
        self._steps = {
            frontend: _request(question, options, frontend, token, number)
            for frontend, token in tokens(question.cluster.web, options.token).items()
        }

    def by(self, route: Route, requests: int, *, silent_s: float = 0.0) -> Iterator[Request]:
        """Return the steps of one route: one for each key of a hash, or one if no key is sent."""
        step = replace(
            self._steps[route.frontend],
            at=route.client,
            address=route.address,
            every_address=self._of_fleet and not route.address,  # what a fleet publishes is asked
            source=route.source,
            silence_s=_of_silence((self._left_s - silent_s) / len(self._keys), self._options),
        )
        for (key, headers), asked in zip(self._keys, evenly(requests, len(self._keys)), strict=True):
            if asked:
                yield replace(step, requests=asked, key=key, headers=headers)


def _request(question: Question, options: Options, frontend: Frontend, token: str, number: int) -> Request:
    """Return what the steps of all routes to a frontend have in common."""
    return Request(
        at="",
        url=frontend.url,
        address="",
        requests=0,
        concurrency=options.concurrency,
        keep_alive=_keep_alive(question, options, frontend),
        identify=question.identify,
        identify_balancer=question.identify_balancer,
        token=token,
        rate=pace.rate(question, options) / len(question.senders),
        timeout_s=options.timeout_s,
        verify=options.verify,
        ca=question.ca + options.ca,
        round=number,
    )


def left_s(question: Question, options: Options, silent_s: float) -> float:
    """Return how many seconds a route may still wait for failures and silence, after it has waited `silent_s`.

    Routes of one client are asked one after the other, so each has its part of what the run may wait.
    """
    if not options.silence_s:
        return math.inf
    addresses = sum(max(1, len(frontend.addresses)) for frontend in question.cluster.web)
    return options.silence_s / (addresses * max(1, len(options.sources))) - silent_s


def _of_silence(left_s: float, options: Options) -> float:
    """Return the bound of one step: long enough for one operation, so that what answers in time is never lost."""
    return min(options.silence_s, max(left_s, options.timeout_s))


def _keep_alive(question: Question, options: Options, frontend: Frontend) -> bool:
    """Return whether to reuse connections: as the user says, else only if the balancer chooses for each request."""
    if options.keep_alive is not None:
        return options.keep_alive
    return question.cluster.backend(frontend.backend).mode != "tcp"


def _first(question: Question) -> int:
    """Return how many requests the first round has.

    In a lab requests cost nothing and a round takes seconds: there it is enough to judge each balancer of every
    frontend from the clients' counts alone. Elsewhere it is small, and tells what the next round needs.
    """
    subjects = len(question.cluster.web) * max(1, len(question.cluster.balancers))
    first = max(FIRST_REQUESTS, sent_keys.requests(question))
    return max(LAB_REQUESTS, _most(question)) if question.lab else subjects * first


def _range(question: Question) -> str:
    least, most = _first(question), max(_first(question), _most(question))
    further = "" if most == least else f" first, and what they show decides how many more; about {most:,} at most"
    needed = _needed(question)
    beyond = f"; {needed:,} would tell all{ceiling.beyond(needed)}" if ceiling.beyond(needed) else ""
    return f"spread: {least:,} requests{further}{beyond}"


def _most(question: Question) -> int:
    """Return how many requests judge each balancer of every frontend from the clients' counts alone, within bounds."""
    each = ceiling.bounded(_needed(question))
    return len(question.cluster.web) * max(1, len(question.cluster.balancers)) * each


def _needed(question: Question) -> int:
    """Return how many answers of one balancer are enough, whichever frontend it serves."""
    used = {frontend.backend for frontend in question.cluster.web}
    return max(_requests_to_judge(question, question.cluster.backend(name)) for name in used)


def _requests_to_judge(question: Question, backend: Backend) -> int:
    law = table.law_applied(backend.algorithm, question.asked.product)
    if law is None:
        return FIRST_REQUESTS
    asked = question.asked
    even = dict.fromkeys(map(str, range(asked.servers)), 1)
    likely = (backend.weights or even,) if backend.servers or even else LIKELY_WEIGHTS
    tallies = [Tally({}, weights, complete=False, detect=asked.detect, miss=1 - asked.power) for weights in likely]
    return max(law.judge(tally, budget.of_one_test(question)).needed for tally in tallies)
