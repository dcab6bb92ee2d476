"""What one more of each thing gains: the model again, with one more."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from lbcheck.analysis.tuples.path import Subject
from lbcheck.model.address import Family
from lbcheck.model.capacity import BalancerCapacity, ClientCapacity
from lbcheck.model.cluster import Backend, Client, Cluster, Frontend, Server, Vip, capacity_of
from lbcheck.model.opening import BindingMode

IPV6_STEP = 10  # % of the clients: what "one more" of a share is
COPY = "+"  # after the name of what was added beside something like it
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Growth:
    """One thing that can be added; `grow` gives the cluster with one more, None where there is nothing to add it to."""

    words: str
    grow: Callable[[Cluster, Subject], Cluster | None]


@dataclass(frozen=True)
class Gain:
    """How many more connections the path holds with one more."""

    what: str
    words: str
    gained: int


def gains(cluster: Cluster, subject: Subject) -> list[Gain]:
    """Return what one more of each thing gains, the most first."""
    before, found = subject.path(cluster).holds, []
    for what, growth in GROWTHS.items():
        grown = growth.grow(cluster, subject)
        if grown is not None:
            found.append(Gain(what, growth.words, subject.path(grown).holds - before))
    return sorted(found, key=lambda gain: -gain.gained)


def grow(cluster: Cluster, subject: Subject, wanted: Mapping[str, int]) -> Cluster:
    """Return the cluster with so many more of each; what has no place in this path is left out."""
    for what, number in wanted.items():
        once = {"ipv6": number}  # a share grows in one step, by so many per cent
        for _ in range(1 if what in once else number):
            grown = _more_ipv6(cluster, subject, number) if what in once else GROWTHS[what].grow(cluster, subject)
            cluster = cluster if grown is None else grown
    return cluster


def has_a_place(cluster: Cluster, subject: Subject, what: str) -> bool:
    """Return whether there is something in this path that one more can be added to."""
    return GROWTHS[what].grow(cluster, subject) is not None


# --- one more of each ---


def _frontend(cluster: Cluster, subject: Subject) -> Frontend | None:
    """Return the frontend that grows: the path's own; for a NAT, which leads to all, the first."""
    return next((f for f in cluster.frontends if f.name == subject.frontend or not subject.frontend), None)


def _swap(things: Sequence[Thing], old: Thing, *new: Thing) -> tuple[Thing, ...]:
    return tuple(other for thing in things for other in (new if thing is old else (thing,)))


def _after(address: str, beside: Sequence[str]) -> str:
    """Return the next address that is not there yet."""
    following = ipaddress.ip_address(address) + 1
    return str(following) if str(following) not in beside else _after(str(following), beside)


def _backend(cluster: Cluster, subject: Subject) -> Backend | None:
    frontend = _frontend(cluster, subject)
    return cluster.balanced(frontend) if frontend and subject.frontend else None


