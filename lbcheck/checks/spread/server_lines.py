"""Several lines of one server in a balancer's configuration are one server: answers name the server, not its line.

A line for each source address is more ports towards one server, and a line for each instance is written from a pattern.
They are one where they connect to the same address and port, or where the user told so by their names.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from ipaddress import ip_address

from lbcheck.model.address import is_address
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters, together

ANY = "*"  # in a name that the user told: any characters


def spelled_out(pairs: Mapping[str, str], readings: Iterable[Counters]) -> dict[str, str]:
    """Return the pairs of names that the user told, with the servers' own names in place of `server-web1-*`.

    A server that fits the patterns of two is neither's.
    """
    told = {name: known for name, known in pairs.items() if ANY not in name}
    patterns = [(_pattern(name), known) for name, known in pairs.items() if ANY in name]
    names = (
        {s.name for reading in readings for backend in reading.backends for s in backend.servers} if patterns else ()
    )
    for name in names:
        fitting = {known for pattern, known in patterns if pattern.fullmatch(name)}
        if len(fitting) == 1:
            told.setdefault(name, fitting.pop())
    return told


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split(ANY))))


def as_one(reading: Counters, pairs: Mapping[str, str], answered: Collection[str]) -> Counters:
    """Return a reading in which the lines of one server are one, unless answers name the lines themselves.

    `pairs`: names that the user told, a server's name at the balancer → its name in answers, or the other way round.
    """
    pairs = {known: name for name, known in pairs.items()} | dict(pairs)
    backends = tuple(_with_servers(backend, pairs, answered) for backend in reading.backends)
    same = all(now is before for now, before in zip(backends, reading.backends, strict=True))
    return reading if same else replace(reading, backends=backends)


def _with_servers(backend: BackendCounters, pairs: Mapping[str, str], answered: Collection[str]) -> BackendCounters:
    if not pairs and _each_alone(backend.servers):
        return backend
    lines: dict[str, list[ServerCounters]] = {}
    owners = _told_at(backend, pairs)
    for server in backend.servers:
        lines.setdefault(_whose(server, owners), []).append(server)
    groups = [part for group in lines.values() for part in ([group] if _one(group, answered) else [[s] for s in group])]
    if len(groups) == len(backend.servers):
        return backend
    alike = len({len(group) for group in groups}) == 1 and all(len({s.weight for s in group}) == 1 for group in groups)
    return replace(backend, servers=tuple(_server(group, pairs, alike=alike) for group in groups))


def _each_alone(servers: Sequence[ServerCounters]) -> bool:
    """Return whether no two lines have an address in common, nor a name: few servers have two lines."""
    addresses = [server.address for server in servers if server.address]
    return len({*addresses}) == len(addresses) and len({server.name for server in servers}) == len(servers)


def _told_at(backend: BackendCounters, pairs: Mapping[str, str]) -> dict[str, str]:
    """Return a server line, by its name or its address → the name of its server, where it or its neighbour is told."""
    by_name = {server.name: pairs[server.name] for server in backend.servers if server.name in pairs}
    at: dict[str, set[str]] = {}
    for server in backend.servers:
        if server.name in by_name:
            at.setdefault(_address(server), set()).add(by_name[server.name])
    return {address: known.pop() for address, known in at.items() if address and len(known) == 1} | by_name


def _whose(server: ServerCounters, owners: Mapping[str, str]) -> str:
    """Return what the lines of one server have in common."""
    address = _address(server)
    if known := owners.get(server.name) or owners.get(address):
        return f"told {known}"
    return f"at {address}" if address else f"called {server.name}"


def _address(server: ServerCounters) -> str:
    """Return where it connects to, with the port; empty where that is not known, as before a name service has told."""
    address = server.address or ""
    host = address.rpartition(":")[0].strip("[]")
    return address if is_address(host) and not ip_address(host).is_unspecified else ""


def _one(group: Collection[ServerCounters], answered: Collection[str]) -> bool:
    return sum(server.name in answered for server in group) < 2


def _server(lines: Sequence[ServerCounters], pairs: Mapping[str, str], *, alike: bool) -> ServerCounters:
    """Return the lines as one server, by the name that is told, or else the first; its weight is theirs together."""
    if len(lines) == 1:
        return lines[0]
    name = next((line.name for line in lines if line.name in pairs), lines[0].name)
    one = replace(reduce(together, lines), name=name)
    if alike:  # the weight of a line is the same ratio
        return one
    return replace(
        one,
        configured_weight=_sum(line.configured_weight for line in lines),
        weight=_sum(line.weight for line in lines),
        effective_weight=_sum(line.effective_weight for line in lines),
    )


def _sum(weights: Iterable[int | None]) -> int | None:
    told = list(weights)
    known = [weight for weight in told if weight is not None]
    return sum(known) if len(known) == len(told) else None
