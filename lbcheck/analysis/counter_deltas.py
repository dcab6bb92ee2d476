"""How a balancer's counters changed between two readings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lbcheck.analysis.counter_changes import Change, changes, restarted
from lbcheck.model.counters import SERVER_COUNTS, BackendCounters, Counters, FrontendCounters, ServerCounters
from lbcheck.model.step import ErrorKind, Failure


@dataclass(frozen=True)
class Difference:
    """What one process of a balancer counted between two readings, or from the first to the last of several.

    `backends`: name → the backend with its differences, for backends with servers. `frontends`: name → the frontend
    with its differences. `failure`: a reading failed. `requests`: that the whole process took; None: it is not told.
    `void`: why the difference is meaningless; empty: it is valid. `changes`: what became otherwise between the
    readings, also where the difference is void. `readings`: all of them, one more than rounds of requests.
    """

    balancer: str
    product: str = ""
    backends: Mapping[str, BackendCounters] = field(default_factory=dict)
    frontends: Mapping[str, FrontendCounters] = field(default_factory=dict)
    failure: Failure | None = None
    void: str = ""
    changes: tuple[Change, ...] = ()
    requests: int | None = None
    readings: tuple[Counters, ...] = ()

    def servers(self, backend: str) -> Mapping[str, ServerCounters]:
        """Return name → server of a backend; empty if this process has no such backend."""
        known = self.backends.get(backend)
        return {server.name: server for server in known.servers} if known else {}


def differences(samples: Iterable[Counters]) -> list[Difference]:
    """Return a difference for each process; the readings of a process have the same balancer, host and URI."""
    processes: dict[tuple[str, str, str], list[Counters]] = {}
    for sample in samples:
        processes.setdefault((sample.balancer, sample.at, sample.uri), []).append(sample)
    return [_difference(balancer, readings) for (balancer, _, _), readings in processes.items()]


def _difference(balancer: str, readings: Sequence[Counters]) -> Difference:
    product = next((sample.product for sample in readings), "")
    failure = next((sample.failure for sample in readings if sample.failure), None)
    if failure:
        return Difference(balancer, product, failure=failure)
    if {sample.when for sample in readings} != {"before", "after"}:
        only_one = Failure(ErrorKind.INTERNAL, f"{balancer}: only one reading was taken")
        return Difference(balancer, product, failure=only_one)
    return over(sorted(readings, key=lambda sample: sample.when == "after"))


def over(readings: Sequence[Counters]) -> Difference:
    """Return what one process counted from the first of at least two readings to the last, with every change between.

    It is void if any part of it is.
    """
    pairs = [(before, after, changes(before, after)) for before, after in pairwise(readings)]
    changed = tuple(change for *_, found in pairs for change in found)
    void = next(filter(None, (_void(*pair) for pair in pairs)), "")
    return replace(_between(readings[0], readings[-1], void), changes=changed, readings=tuple(readings))


def of_backend(process: Difference, backend: str) -> Difference:
    """Return what a process counted for one of its backends alone."""
    readings = tuple(
        replace(reading, backends=tuple(one for one in reading.backends if one.name == backend))
        for reading in process.readings
    )
    if process.void:  # another backend's counts may have fallen
        return over(readings)
    return replace(
        process,
        backends={name: one for name, one in process.backends.items() if name == backend},
        changes=tuple(change for change in process.changes if change.backend in ("", backend)),
        readings=readings,
    )


def _between(before: Counters, after: Counters, void: str) -> Difference:
    """Return the counts between two readings; none where something makes them meaningless."""
    if void:
        return Difference(after.balancer, after.product, void=f"{after.product}{void}")
    earlier = {backend.name: backend for backend in before.backends}
    entrances = {frontend.name: frontend for frontend in before.frontends}
    return Difference(
        after.balancer,
        after.product,
        requests=None if before.requests is None else _less(after.requests, before.requests),
        backends={one.name: _backend_since(earlier.get(one.name), one) for one in after.backends if one.servers},
        frontends={one.name: _frontend_since(entrances.get(one.name), one) for one in after.frontends},
    )


def _void(before: Counters, after: Counters, changed: Iterable[Change]) -> str:
    """Return what makes the difference meaningless, to be said after the product's name; empty: nothing."""
    if restarted(before, after):
        return f" on {after.balancer} was reloaded or restarted during the run"
    if not any(change.field in SERVER_COUNTS for change in changed):
        return ""
    if before.process is None or after.process is None:
        # A product that names no process shows in this way alone that it began anew.
        return f"'s counters on {after.balancer} went back during the run: a reload?"
    return cleared(after.balancer)


def cleared(balancer: str) -> str:
    """Return that somebody cleared the counters, to be said after the product's name."""
    return f"'s counters on {balancer} were cleared during the run"


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
    return after.since(before, _statuses_since(before.statuses, after.statuses)) if before else after


def _less(after: int | None, before: int | None) -> int | None:
    # A count that the earlier reading lacks was 0: some products report a count only once it is not 0.
    return None if after is None else after - (before or 0)


def _statuses_since(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    if before == after:
        return {}
    counts = {name: after.get(name, 0) - before.get(name, 0) for name in (*after, *before)}
    return {name: count for name, count in counts.items() if count}
