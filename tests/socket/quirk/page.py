"""Quirk's page → counters.

QUIRK 3.1, team 4711, on the road for 61 s
barn hay: mules take turns
mule alpha: hauled 34 bales in 3 carts, strength 1, ready
mule beta: hauled 0 bales in 0 carts, strength 1, asleep (kicked the vet)
"""

import re

from lbcheck.model.counters import BackendCounters, Counters, ReadCounters, ServerCounters, ServerState
from lbcheck.model.told_by import ToldBy

_HEAD = re.compile(r"QUIRK (\S+), team (\d+), on the road for (\d+) s")
_BARN = re.compile(r"barn (\S+): mules (.+)")
_MULE = re.compile(r"mule (\S+): hauled (\d+) bales in (\d+) carts, strength (\d+), ([a-z ]+)(?: \((.*)\))?")
_ALGORITHMS = {"take turns": "roundrobin"}
_STATES = {
    "ready": ServerState.SERVING,
    "tired": ServerState.DRAINING,
    "asleep": ServerState.DOWN,
    "at the smith": ServerState.MAINTENANCE,
}


class NotQuirkError(ValueError):
    """What was read is not Quirk's page."""


def counters(step: ReadCounters, text: str, seconds: float) -> Counters:
    """Return what one team of mules hauled."""
    first, *lines = text.splitlines() or [""]
    head = _HEAD.fullmatch(first)
    if not head:
        raise NotQuirkError(f"not Quirk's page: {first[:60]!a}")
    barns: list[tuple[str, str, list[ServerCounters]]] = []
    for line in lines:
        if barn := _BARN.fullmatch(line):
            barns.append((barn[1], barn[2], []))
        elif (mule := _MULE.fullmatch(line)) and barns:
            barns[-1][2].append(_server(mule))
        else:
            raise NotQuirkError(f"not a line of Quirk's page: {line[:60]!a}")
    return Counters(
        at=step.at,
        seconds=seconds,
        balancer=step.balancer,
        uri=step.uri,
        when=step.when,
        product=step.product,
        version=head[1],
        process=head[2],
        uptime_s=int(head[3]),
        backends=tuple(_backend(*barn) for barn in barns),
    )


def _backend(name: str, habit: str, servers: list[ServerCounters]) -> BackendCounters:
    return BackendCounters(
        name=name,
        servers=tuple(servers),
        mode="http",
        algorithm=_ALGORITHMS.get(habit, habit),
        algorithm_told_by=ToldBy.BALANCER,
    )


def _server(mule: re.Match[str]) -> ServerCounters:
    name, bales, carts, strength, status, vet = mule.groups()
    return ServerCounters(
        name=name,
        requests=int(bales),
        connections=int(carts),
        weight=int(strength),
        weight_told_by=ToldBy.BALANCER,
        state=_STATES.get(status, ServerState.OTHER),
        status=status,
        check=vet,
    )
