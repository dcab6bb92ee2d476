"""What is known of a backend before its counts are judged, and who told it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.states import takes_requests, warming
from lbcheck.model.counters import BackendCounters, ServerCounters
from lbcheck.model.told_by import ToldBy

Rational = int | Fraction

_OF_THE_BALANCER = (ToldBy.BALANCER, ToldBy.CONFIGURATION)


@dataclass(frozen=True)
class Known:
    """The algorithm and the weights of a backend at one balancer, or at all of them; each with its source.

    `algorithm`: empty if nobody told it. `weights`: server → weight that decides what is owed to it now: 0 while it
    gets nothing new, and in a slow start a part of it (all weights are then multiplied, so that they are whole). If
    nobody told them, they are equal, for the servers that are known or that answered.
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
    first = next((backend for backend in told if backend.algorithm), None)
    algorithm, teller = (first.algorithm, first.algorithm_told_by) if first else (None, ToldBy.NOBODY)
    weights, told_by = _weights(seen, told)
    if seen.short(balancer):
        # Others answer, too. They may have the same weights, which may be tried; their algorithm nobody told.
        algorithm, told_by = None, ToldBy.INFERRED if told_by in _OF_THE_BALANCER else told_by
    return Known(
        given.algorithm or algorithm or "",
        ToldBy.USER if given.algorithm else teller if algorithm else ToldBy.NOBODY,
        seen.asked.product or seen.product,
        weights,
        told_by,
        bool(given.servers or seen.asked.servers) or any(backend.servers for backend in told),
    )


def _names(seen: Observations) -> list[str]:
    """Return the servers that answered, and one more for each that is lacking, if the user said how many there are."""
    answered = sorted(seen.client())
    return [*answered, *(f"no. {number}" for number in range(len(answered) + 1, seen.asked.servers + 1))]


def _weights(seen: Observations, told: Sequence[BackendCounters]) -> tuple[dict[str, int], ToldBy]:
    given = seen.backend
    listed = {server.name: server for backend in reversed(told) for server in backend.servers}
    weighed = any(server.weight is not None for server in listed.values())
    if given.servers and (given.weights_given or not weighed):
        wanted = {name: weight * _warmth(listed.get(name)) for name, weight in given.weights.items()}
        return _whole(wanted | _of_backups(told, wanted)), ToldBy.USER
    if listed:
        owed = {name: _present(server) for name, server in listed.items()}
        wanted = {name: owed.get(name, 1) for name in given.weights} or owed
        return _whole(wanted | _of_backups(told, wanted)), _teller(listed.values()) if weighed else ToldBy.NOBODY
    return dict.fromkeys(_names(seen), 1), ToldBy.USER if seen.asked.servers else ToldBy.NOBODY


def _teller(servers: Iterable[ServerCounters]) -> ToldBy:
    """Return who told the weights: the configuration, if the balancer itself told none of them."""
    tellers = {server.weight_told_by for server in servers if server.weight is not None}
    return ToldBy.CONFIGURATION if tellers == {ToldBy.CONFIGURATION} else ToldBy.BALANCER


def _warmth(server: ServerCounters | None) -> Rational:
    """Return the share of its weight that a server has: 1 unless it is in a slow start."""
    return Fraction(server.slow_start) if server and warming(server) and server.slow_start else 1


def _present(server: ServerCounters) -> Rational:
    """Return the weight that decides a server's share: 0 while it gets nothing new, 1 if the product tells none."""
    weight: Rational | None = server.present_weight
    if weight == 0 or not server.serves:
        return 0
    if warming(server):
        weight = server.exact_weight
    return 1 if weight is None else weight


def _whole(weights: Mapping[str, Rational]) -> dict[str, int]:
    """Return whole numbers in the same ratios; weights that are whole stay as they are."""
    scale = math.lcm(*{weight.denominator for weight in weights.values()})
    return {name: int(weight * scale) for name, weight in weights.items()}


def _of_backups(told: Sequence[BackendCounters], wanted: Mapping[str, Rational]) -> dict[str, Rational]:
    """Return weight 0 for each backup server that is owed nothing: all of them while a server that is none serves."""
    servers = [server for backend in told for server in backend.servers]
    backups = {server.name for server in servers if server.backup}
    if not backups:
        return {}
    able = list(dict.fromkeys(server.name for server in servers if server.backup and takes_requests(server)))
    if any(takes_requests(server) and not server.backup for server in servers):
        able = []
    elif not _all_serve(told, able[1:]):
        able = able[:1]
    return {name: 0 for name in wanted if name in backups and name not in able}


def _all_serve(told: Sequence[BackendCounters], others: Sequence[str]) -> bool:
    """Return whether backups beside the first one serve, too.

    Where no balancer tells it either is right, and the counts of the others show it.
    """
    says = [backend.all_backups for backend in told if backend.all_backups is not None]
    if says:
        return all(says)
    servers = (server for backend in told for server in backend.servers if server.name in others)
    return any(server.requests if server.chosen is None else server.chosen for server in servers)
