"""The cluster with one more of a thing, for one path through it.

Each function returns None where the path has nothing to add it to.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TypeVar

from lbcheck.analysis.tuples.dealing import evenly
from lbcheck.analysis.tuples.path import Subject, with_client_capacity
from lbcheck.model.address import Family, of_family
from lbcheck.model.capacity import BalancerCapacity, ClientCapacity
from lbcheck.model.cluster import Backend, Client, Cluster, Frontend, Server, Vip, capacity_of
from lbcheck.model.opening import BindingMode

COPY = "+"  # ends the name of a thing that was added like one that was there
# Source addresses for a balancer that names none (RFC 5737, RFC 3849).
STAND_INS: Mapping[Family, str] = {4: "192.0.2.1", 6: "2001:db8::1"}
Thing = TypeVar("Thing")


def _frontend(cluster: Cluster, subject: Subject) -> Frontend | None:
    """Return the frontend that grows: the path's own. A NAT's path leads to all frontends, and the first grows."""
    return next(iter(_frontends(cluster, subject)), None)


def _frontends(cluster: Cluster, subject: Subject) -> list[Frontend]:
    """Return the frontends that a path leads to."""
    return [frontend for frontend in cluster.frontends if subject.frontend in ("", frontend.name)]


def _backend(cluster: Cluster, subject: Subject) -> Backend | None:
    """Return the backend behind the path's frontend; None for a NAT, or where it is not known."""
    if not subject.frontend:
        return None
    frontend = _frontend(cluster, subject)
    if not frontend:
        return None
    return cluster.balanced(frontend)


def _swap(things: Sequence[Thing], old: Thing, new: Thing) -> tuple[Thing, ...]:
    return tuple(new if thing is old else thing for thing in things)


def _next_free(address: str, taken: Sequence[str]) -> str:
    """Return the next address after `address` that is not taken; after the last of all comes the first."""
    known = ipaddress.ip_address(address)
    others, first = set(taken), type(known)(0)
    while str(known) in others or str(known) == address:
        known = first if int(known) + 1 == 1 << known.max_prefixlen else known + 1
    return str(known)


def _last_ipv4(addresses: Sequence[str]) -> str:
    """Return the last IPv4 address; where there is none, the last address."""
    return (of_family(addresses, 4) or tuple(addresses))[-1]


