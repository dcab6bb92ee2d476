"""What clients, balancers and servers counted for one frontend, and sums over it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from lbcheck.analysis.counter_deltas import Difference, backend_called, cleared, differences, over
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.address import family
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Cluster, Frontend
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters
from lbcheck.model.log_lines import LogLines
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers
from lbcheck.model.step import Sample
from lbcheck.model.stub_status import StubStatus


@dataclass(frozen=True)
class Observations:
    """What the clients, the balancers and the servers counted for one frontend."""

    cluster: Cluster
    identify: str  # where an answer names its server: header:NAME, cookie:NAME or body:REGEX
    frontend: Frontend
    backend: Backend  # as the user gave it
    answers: tuple[Answers, ...]
    processes: tuple[Difference, ...]
    asked: Asked = field(default_factory=Asked)
    logs: Mapping[str, LogLines] = field(default_factory=dict)
    statuses: tuple[StubStatus, ...] = ()

    @cached_property
    def unit(self) -> Literal["request", "connection"]:
        """What the balancer chooses a server for: each request, or in mode tcp each connection."""
        told = (backend.mode for process in self.processes if (backend := self.called(process)))
        mode = self.backend.mode or next(filter(None, told), "")
        return self.asked.unit or ("connection" if mode == "tcp" else "request")

    def client(self, balancer: str | None = None, rounds: int | None = None) -> Counter[str]:
        """Return server → answers that the clients counted, through one balancer or all; in mode tcp connections.

        `rounds`: in so many first rounds; None: in all.
        """
        seen: Counter[str] = Counter()
        asked = (a for a in self.answers if rounds is None or a.round < rounds)
        for count in (c for a in asked for c in a.counts if balancer in (None, c.balancer)):
            seen[count.server] += count.connections if self.unit == "connection" else count.requests
        return seen

    def deltas(self, process: Difference) -> Mapping[str, ServerCounters]:
        """Return server → what one balancer process counted between its readings, in this frontend's backend."""
        backend = self.called(process)
        return {server.name: server for server in backend.servers} if backend else {}

    def heard(self, balancer: str | None = None) -> list[Difference]:
        """Return the processes of one balancer or of all."""
        return [process for process in self.processes if balancer in (None, process.balancer)]

    def called(self, process: Difference) -> BackendCounters | None:
        """Return what one process counted for this frontend's backend; None: it has no such backend."""
        return process.backends.get(backend_called(process, self.backend.name, self._answered))

    def counted(self, balancer: str | None = None) -> Counter[str] | None:
        """Return server → answers (in mode tcp connections) that the balancers counted, at one balancer or all.

        None: no process was read, one of them has no count, or one was reloaded.
        """
        processes = self.heard(balancer)
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
    def rounds(self) -> int:
        """Number of rounds of requests."""
        return 1 + max((answers.round for answers in self.answers), default=-1)

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
        backends = [self.called(process) for process in self.processes]
        if counted is None or any(backend and backend.persistent for backend in backends):
            return False
        return self.alone(balancer) or all(backend and backend.algorithm for backend in backends)

    def alone(self, balancer: str | None = None) -> bool:
        """Return whether the probe was the only client of the balancers, as they counted."""
        counted, answered = self.counted(balancer), self.client(balancer)
        slack = self.errors.total() + self.disturbances
        return counted is not None and abs(counted.total() - answered.total()) <= slack

    @cached_property
    def by_round(self) -> tuple["Observations", ...]:
        """What was counted in each round; all of it as one if not every process was read after each of them."""
        if self.rounds < 2 or any(len(p.readings) != self.rounds + 1 for p in self.processes if not p.failure):
            return (self,)
        return tuple(self.part(number, number + 1) for number in range(self.rounds))

    def part(self, start: int, end: int) -> "Observations":
        """Return what was counted in the rounds from `start` to before `end` alone; logs tell no rounds.

        Every process that could be read must have been read before the first round and after each.
        """
        asked = (replace(a, round=a.round - start) for a in self.answers if start <= a.round < end)
        processes = (p if p.failure else over(p.readings[start : end + 1]) for p in self.processes)
        cut = replace(self, answers=tuple(asked), processes=tuple(processes), logs={}, statuses=())
        return _without_cleared(cut)

    @cached_property
    def _answered(self) -> set[str]:
        return {count.server for answers in self.answers for count in answers.counts}

    @property
    def told_apart(self) -> list[str]:
        """Names of the balancers that have counts of their own, from answers or counters; empty: one at most."""
        named = sorted({c.balancer for a in self.answers for c in a.counts if c.balancer})
        if not named and len(self.cluster.balancers) < 2:
            return []
        return list(dict.fromkeys([*(balancer.name for balancer in self.cluster.balancers), *named]))

    def ledgers(self, servers: Iterable[str], balancer: str | None = None) -> dict[str, Ledger]:
        """Return server → what the three witnesses counted, for `servers` and for every other one that answered.

        With a `balancer` there are no counts of logs: a log does not say which balancer sent a request.
        """
        client, counted = self.client(balancer), self.counted(balancer)
        return {
            name: Ledger(
                client[name],
                counted[name] if counted is not None else None,
                self._logged(name) if balancer is None else None,
            )
            for name in dict.fromkeys([*servers, *sorted(client)])
        }

    def _logged(self, server: str) -> int | None:
        log = self.logs.get(server)
        return log.lines if log and not log.failure and self.unit == "request" else None


def gather(question: Question, frontend: Frontend, samples: Sequence[Sample]) -> Observations:
    """Return what the samples say about one frontend."""
    seen = Observations(
        question.cluster,
        question.identify,
        frontend,
        question.cluster.backend(frontend.backend),
        tuple(s for s in samples if isinstance(s, Answers) and s.url == frontend.url),
        tuple(differences(s for s in samples if isinstance(s, Counters))),
        question.asked,
        {s.server: s for s in samples if isinstance(s, LogLines)},
        tuple(s for s in samples if isinstance(s, StubStatus)),
    )
    return _without_cleared(seen)


def _without_cleared(seen: Observations) -> Observations:
    return replace(seen, processes=tuple(_unless_cleared(seen, process) for process in seen.processes))


def _unless_cleared(seen: Observations, process: Difference) -> Difference:
    """Return what a process counted; void if its frontends show fewer requests than clients got answers from it.

    If it took at least as many as that, somebody cleared its counters. The counts themselves do not always show it.
    """
    balancer = process.balancer if seen.told_apart else None
    processes, answered = seen.heard(balancer), seen.client(balancer).total()
    if seen.unit == "connection" or any(p.failure or p.void for p in processes):
        return process
    taken = sum(p.requests or 0 for p in processes)
    counted = sum(frontend.requests or 0 for p in processes for frontend in p.frontends.values())
    told = all(p.frontends for p in processes)
    if told and counted < answered <= taken:
        return replace(process, void=f"{process.product}{cleared(process.balancer)}", backends={}, frontends={})
    return process


def observed(question: Question, samples: Sequence[Sample]) -> list[Observations]:
    """Return what the samples say about each frontend that was asked."""
    found = (gather(question, frontend, samples) for frontend in question.cluster.web)
    return [seen for seen in found if seen.answers]
