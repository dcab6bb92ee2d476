"""What clients, balancers and servers counted for one frontend, and sums over it."""

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

ASSUMED = "roundrobin"  # the algorithm if neither the user nor the balancer names one


@dataclass(frozen=True)
class Observations:
    """What the clients, the balancers and the servers counted for one frontend."""

    cluster: Cluster
    identify: str  # where an answer names its server: header:NAME, cookie:NAME or body:REGEX
    frontend: Frontend
    backend: Backend  # the user's; the balancer's statistics fill the gaps
    answers: tuple[Answers, ...]
    processes: tuple[Difference, ...]
    logs: Mapping[str, LogLines] = field(default_factory=dict)
    statuses: tuple[StubStatus, ...] = ()

    @property
    def unit(self) -> Literal["request", "connection"]:
        """What the balancer chooses a server for: each request, or in mode tcp each connection."""
        return "connection" if self.backend.mode == "tcp" else "request"

    def client(self, balancer: str | None = None) -> Counter[str]:
        """Return server → answers that the clients counted, through one balancer or all; in mode tcp connections."""
        seen: Counter[str] = Counter()
        for count in (c for a in self.answers for c in a.counts if balancer in (None, c.balancer)):
            seen[count.server] += count.connections if self.unit == "connection" else count.requests
        return seen

    def deltas(self, process: Difference) -> Mapping[str, ServerCounters]:
        """Return server → what one balancer process counted between its readings, in this frontend's backend."""
        return process.servers(self._called(process))

    def counted(self, balancer: str | None = None) -> Counter[str] | None:
        """Return server → answers (in mode tcp connections) that the balancers counted, at one balancer or all.

        None: no process was read, one of them has no count, or one was reloaded.
        """
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
        """The make of the balancers that counted, for sentences; empty: several makes, or none counted."""
        products = {process.product for process in self.processes}
        return products.pop() if len(products) == 1 else ""

    @property
    def errors(self) -> Counter[str]:
        """Kind of error → requests that failed with it, over all clients."""
        lost: Counter[str] = Counter()
        for answers in self.answers:
            lost.update(answers.errors)
        return lost

    @property
    def sent(self) -> int:
        """Number of requests that all clients sent."""
        return sum(answers.sent for answers in self.answers)

    def by_key(self, balancer: str | None) -> dict[str, dict[str, int]]:
        """Return client (source address or host, and IP family) → server → answers: the keys of a hash of sources."""
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
        """Return whether the balancers counted exactly the requests for which the algorithm chose a server.

        The algorithm does not choose for a returning client whose cookie names a server. If a balancer's statistics
        tell no algorithm, the answer is certain only if the probe was the only client.
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
        """Whether the user or a balancer lists the servers; if not, only the servers that answered are known."""
        given = self.cluster.backend(self.frontend.backend).servers
        return bool(given) or any(self.deltas(process) for process in self.processes)

    @property
    def told_apart(self) -> list[str]:
        """Names of the balancers that have counts of their own, from answers or counters; empty: one at most."""
        named = sorted({c.balancer for a in self.answers for c in a.counts if c.balancer})
        if not named and len(self.cluster.balancers) < 2:
            return []
        return list(dict.fromkeys([*(balancer.name for balancer in self.cluster.balancers), *named]))

    def ledgers(self, balancer: str | None = None) -> dict[str, Ledger]:
        """Return server → what the three witnesses counted.

        With a `balancer` there are no counts of logs: a log does not say which balancer sent a request.
        """
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
    """Return what the samples say about one frontend, with its backend completed."""
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
    """Return the backend; the balancer supplies each of algorithm, mode, servers and weights that the user did not."""
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
    """Return the weight that decides a server's share: 0 while it drains or is down, 1 if the product tells none."""
    weight = server.present_weight
    return (1 if weight is None else weight) if server.serves else 0
