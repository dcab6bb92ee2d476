"""Findings on what a balancer's counters tell of its servers: states, weights, slow starts, backups, refusals."""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from lbcheck.analysis import weights
from lbcheck.checks import loss
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.cluster import Backend
from lbcheck.model.counters import ServerCounters, ServerState
from lbcheck.model.verdict import Finding, Outcome

_SHOWN = 5  # servers of one state that are said one by one
_LISTED = 20  # weights of a backend that a sentence lists: each server has a sentence of its own
_WORDS = {
    ServerState.DRAINING: "in drain",
    ServerState.MAINTENANCE: "in maintenance",
    ServerState.STOPPING: "given nothing new",
}
_STEP = 1 / 16  # in which a slow start goes on


def of_process(
    seen: Observations, who: str, deltas: Mapping[str, ServerCounters], *, unchanged: bool
) -> Iterator[Finding]:
    """Say what one process tells of its servers. `who` tells it; `unchanged`: none of it changed in the run."""
    yield from _refusals(seen, deltas)
    yield from _not_serving(seen.backend, who, deltas)
    yield from _weights(seen.backend, who, deltas)
    if unchanged:
        yield from _backups(seen, deltas)


def _refusals(seen: Observations, deltas: Mapping[str, ServerCounters]) -> Iterator[Finding]:
    """Report each server that is given requests and does not take the connections for them."""
    whole = sum(server.connections or server.requests or 0 for server in deltas.values())
    for name, server in deltas.items():
        refused = refusals(server)
        if not refused:
            continue
        much = loss.too_much(refused, whole) or server.requests == 0 or refused == server.connections
        sentence = f"server {name} refused {refused:,} connections"
        if server.redispatched:
            given = "them" if server.redispatched == refused else f"{server.redispatched:,} of them"
            sentence += f"; {seen.product or 'the balancer'} gave {given} to others"
        yield Finding(Outcome.FAIL if much else Outcome.PASS, sentence)


def refusals(server: ServerCounters) -> int:
    """Return how many attempts to connect to a server failed, as far as they are told.

    A product may count an attempt as failed, as one that is tried again, or as one that is tried at another server.
    """
    return (server.failed_connections or 0) + (server.retries or 0) + (server.redispatched or 0)


def _not_serving(given: Backend, who: str, deltas: Mapping[str, ServerCounters]) -> Iterator[Finding]:
    """Report each server that is given nothing new: a fault if a health check says so, or if the user listed it."""
    found: dict[tuple[Outcome, str], list[str]] = {}
    for name, server in deltas.items():
        if not server.serves:
            fault = server.state is ServerState.DOWN or given.weights.get(name)
            found.setdefault((Outcome.FAIL if fault else Outcome.PASS, _in_words(server)), []).append(name)
    for (outcome, words), names in found.items():
        if len(names) > _SHOWN:
            yield Finding(outcome, f"{who} says {len(names):,} servers are {words}: {', '.join(names)}")
        else:
            yield from (Finding(outcome, f"{who} says server {name} is {words}") for name in names)


def _in_words(server: ServerCounters) -> str:
    """Return a server's state in words, with the product's own status, its last check, and why it is so."""
    status, state = server.status, server.state
    if status is None:
        words = str(state)
    else:
        words = status if state not in _WORDS or "(" in status else f"{_WORDS[state]} ({status})"
    check = f" ({server.check})" if server.check else ""
    return words + check + (f": {server.reason}" if server.reason else "")


def _expected_weights(given: Backend, deltas: Mapping[str, ServerCounters]) -> Mapping[str, Fraction]:
    """Return server → the weight that the user's weights give it beside the others, if it has another one."""
    if not given.weights_given:
        return {}
    present = {
        name: weight
        for name, server in deltas.items()
        if (weight := _set_weight(server)) is not None and server.state is not ServerState.DRAINING
    }
    return weights.off(present, given.weights)


def ratio(given: Backend, name: str) -> str:
    """Return a server's weight beside the others', which are too many to list from some number on."""
    weights = given.weights
    others = ":".join(map(str, weights.values())) if len(weights) <= _LISTED else f"{sum(weights.values()):,} in all"
    return f"{weights[name]} of {others}"


def _set_weight(server: ServerCounters) -> int | None:
    """Return the weight that a server has now, or at the end of a slow start."""
    return server.weight if warming(server) else server.present_weight


def _weights(given: Backend, who: str, deltas: Mapping[str, ServerCounters]) -> Iterator[Finding]:
    """Report each weight that is not the expected one, or that is not the configured one."""
    expected = _expected_weights(given, deltas)
    told = given.weights if given.weights_given else {}
    for name, server in deltas.items():
        if warming(server):
            yield Finding(Outcome.PASS, f"server {name} is at {server.slow_start:.0%} of its weight: slowstart")
        weight = _set_weight(server)
        if weight is None or server.state is ServerState.DRAINING:
            continue
        if name in expected:
            wanted = str(expected[name]) if expected[name].denominator == 1 else ratio(given, name)
            yield Finding(Outcome.FAIL, f"{who} gives server {name} weight {weight}; {wanted} is expected")
        elif name not in told:
            yield from _set_otherwise(name, server, weight)


def _set_otherwise(name: str, server: ServerCounters, weight: int) -> Iterator[Finding]:
    """Report a weight that is not the configured one, or 0, of a server whose weight nobody else told."""
    if server.serves and server.configured_weight not in (None, weight):
        why = "its agent or somebody set it" if server.agent else "somebody set it"
        sentence = f"server {name} has weight {weight}, not the configured {server.configured_weight}: {why}"
        yield Finding(Outcome.PASS, sentence)
    elif server.serves and not weight:
        yield Finding(Outcome.PASS, f"server {name} has weight 0")


def warming(server: ServerCounters) -> bool:
    """Return whether a server is in a slow start, and has not yet its whole weight."""
    return server.slow_start is not None and server.slow_start < 1 and server.serves


def warm_in_s(server: ServerCounters) -> int:
    """Return in about how many seconds the slow start of a server ends, if it goes on as it went until now."""
    share, lasted_s = server.slow_start or _STEP, max(1, server.since_s or 0)
    return math.ceil(lasted_s / (share - _STEP / 2)) - lasted_s  # the share is rounded up to a whole step


def _backups(seen: Observations, deltas: Mapping[str, ServerCounters]) -> Iterator[Finding]:
    """Report each backup server that is used although another server serves."""
    active = next((name for name, server in deltas.items() if not server.backup and takes_requests(server)), None)
    for name, server in deltas.items():
        used = server.requests if server.chosen is None else server.chosen
        if not (active and server.backup):
            continue
        if used:
            yield Finding(
                Outcome.FAIL, f"backup server {name} got {used:,} {seen.unit}s although server {active} serves"
            )
        elif server.requests:
            sentence = f"backup server {name} answered {server.requests:,} requests that named it (a cookie or a rule)"
            yield Finding(Outcome.PASS, sentence)


def takes_requests(server: ServerCounters) -> bool:
    """Return whether a server is given new requests: it serves, with a weight."""
    return server.serves and server.present_weight != 0
