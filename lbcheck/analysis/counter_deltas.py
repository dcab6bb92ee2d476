"""How a balancer's counters changed between two readings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lbcheck.analysis.counter_changes import Change, changes, restarted
from lbcheck.model.counters import SERVER_COUNTS, BackendCounters, Counters, FrontendCounters, ServerCounters
from lbcheck.model.step import ErrorKind, Failure


@dataclass(frozen=True)
class Difference:
    """What one process of a balancer counted between two readings.

    `backends`: name → the backend with its differences, for backends with servers. `frontends`: name → the frontend
    with its differences. `failure`: a reading failed.
    `void`: why the difference is meaningless; empty: it is valid. `changes`: what became otherwise between the
    readings, also where the difference is void.
    """

    balancer: str
    product: str = ""
    backends: Mapping[str, BackendCounters] = field(default_factory=dict)
    frontends: Mapping[str, FrontendCounters] = field(default_factory=dict)
    failure: Failure | None = None
    void: str = ""
    changes: tuple[Change, ...] = ()

    def servers(self, backend: str) -> Mapping[str, ServerCounters]:
        """Return name → server of a backend; empty if this process has no such backend."""
        known = self.backends.get(backend)
        return {server.name: server for server in known.servers} if known else {}


def differences(samples: Iterable[Counters]) -> list[Difference]:
    """Return a difference for each process; the readings of a process have the same balancer, host and URI."""
    pairs: dict[tuple[str, str, str], dict[str, Counters]] = {}
    for sample in samples:
        pairs.setdefault((sample.balancer, sample.at, sample.uri), {})[sample.when] = sample
    return [_difference(balancer, pair) for (balancer, _, _), pair in pairs.items()]


def _difference(balancer: str, pair: Mapping[str, Counters]) -> Difference:
    product = next((sample.product for sample in pair.values()), "")
    failure = next((sample.failure for sample in pair.values() if sample.failure), None)
    if failure:
        return Difference(balancer, product, failure=failure)
    if set(pair) != {"before", "after"}:
        only_one = Failure(ErrorKind.INTERNAL, f"{balancer}: only one reading was taken")
        return Difference(balancer, product, failure=only_one)
    return difference(pair["before"], pair["after"])


def difference(before: Counters, after: Counters) -> Difference:
    """Return what one process counted between two readings of it that both succeeded."""
    balancer, product, changed = after.balancer, after.product, changes(before, after)
    if restarted(before, after):
        void = f"{product} on {balancer} was reloaded or restarted during the run"
        return Difference(balancer, product, void=void, changes=changed)
    earlier = {backend.name: backend for backend in before.backends}
    backends = {
        backend.name: _backend_since(earlier.get(backend.name), backend)
        for backend in after.backends
        if backend.servers
    }
    if any(_went_back(server) for backend in backends.values() for server in backend.servers):
        # A product that names no process shows in this way alone that it began anew.
        void = f"{product}'s counters on {balancer} went back during the run: a reload?"
        return Difference(balancer, product, void=void, changes=changed)
    entrances = {frontend.name: frontend for frontend in before.frontends}
    frontends = {found.name: _frontend_since(entrances.get(found.name), found) for found in after.frontends}
    return Difference(balancer, product, backends, frontends, changes=changed)


def _went_back(server: ServerCounters) -> bool:
    return min(server.requests or 0, server.connections or 0) < 0


def _backend_since(before: BackendCounters | None, after: BackendCounters) -> BackendCounters:
    """Return the later reading of a backend and of its servers with the counts since the earlier one."""
    servers = _since(before, after)
    if before is None:
        return replace(after, servers=servers)
    return replace(
        after,
        servers=servers,
        requests=_less(after.requests, before.requests),
        connections=_less(after.connections, before.connections),
        denied=_less(after.denied, before.denied),
        statuses=_statuses_since(before.statuses, after.statuses),
    )


def _frontend_since(before: FrontendCounters | None, after: FrontendCounters) -> FrontendCounters:
    if before is None:
        return after
    return replace(
        after,
        requests=_less(after.requests, before.requests),
        denied=_less(after.denied, before.denied),
        invalid=_less(after.invalid, before.invalid),
        statuses=_statuses_since(before.statuses, after.statuses),
    )


def _since(before: BackendCounters | None, after: BackendCounters) -> tuple[ServerCounters, ...]:
    """Return the servers of the later reading with their counts since the earlier one."""
    earlier = {server.name: server for server in before.servers} if before else {}
    return tuple(_delta(earlier.get(server.name), server) for server in after.servers)


def _delta(before: ServerCounters | None, after: ServerCounters) -> ServerCounters:
    """Return the later reading of a server with its counts since the earlier one; a new server started at 0."""
    if before is None:
        return after
    counts: dict[str, Any] = {name: _less(getattr(after, name), getattr(before, name)) for name in SERVER_COUNTS}
    return replace(after, **counts, statuses=_statuses_since(before.statuses, after.statuses))


def _less(after: int | None, before: int | None) -> int | None:
    # A count that the earlier reading lacks was 0: some products report a count only once it is not 0.
    return None if after is None else after - (before or 0)


def _statuses_since(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    counts = {name: after.get(name, 0) - before.get(name, 0) for name in (*after, *before)}
    return {name: count for name, count in counts.items() if count}


def backend_called(difference: Difference, name: str, answered: Iterable[str]) -> str:
    """Return the name of the backend that is meant: `name`, else the busiest one with every server in `answered`.

    Empty: this process has no such backend.
    """
    if name in difference.backends:
        return name
    who = set(answered)
    able = [backend for backend in difference.backends if who <= set(difference.servers(backend))]
    return max(able, key=lambda b: sum(s.requests or 0 for s in difference.backends[b].servers), default="")
