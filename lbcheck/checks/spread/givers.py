"""Who gave answers that name no server, as far as a balancer's counters tell."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.returns import Returns
from lbcheck.model.counters import BackendCounters, ServerCounters

SHOWN = 5  # servers that a sentence lists


@dataclass(frozen=True)
class Givers:
    """Who gave answers of one class of statuses: the balancer itself, its servers, or both.

    `product`: empty if no counters tell. `servers`: server → answers of the class beyond those that name it, of so many
    `requests` in all. `why`: why the balancer answered in its servers' place; empty: it does not show.
    """

    product: str = ""
    itself: bool = False
    servers: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    why: str = ""


def givers(seen: Observations, came: Returns, status: str) -> Givers:
    """Return who gave the answers without a name of a status's class."""
    kind = f"{status[:1]}xx"
    number = sum(count for other, count in came.nameless.items() if other[:1] == status[:1])
    processes = seen.heard(came.balancer)
    if not processes or any(p.failure or p.void for p in processes):
        return Givers()
    found = [backend for process in processes if (backend := seen.called(process))]
    told = any(_tells(process) for process in processes)
    if not told:
        return Givers()
    servers, requests = Counter[str](), Counter[str]()
    for server in (server for backend in found for server in backend.servers):
        servers[server.name] += server.statuses.get(kind, 0)
        requests[server.name] += server.requests or 0
    for name, statuses in came.servers.items():
        servers[name] -= sum(count for code, count in statuses.items() if code[:1] == status[:1])
    servers = +servers
    own = servers.total() < number
    why = _why(processes, found, status, number) if own else ""
    return Givers(seen.product or "the balancer", own, servers, requests, why)


def _tells(process: Difference) -> bool:
    """Return whether a process counts answers by the class of their status at all."""
    backends = process.backends.values()
    statuses = [*(b.statuses for b in backends), *(f.statuses for f in process.frontends.values())]
    return any([*statuses, *(server.statuses for backend in backends for server in backend.servers)])


def _why(processes: list[Difference], backends: list[BackendCounters], status: str, number: int) -> str:
    """Return why a balancer answered in its servers' place, as a part of a sentence; empty: it does not show."""
    denied = sum(p.denied or 0 for process in processes for p in process.frontends.values())
    if denied + sum(backend.denied or 0 for backend in backends) >= number:
        return "a rule denies such requests"
    if status < "500":
        return ""
    for backend in backends:
        if backend.servers and not any(server.serves for server in backend.servers):
            return f"no server of backend {backend.name} is up ({_listed(map(_state, backend.servers))})"
    refused = [server for backend in backends for server in backend.servers if server.failed_connections]
    return f"it could not connect to {_listed(f'server {server.name}' for server in refused)}" if refused else ""


def _state(server: ServerCounters) -> str:
    return f"{server.name} {server.status or server.state}"


def _listed(words: Iterator[str]) -> str:
    """Return a list of at most SHOWN, and how many more there are."""
    whole = list(words)
    more = [f"and {len(whole) - SHOWN:,} more"] if len(whole) > SHOWN else []
    return ", ".join([*whole[:SHOWN], *more])