def _one_server(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a server like the last one."""
    backend = _backend(cluster, subject)
    if not backend:
        return None
    server = replace(backend.servers[-1], name=f"{backend.servers[-1].name}{COPY}")
    grown = replace(backend, servers=(*backend.servers, server))
    return replace(cluster, backends=_swap(cluster.backends, backend, grown))


def _one_server_port(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Let a server listen on one more port: the one that fills first."""
    backend = _backend(cluster, subject)
    if not backend:
        return None
    server = max(backend.servers, key=_first_to_fill)
    capacity = capacity_of(server)
    more = replace(server, holds=replace(capacity, ports=(*capacity.ports, _free_port(capacity.ports))))
    grown = replace(backend, servers=_swap(backend.servers, server, more))
    return replace(cluster, backends=_swap(cluster.backends, backend, grown))


def _first_to_fill(server: Server) -> tuple[int, int]:
    return server.weight, -len(capacity_of(server).ports)


def _free_port(ports: Sequence[int]) -> int:
    candidates = chain(range(max(ports) + 1, 65536), range(65535, 0, -1))
    return next(port for port in candidates if port not in ports)


def _one_balancer(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a balancer like the last one, with a VIP at home on it, where the others have theirs."""
    if not (cluster.balancers and subject.frontend):
        return None
    last = cluster.balancers[-1]
    grown = replace(cluster, balancers=(*cluster.balancers, replace(last, name=f"{last.name}{COPY}")))
    if not any(vip.home for vip in cluster.vips):
        return grown
    return _with_vip(grown, subject, f"{last.name}{COPY}")


def _one_source(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Give the balancer with the fewest sources one more; towards each server that is one more server line.

    A source has to be named, and then HAProxy binds to it with IP_BIND_ADDRESS_NO_PORT.
    """
    if not (cluster.serving() and subject.frontend):
        return None
    balancer = min(cluster.serving(), key=lambda balancer: len(capacity_of(balancer).sources))
    backend = _backend(cluster, subject)
    version = capacity_of(backend.servers[0]).family if backend and backend.servers else 4
    more = replace(balancer, holds=_with_source(capacity_of(balancer), version))
    return replace(cluster, balancers=_swap(cluster.balancers, balancer, more))


def _with_source(capacity: BalancerCapacity, version: Family) -> BalancerCapacity:
    sources = capacity.sources or ("2001:db8::1" if version == 6 else "192.0.2.1",)  # RFC 3849, RFC 5737: stand-ins
    own = next((source for source in sources if (":" in source) == (version == 6)), sources[-1])
    opening = capacity.opening
    if opening.binding is BindingMode.NONE:
        opening = replace(opening, binding=BindingMode.NO_PORT)
    return replace(capacity, sources=(*sources, _after(own, sources)), opening=opening)


def _one_vip(cluster: Cluster, subject: Subject) -> Cluster | None:
    return _with_vip(cluster, subject, cluster.vips[0].home) if cluster.vips else None


def _with_vip(cluster: Cluster, subject: Subject, home: str) -> Cluster:
    """Add a VIP of IPv4 (of IPv6 where there is no other), for the path's frontend too if it lists its addresses."""
    known = [vip.address for vip in cluster.vips]
    last = next((address for address in reversed(known) if ":" not in address), known[-1])
    vip = Vip(_after(last, known), home)
    frontend = _frontend(cluster, subject)
    frontends = cluster.frontends
    if frontend and frontend.addresses:
        frontends = _swap(frontends, frontend, replace(frontend, addresses=(*frontend.addresses, vip.address)))
    return replace(cluster, vips=(*cluster.vips, vip), frontends=frontends)


def _one_frontend_port(cluster: Cluster, subject: Subject) -> Cluster | None:
    frontend = _frontend(cluster, subject)
    if not frontend:
        return None
    capacity = capacity_of(frontend)
    more = replace(frontend, holds=replace(capacity, ports=(*capacity.ports, _free_port(capacity.ports))))
    return replace(cluster, frontends=_swap(cluster.frontends, frontend, more))


def _one_client_address(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Give a host one more address of IPv4: the first behind the NAT, or the first behind none."""
    mine = cluster.behind.get(subject.nat) or (cluster.clients if not subject.nat else ())
    client: Client | None = next((client for client in mine if client.hosts == 1 and client.addresses), None)
    if not client:
        return None
    last = next((address for address in reversed(client.addresses) if ":" not in address), client.addresses[-1])
    more = replace(client, addresses=(*client.addresses, _after(last, client.addresses)))
    return replace(cluster, clients=_swap(cluster.clients, client, more))


def _one_nat_address(cluster: Cluster, subject: Subject) -> Cluster | None:
    gateway = next(iter(subject.gateways(cluster)), None)
    if not gateway or len(gateway.addresses) == capacity_of(gateway).most_addresses:
        return None
    more = replace(gateway, addresses=(*gateway.addresses, _after(gateway.addresses[-1], gateway.addresses)))
    return replace(cluster, nat_gateways=_swap(cluster.nat_gateways, gateway, more))


def _one_nat(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a NAT like this one, and deal its subscribers out to both."""
    gateways = subject.gateways(cluster)
    if not gateways:
        return None
    first = gateways[0]
    names = [gateway.name for gateway in gateways] + [_free_name(cluster, gateways[-1].name)]
    addresses = [address for gateway in cluster.nat_gateways for address in gateway.addresses]
    for _ in first.addresses:
        addresses.append(_after(addresses[-1], addresses))
    own = tuple(addresses[-len(first.addresses) :])
    other = replace(first, name=names[-1], addresses=own, shares_with=first.name)
    clients = tuple(_dealt_out(cluster.clients, names))
    return replace(cluster, nat_gateways=(*cluster.nat_gateways, other), clients=clients)


def _free_name(cluster: Cluster, name: str) -> str:
    """Return the name with as many COPY after it as make it another NAT's than those that are there."""
    copied = name + COPY
    return _free_name(cluster, copied) if copied in {gateway.name for gateway in cluster.nat_gateways} else copied


def _dealt_out(clients: Sequence[Client], names: Sequence[str]) -> Iterator[Client]:
    """Give each subscriber the next NAT; hosts that are known by their number only are divided."""
    count = 0
    for client in clients:
        if client.behind not in names:
            yield client
        elif client.hosts == 1:
            yield replace(client, behind=names[count % len(names)])
            count += 1
        else:
            for number, name in enumerate(names):
                hosts = client.hosts // len(names) + (number < client.hosts % len(names))
                yield replace(client, name=client.name + COPY * number, behind=name, hosts=hosts)


def _more_ipv6(cluster: Cluster, subject: Subject, percent: int = IPV6_STEP) -> Cluster | None:
    """Move a part of the clients' connections to IPv6, where the service has it."""
    frontends = [f for f in cluster.frontends if f.name == subject.frontend or not subject.frontend]
    if not cluster.clients or not any(cluster.addresses(frontend, 6) for frontend in frontends):
        return None
    known = {id(client.holds): capacity_of(client) for client in cluster.clients}  # hosts alike go on sharing one
    more = {key: _with_ipv6(capacity, percent) for key, capacity in known.items()}
    return replace(cluster, clients=tuple(replace(c, holds=more[id(c.holds)]) for c in cluster.clients))


def _with_ipv6(capacity: ClientCapacity, percent: int) -> ClientCapacity:
    return replace(capacity, ipv6_share=min(1.0, round(capacity.ipv6_share + percent / 100, 6)))


GROWTHS: Mapping[str, Growth] = {
    "backend": Growth("one backend server", _one_server),
    "server-port": Growth("one server port", _one_server_port),
    "balancer": Growth("one balancer", _one_balancer),
    "balancer-source": Growth("one balancer source address", _one_source),
    "vip": Growth("one VIP", _one_vip),
    "frontend-port": Growth("one frontend port", _one_frontend_port),
    "client": Growth("one client address", _one_client_address),
    "nat-address": Growth("one NAT address", _one_nat_address),
    "nat": Growth("one NAT", _one_nat),
    "ipv6": Growth("10 % of the clients on IPv6", _more_ipv6),
}
