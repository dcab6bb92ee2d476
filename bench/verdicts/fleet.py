"""A simulated fleet: what its balancers answer to the steps of a plan, and what they count."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from bench.verdicts.faults import HEALTHY, Fault
from bench.verdicts.laws import Choices, Law
from lbcheck.model.counters import BackendCounters, Counters, ReadCounters, ServerCounters, ServerState
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.requests import ORDER_LIMIT, Answers, Count, Request
from lbcheck.model.step import Sample, Step
from lbcheck.model.told_by import ToldBy

BACKEND = "servers"
EARLIER = 1_000  # requests that each server has answered before the run


def named(servers: int) -> list[str]:
    """Return the names of so many servers."""
    return [f"s{number}" for number in range(1, servers + 1)]


@dataclass(frozen=True)
class Design:
    """How a fleet is built.

    `weights`: as intended, and as its counters say. `algorithm`: as its counters say; empty: they do not. `workers`: of
    each balancer, each with a sequence of its own from its start on. `keyed`: each source of requests has its own
    choice. `tcp`: a server is chosen for each connection. `idle`: servers answer at once, so that none is ever busy.
    `beside`: so many requests of others between two of the probe's, on average; their number is geometric.
    """

    law: Law
    weights: tuple[int, ...]
    fault: Fault = HEALTHY
    balancers: tuple[str, ...] = ("",)
    homes: dict[str, str] = field(default_factory=dict)  # address → the balancer that answers there
    workers: int = 1
    keyed: bool = False
    tcp: bool = False
    idle: bool = False
    beside: float = 0.0
    product: str = ""
    algorithm: str = ""


class Fleet:
    """Answers the steps of one run."""

    def __init__(self, design: Design, rng: random.Random) -> None:
        self._design, self._rng = design, rng
        faulty = design.balancers[-design.fault.balancers :]
        self._balancers = {
            name: Balancer(design, design.fault if name in faulty else HEALTHY, rng) for name in design.balancers
        }

    def carry(self, step: Step) -> Sample:
        """Return the sample of one step."""
        match step:
            case Request():
                return self._answers(step)
            case ReadCounters():
                return self._balancers[step.balancer].counters(step)
            case CountLogLines():
                return self._log(step)
            case _:
                raise NotImplementedError(f"a simulated fleet knows nothing of {type(step).__name__}")

    def _answers(self, step: Request) -> Answers:
        name = self._design.homes.get(step.address) or self._rng.choice(self._design.balancers)
        balancer = self._balancers[name]
        carriers, source = self._carriers(step), step.source or step.at
        if self._design.tcp:
            chosen = balancer.answer_by_connection(carriers, source)
        else:
            chosen = balancer.answer(step.requests, step.concurrency, source, kept=step.keep_alive)
        order = [balancer.names[server] for server in chosen]
        answered = Counter(order)
        places = {server: place for place, server in enumerate(answered)}
        met: dict[int, list[str]] = {}
        for carrier, server in zip(carriers, order, strict=True):
            met.setdefault(carrier, []).append(server)
        first = Counter(servers[0] for servers in met.values())
        # Of several requests at once by a balancer of requests it is not known which connection carried which.
        kept = [servers for servers in met.values() if len(servers) > 1 and (self._design.tcp or step.concurrency == 1)]
        said = name if step.identify_balancer else ""
        runs = ((places[server], len(list(run))) for server, run in groupby(order[:ORDER_LIMIT]))
        return Answers(
            at=step.at,
            url=step.url,
            address=step.address,
            source=step.source,
            sent=step.requests,
            connections=len(met),
            counts=tuple(
                Count(said, server, count, first[server], {"200": count}) for server, count in answered.items()
            ),
            statuses={"200": step.requests},
            round=step.round,
            key=step.key,
            order=tuple(runs),
            order_cut=len(order) > ORDER_LIMIT,
            kept=len(kept),
            moved=sum(len(set(servers)) > 1 for servers in kept),
        )

    def _carriers(self, step: Request) -> list[int]:
        """Return the number of the connection that carries each request."""
        if step.dealt:
            return [self._rng.randrange(step.dealt) for _ in range(step.requests)]
        if step.keep_alive:
            return [number % step.concurrency for number in range(step.requests)]
        return list(range(step.requests))

    def _log(self, step: CountLogLines) -> LogLines:
        server = named(len(self._design.weights)).index(step.server)
        lines = sum(balancer.answered[server] for balancer in self._balancers.values())
        return LogLines(at=step.at, server=step.server, path=step.path, lines=lines)


class Balancer:
    """One balancer and its servers, which are numbers here."""

    def __init__(self, design: Design, fault: Fault, rng: random.Random) -> None:
        self.names = named(len(design.weights))
        for server, name in fault.named:
            self.names[server] = name
        self.answered = Counter[int]()  # the probe's requests
        self._design, self._fault, self._rng = design, fault, rng
        self._others, self._sent = Counter[int](), 0
        self._weights = fault.weights(design.weights)
        self._busy = [0] * len(design.weights)
        self._workers: dict[str, list[Choices]] = {}

    def answer(self, requests: int, at_once: int, source: str, *, kept: bool) -> list[int]:
        """Return the servers that answer, in the order of the answers; `kept`: connections are used again."""
        workers = self._started(source)
        alone = at_once == 1 and not self._design.beside and not self._fault.dies_after
        if alone and (kept or len(workers) == 1):
            order = list(islice(self._rng.choice(workers), requests))
        else:
            order = list(self._one_by_one(requests, at_once, workers, kept=kept))
        self._sent += requests
        self.answered.update(order)
        return order

    def answer_by_connection(self, carriers: Sequence[int], source: str) -> list[int]:
        """Return the servers that answer, if one is chosen for each connection, by the connections of the requests."""
        workers = self._started(source)
        chosen: dict[int, int] = {}
        for carrier in carriers:
            if carrier not in chosen:
                chosen[carrier] = self._choose(self._rng.choice(workers), self._sent + len(chosen))
        order = [chosen[carrier] for carrier in carriers]
        self._sent += len(chosen)
        self.answered.update(order)
        return order

    def _one_by_one(self, requests: int, at_once: int, workers: Sequence[Choices], *, kept: bool) -> Iterator[int]:
        connections = [self._rng.choice(workers) for _ in range(at_once)]
        another = self._design.beside / (1 + self._design.beside)
        flying: list[int] = []
        for number in range(requests):
            worker = connections[number % at_once] if kept else self._rng.choice(workers)
            server = self._choose(worker, self._sent + number)
            flying.append(server)
            self._busy[server] += not self._design.idle
            while self._rng.random() < another:
                self._others[self._choose(self._rng.choice(workers), self._sent + number)] += 1
            if len(flying) == at_once:
                yield self._landed(flying)
        while flying:
            yield self._landed(flying)

    def _landed(self, flying: list[int]) -> int:
        server = flying.pop(self._rng.randrange(len(flying)))
        self._busy[server] -= not self._design.idle
        return server

    def _choose(self, worker: Choices, sent: int) -> int:
        server = next(worker)
        while server == 0 and self._dead(sent):
            server = next(worker)
        return server

    def _dead(self, sent: int) -> bool:
        return 0 < self._fault.dies_after <= sent

    def _started(self, source: str) -> list[Choices]:
        """Return the sequences of choices that requests of a source meet."""
        key = source if self._design.keyed else ""
        if key not in self._workers:
            law, workers = self._design.law, range(self._design.workers)
            self._workers[key] = [law(self._weights, self._rng, self._busy) for _ in workers]
        return self._workers[key]

    def counters(self, step: ReadCounters) -> Counters:
        """Return what its process has counted until now."""
        after = step.when == "after"
        servers = tuple(map(self._counted, range(len(self._design.weights))))
        told = self._design.algorithm
        return Counters(
            at=step.at,
            balancer=step.balancer,
            uri=step.uri,
            when=step.when,
            product=self._design.product,
            process="7",
            uptime_s=200 if after else 100,
            backends=(
                BackendCounters(
                    name=BACKEND,
                    servers=servers,
                    requests=sum(server.requests or 0 for server in servers),
                    mode="http",
                    algorithm=told or None,
                    algorithm_told_by=ToldBy.BALANCER if told else ToldBy.NOBODY,
                    persistent=False if told else None,
                ),
            ),
        )

    def _counted(self, server: int) -> ServerCounters:
        count = EARLIER + self.answered[server] + self._others[server]
        down = server == 0 and self._dead(self._sent)
        return ServerCounters(
            name=named(len(self._design.weights))[server],
            requests=count,
            connections=count,
            chosen=count,
            statuses={"2xx": count},
            weight=self._design.weights[server],
            weight_told_by=ToldBy.BALANCER,
            state=ServerState.DOWN if down else ServerState.SERVING,
            status="DOWN" if down else "UP",
        )
