"""What is known of a backend before its counts are judged, and who told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lbcheck.checks.spread.observations import Observations
from lbcheck.model.cluster import Backend
from lbcheck.model.counters import BackendCounters, ServerCounters
from lbcheck.model.told_by import ToldBy


@dataclass(frozen=True)
class Known:
    """The algorithm and the weights of a backend at one balancer, or at all of them; each with its source.

    `algorithm`: empty if nobody told it. `weights`: server → weight that decides what is owed to it now: 0 while it
    gets nothing new. If nobody told them, they are equal, for the servers that are known or that answered.
    """

    algorithm: str
    algorithm_told_by: ToldBy
    product: str  # whose algorithm it is; empty: nobody told
    weights: Mapping[str, int]
    weights_told_by: ToldBy
    servers_told: bool  # somebody listed the servers; if not, one that never answers is not known


def known(seen: Observations, balancer: str | None = None) -> Known:
    """Return what is known of the backend at one balancer, or at all of them. The user's word comes first."""
    given = seen.backend
    told = [backend for process in seen.heard(balancer) if (backend := seen.called(process))]
    algorithm = next((backend.algorithm for backend in told if backend.algorithm), None)
    weights, told_by = _weights(given, told, _names(seen), seen.asked.servers)
    return Known(
        given.algorithm or algorithm or "",
        ToldBy.USER if given.algorithm else ToldBy.BALANCER if algorithm else ToldBy.NOBODY,
        seen.asked.product or seen.product,
        weights,
        told_by,
        bool(given.servers or seen.asked.servers) or any(backend.servers for backend in told),
    )


def _names(seen: Observations) -> list[str]:
    """Return the servers that answered, and one more for each that is lacking, if the user said how many there are."""
    answered = sorted(seen.client())
    return [*answered, *(f"no. {number}" for number in range(len(answered) + 1, seen.asked.servers + 1))]


def _weights(
    given: Backend, told: Sequence[BackendCounters], names: Sequence[str], number: int
) -> tuple[dict[str, int], ToldBy]:
    listed = {server.name: server for backend in reversed(told) for server in backend.servers}
    weighed = any(server.weight is not None for server in listed.values())
    if given.servers and (given.weights_given or not weighed):
        return given.weights | _of_idle_backups(listed, given.weights), ToldBy.USER
    if listed:
        owed = {name: _present(server) for name, server in listed.items()}
        wanted = {name: owed.get(name, 1) for name in given.weights} or owed
        return wanted | _of_idle_backups(listed, wanted), ToldBy.BALANCER if weighed else ToldBy.NOBODY
    return dict.fromkeys(names, 1), ToldBy.USER if number else ToldBy.NOBODY


def _present(server: ServerCounters) -> int:
    """Return the weight that decides a server's share: 0 while it gets nothing new, 1 if the product tells none."""
    weight = server.present_weight
    return (1 if weight is None else weight) if server.serves else 0


def _of_idle_backups(listed: Mapping[str, ServerCounters], wanted: Mapping[str, int]) -> dict[str, int]:
    """Return weight 0 for each backup server, while a server that is none serves."""
    if not any(server.serves and not server.backup for server in listed.values()):
        return {}
    return {name: 0 for name in wanted if (server := listed.get(name)) and server.backup}
