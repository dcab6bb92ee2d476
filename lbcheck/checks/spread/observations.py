"""All that was seen of one frontend, gathered by who saw it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from lbcheck.analysis.counter_deltas import Difference, backend_called, differences
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.address import family
from lbcheck.model.cluster import Backend, Cluster, Frontend, Server
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters
from lbcheck.model.log_lines import LogLines
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers
from lbcheck.model.step import Sample
from lbcheck.model.stub_status import StubStatus

ASSUMED = "roundrobin"  # the algorithm, where neither the user nor the balancer says


@dataclass(frozen=True)
class Observations:
    """What the clients, the balancers and the servers saw of one frontend."""

    cluster: Cluster
    identify: str  # how answers name their server
    frontend: Frontend
    backend: Backend  # completed by what the balancer says where the user does not
    answers: tuple[Answers, ...]
    processes: tuple[Difference, ...]
    logs: Mapping[str, LogLines] = field(default_factory=dict)
    statuses: tuple[StubStatus, ...] = ()

    @property
    def unit(self) -> Literal["request", "connection"]:
        """What the algorithm chooses for: a request, or in mode tcp a connection."""
        return "connection" if self.backend.mode == "tcp" else "request"

    def client(self, balancer: str | None = None) -> Counter[str]:
        """Server → answers that the clients saw, through one balancer or all."""
        seen: Counter[str] = Counter()
        for count in (c for a in self.answers for c in a.counts if balancer in (None, c.balancer)):
            seen[count.server] += count.connections if self.unit == "connection" else count.requests
        return seen

    def deltas(self, process: Difference) -> Mapping[str, ServerCounters]:
        """Server → what it did in between, of this frontend's backend in one process."""
        return process.servers(self._called(process))

    def counted(self, balancer: str | None = None) -> Counter[str] | None:
        """Server → answers by the balancers' own count; None where a process did not tell, or was reloaded."""
        processes = [p for p in self.processes if balancer in (None, p.balancer)]
        if not processes or any(p.failure or p.void for p in processes):
            return None
        total: Counter[str] = Counter()
        for process in processes:
            for name, delta in self.deltas(process).items():
                count = delta.connections if self.unit == "connection" else delta.requests
                if count is None:
                    return None
                total[name] += count
        return total

    @property
    def product(self) -> str:
        """Who counted between clients and servers, for sentences; empty where they are of several makes, or none."""
        products = {process.product for process in self.processes}
        return products.pop() if len(products) == 1 else ""

    @property
    def errors(self) -> Counter[str]:
        """Kind → requests that got no answer."""
        lost: Counter[str] = Counter()
        for answers in self.answers:
            lost.update(answers.errors)
        return lost

    @property
    def sent(self) -> int:
        """All requests, over all clients."""
        return sum(answers.sent for answers in self.answers)

    def by_key(self, balancer: str | None) -> dict[str, dict[str, int]]:
        """For hashes: who answered each client address (the key that lbcheck varies)."""
        keys: dict[str, dict[str, int]] = {}
        for answers in self.answers:
            of_address = family(answers.address) if answers.address else ""
            key = f"{answers.source or answers.at} IPv{of_address}"
            for count in answers.counts:
                if balancer in (None, count.balancer):
                    servers = keys.setdefault(key, {})
                    servers[count.server] = servers.get(count.server, 0) + count.requests
        return keys

    @property
    def disturbances(self) -> int:
        """What the balancers tried again, or in vain: it explains that witnesses differ."""
        return sum(delta.disturbances for process in self.processes for delta in self.deltas(process).values())

    def complete(self, balancer: str | None = None) -> bool:
        """Whether the balancers' counts hold all that the algorithm gave out, and nothing else.

        Returning clients that a cookie marks pass the algorithm by. Where a balancer tells neither algorithm nor
        persistence, it is certain only where the probe alone sent requests.
        """
        counted = self.counted(balancer)
        named = [process.backends.get(self.backend.name) for process in self.processes]
        if counted is None or any(backend and backend.persistent for backend in named):
            return False
        alone = abs(counted.total() - self.client(balancer).total()) <= self.errors.total() + self.disturbances
        backends = [process.backends.get(self._called(process)) for process in self.processes]
        return alone or all(backend and backend.algorithm for backend in backends)

    def _called(self, process: Difference) -> str:
        return backend_called(process, self.backend.name, self.client())

    @property
    def servers_told(self) -> bool:
        """Whether the user or a balancer says which servers there are; else only those are known that answered."""
        given = self.cluster.backend(self.frontend.backend).servers
        return bool(given) or any(self.deltas(process) for process in self.processes)

    @property
    def told_apart(self) -> list[str]:
        """The balancers that can be: by the answers that name them, or by their counters."""
        named = sorted({c.balancer for a in self.answers for c in a.counts if c.balancer})
        if not named and len(self.cluster.balancers) < 2:
            return []
        return list(dict.fromkeys([*(balancer.name for balancer in self.cluster.balancers), *named]))

    def ledgers(self, balancer: str | None = None) -> dict[str, Ledger]:
        """Server → the three witnesses' counts. A server's log does not say which balancer a request came through."""
        client, counted = self.client(balancer), self.counted(balancer)
        names = dict.fromkeys([*self.backend.weights, *sorted(client)])
        return {
            name: Ledger(
                client[name],
                counted[name] if counted is not None else None,
                self._logged(name) if balancer is None else None,
            )
            for name in names
        }

    def _logged(self, server: str) -> int | None:
        log = self.logs.get(server)
        return log.lines if log and not log.failure and self.unit == "request" else None


def gather(question: Question, frontend: Frontend, samples: Sequence[Sample]) -> Observations:
    """Return what the samples say of one frontend."""
    processes = tuple(differences(s for s in samples if isinstance(s, Counters)))
    seen = Observations(
        question.cluster,
        question.identify,
        frontend,
        question.cluster.backend(frontend.backend),
        tuple(s for s in samples if isinstance(s, Answers) and s.url == frontend.url),
        processes,
        {s.server: s for s in samples if isinstance(s, LogLines)},
        tuple(s for s in samples if isinstance(s, StubStatus)),
    )
    return replace(seen, backend=_completed(seen))


def _completed(seen: Observations) -> Backend:
    """Return the backend, with what the balancer says where the user did not: algorithm, mode, servers and weights."""
    backend = seen.backend
    for process in seen.processes:
        name = backend_called(process, backend.name, seen.client())
        told = process.backends.get(name, BackendCounters(name=name))
        backend = replace(
            backend, mode=backend.mode or told.mode or "", algorithm=backend.algorithm or told.algorithm or ""
        )
        if not backend.servers:
            backend = replace(backend, servers=tuple(Server(server.name, _owed(server)) for server in told.servers))
    if not backend.servers:
        backend = replace(backend, servers=tuple(Server(name) for name in sorted(seen.client())))
    return replace(backend, algorithm=backend.algorithm or ASSUMED, mode=backend.mode or "http")


def _owed(server: ServerCounters) -> int:
    """Return the weight that decides its share of new requests: 0 while it drains or is down, 1 where none is told."""
    weight = server.present_weight
    return (1 if weight is None else weight) if server.serves else 0