def one_server(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a server like the last one."""
    backend = _backend(cluster, subject)
    if not backend:
        return None
    last = backend.servers[-1]
    server = replace(last, name=f"{last.name}{COPY}")
    grown = replace(backend, servers=(*backend.servers, server))
    return replace(cluster, backends=_swap(cluster.backends, backend, grown))


def one_server_port(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Let the server that fills first listen on one more port."""
    backend = _backend(cluster, subject)
    if not backend:
        return None
    server = max(backend.servers, key=_first_to_fill)
    capacity = capacity_of(server)
    port = _free_port(capacity.ports)
    if not port:
        return None
    with_port = replace(server, holds=replace(capacity, ports=(*capacity.ports, port)))
    grown = replace(backend, servers=_swap(backend.servers, server, with_port))
    return replace(cluster, backends=_swap(cluster.backends, backend, grown))


def _first_to_fill(server: Server) -> tuple[int, int]:
    return server.weight, -len(capacity_of(server).ports)


def _free_port(ports: Sequence[int]) -> int | None:
    """Return the port after the highest, or else the highest that is not taken; None where all are."""
    taken, candidates = set(ports), chain(range(max(ports) + 1, 65536), range(65535, 0, -1))
    return next((port for port in candidates if port not in taken), None)


def one_balancer(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a balancer like the last one; where VIPs have a home, with a VIP of its own."""
    if not (cluster.balancers and subject.frontend):
        return None
    last = cluster.balancers[-1]
    balancer = replace(last, name=f"{last.name}{COPY}")
    grown = replace(cluster, balancers=(*cluster.balancers, balancer))
    if not any(vip.home for vip in cluster.vips):
        return grown
    return _with_vip(grown, subject, balancer.name)


def one_source(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Give the balancer with the fewest source addresses one more, and so one more server line for each server."""
    if not (cluster.serving() and subject.frontend):
        return None
    balancer = min(cluster.serving(), key=lambda balancer: len(capacity_of(balancer).sources))
    backend = _backend(cluster, subject)
    family: Family = 4
    if backend and backend.servers:
        family = capacity_of(backend.servers[0]).family
    with_source = replace(balancer, holds=_with_source(capacity_of(balancer), family))
    return replace(cluster, balancers=_swap(cluster.balancers, balancer, with_source))


def _with_source(capacity: BalancerCapacity, family: Family) -> BalancerCapacity:
    """Return the capacity with one more source address, next to the first of its family."""
    sources = capacity.sources or (STAND_INS[family],)
    neighbour = next(iter(of_family(sources, family)), sources[-1])
    opening = capacity.opening
    if opening.binding is BindingMode.NONE:
        # The configuration has to name a further source, and HAProxy binds to that with IP_BIND_ADDRESS_NO_PORT.
        opening = replace(opening, binding=BindingMode.NO_PORT)
    return replace(capacity, sources=(*sources, _next_free(neighbour, sources)), opening=opening)


def one_vip(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a VIP with the home of the first one."""
    if not cluster.vips:
        return None
    return _with_vip(cluster, subject, cluster.vips[0].home)


def _with_vip(cluster: Cluster, subject: Subject, home: str) -> Cluster:
    """Add an IPv4 VIP (an IPv6 one where all others are). A frontend that lists its addresses gets it too."""
    addresses = [vip.address for vip in cluster.vips]
    vip = Vip(_next_free(_last_ipv4(addresses), addresses), home)
    frontend = _frontend(cluster, subject)
    frontends = cluster.frontends
    if frontend and frontend.addresses:
        with_vip = replace(frontend, addresses=(*frontend.addresses, vip.address))
        frontends = _swap(frontends, frontend, with_vip)
    return replace(cluster, vips=(*cluster.vips, vip), frontends=frontends)


def one_frontend_port(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Let the path's frontend listen on one more port."""
    frontend = _frontend(cluster, subject)
    if not frontend:
        return None
    capacity = capacity_of(frontend)
    port = _free_port(capacity.ports)
    if not port:
        return None
    with_port = replace(frontend, holds=replace(capacity, ports=(*capacity.ports, port)))
    return replace(cluster, frontends=_swap(cluster.frontends, frontend, with_port))


def one_client_address(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Give the first client whose addresses are known one more IPv4 address; for a NAT, its first such subscriber."""
    client = next((client for client in _own_clients(cluster, subject) if client.hosts == 1 and client.addresses), None)
    if not client:
        return None
    address = _next_free(_last_ipv4(client.addresses), client.addresses)
    with_address = replace(client, addresses=(*client.addresses, address))
    return replace(cluster, clients=_swap(cluster.clients, client, with_address))


def _own_clients(cluster: Cluster, subject: Subject) -> Sequence[Client]:
    """Return a NAT's subscribers; for a frontend the clients behind no NAT, or all where each is behind one."""
    if subject.nat:
        return cluster.behind.get(subject.nat, ())
    return cluster.behind.get("") or cluster.clients


def one_nat_address(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Give the NAT one more outside address, if it can have more."""
    gateway = next(iter(subject.gateways(cluster)), None)
    if not gateway or len(gateway.addresses) == capacity_of(gateway).most_addresses:
        return None
    address = _next_free(gateway.addresses[-1], gateway.addresses)
    with_address = replace(gateway, addresses=(*gateway.addresses, address))
    return replace(cluster, nat_gateways=_swap(cluster.nat_gateways, gateway, with_address))


def one_nat(cluster: Cluster, subject: Subject) -> Cluster | None:
    """Add a NAT like the path's, and deal the subscribers out to both."""
    gateways = subject.gateways(cluster)
    if not gateways:
        return None
    first = gateways[0]
    taken = [address for gateway in cluster.nat_gateways for address in gateway.addresses]
    addresses: list[str] = []
    for _ in first.addresses:
        addresses.append(_next_free((taken + addresses)[-1], taken + addresses))
    other = replace(
        first,
        name=_free_name(cluster, gateways[-1].name),
        addresses=tuple(addresses),
        shares_with=first.name,
    )
    names = [gateway.name for gateway in (*gateways, other)]
    clients = tuple(_dealt_out(cluster.clients, names))
    return replace(cluster, nat_gateways=(*cluster.nat_gateways, other), clients=clients)


def _free_name(cluster: Cluster, name: str) -> str:
    """Return the name with as many COPY at its end as make it no other NAT's name."""
    taken = {gateway.name for gateway in cluster.nat_gateways}
    copied = name + COPY
    while copied in taken:
        copied += COPY
    return copied


def _dealt_out(clients: Sequence[Client], nats: Sequence[str]) -> list[Client]:
    """Return the clients with each subscriber of these NATs behind the next of them, in turns."""
    dealt: list[Client] = []
    turn = 0
    for client in clients:
        if client.behind not in nats:
            dealt.append(client)
        elif client.hosts == 1:
            dealt.append(replace(client, behind=nats[turn % len(nats)]))
            turn += 1
        else:
            dealt += _divided(client, nats)
    return dealt


def _divided(client: Client, nats: Sequence[str]) -> list[Client]:
    """Return hosts that are known by their number only as several clients, one behind each NAT."""
    return [
        replace(client, name=client.name + COPY * index, behind=nat, hosts=hosts)
        for index, (nat, hosts) in enumerate(zip(nats, evenly(client.hosts, len(nats)), strict=True))
    ]


def more_ipv6(cluster: Cluster, subject: Subject, percent: int) -> Cluster | None:
    """Move so many per cent of the clients' connections to IPv6; None where the path has no IPv6 address."""
    if not cluster.clients or not any(cluster.addresses(frontend, 6) for frontend in _frontends(cluster, subject)):
        return None
    clients = with_client_capacity(cluster.clients, partial(_with_ipv6, percent=percent))
    return replace(cluster, clients=clients)


def _with_ipv6(capacity: ClientCapacity, percent: int) -> ClientCapacity:
    share = round(capacity.ipv6_share + percent / 100, 6)
    return replace(capacity, ipv6_share=min(1.0, share))
