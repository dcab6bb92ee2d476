"""Who is who: what a balancer, the answers and the user call the same server.

A pair of names is known if somebody told it, if the names are equal, or if the answers name a server by what the
balancer or its configuration tells of it: BACKEND/SERVER, the value of its cookie, its address, the name of its host.
What is left is matched by counts (backends.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from lbcheck.model.address import host_of
from lbcheck.model.cluster import Server
from lbcheck.model.counters import BackendCounters


@dataclass(frozen=True)
class Told:
    """What was told of names.

    `pairs`: a server's name at the balancer → its name in answers, or the other way round. `servers`: those that the
    user or an inventory listed. `identify`: where an answer names its server: header:NAME, cookie:NAME or body:REGEX.
    """

    pairs: Mapping[str, str] = field(default_factory=dict)
    servers: tuple[Server, ...] = ()
    identify: str = ""


def in_answers(backend: BackendCounters, answered: Collection[str], told: Told) -> dict[str, str]:
    """Return a server's name at the balancer → its name in answers, for each server for which it is certain."""
    names = {server.name for server in backend.servers}
    return _paired(_aliases(backend, told), {*answered}, of_pairs(told.pairs, names, answered))


def of_given(backend: BackendCounters, told: Told) -> dict[str, str]:
    """Return a server's name at the balancer → the name by which the user listed it, where that is certain."""
    names, given = {server.name for server in backend.servers}, {server.name for server in told.servers}
    ways = ({server.name: server.name for server in backend.servers}, *_as_configured(backend), _by_host(backend, told))
    pairs = {name: pair for name, pair in of_pairs(told.pairs, names, given).items() if pair in given}
    return _paired(ways, given, pairs)


def of_pairs(pairs: Mapping[str, str], names: Collection[str], others: Collection[str]) -> dict[str, str]:
    """Return those pairs of which one is in `names`, under that name; it is mostly the first."""
    found = {}
    for one, other in pairs.items():
        if one in names and (other in others or other not in names):
            found[one] = other
        elif other in names:
            found[other] = one
    return found


def two_ways(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Return two ways to pair names in answers with others, for a sentence: the first of those that differ."""
    differing = [name for name in one if other.get(name) != one[name]]
    first, second = (", ".join(f"{way[name]}={name}" for name in differing[:3]) for way in (one, other))
    return f"{first} or {second}; --names would tell"


def _aliases(backend: BackendCounters, told: Told) -> Iterator[Mapping[str, str]]:
    """Give, for each way in which answers may name a server, its name at the balancer → what they would say."""
    yield {server.name: server.name for server in backend.servers}
    yield {server.name: f"{backend.name}/{server.name}" for server in backend.servers}
    if told.identify.startswith("cookie:"):
        yield {server.name: server.cookie for server in backend.servers if server.cookie}
    yield {server.name: server.address for server in backend.servers if server.address}
    yield {server.name: host_of(server.address) for server in backend.servers if server.address}
    yield from _as_configured(backend)
    yield _by_host(backend, told)


def _as_configured(backend: BackendCounters) -> Iterator[Mapping[str, str]]:
    """Give each server's address as the configuration writes it, with its port and without."""
    found = {server.name: server.configured_address for server in backend.servers if server.configured_address}
    yield found
    yield {name: host_of(address) for name, address in found.items()}


def _by_host(backend: BackendCounters, told: Told) -> Mapping[str, str]:
    """Return a server's name at the balancer → the listed server with the address to which the balancer connects."""
    owners: dict[str, list[str]] = {}
    for listed in told.servers:
        for address in listed.addresses:
            owners.setdefault(address, []).append(listed.name)
    hosts = {server.name: host_of(server.address) for server in backend.servers if server.address}
    return {name: owners[host][0] for name, host in hosts.items() if len(owners.get(host, ())) == 1}


def _paired(ways: Iterable[Mapping[str, str]], wanted: Set[str], found: Mapping[str, str]) -> dict[str, str]:
    """Return `found` with each further pair that one of the ways gives, if no second server has the same alias."""
    pairs = dict(found)
    for way in ways:
        taken = set(pairs.values())
        if wanted <= taken:
            break  # mostly by the first way: answers name a server as the balancer does
        number = Counter(way.values())
        pairs |= {
            name: alias
            for name, alias in way.items()
            if alias in wanted and number[alias] == 1 and name not in pairs and alias not in taken
        }
    return pairs
