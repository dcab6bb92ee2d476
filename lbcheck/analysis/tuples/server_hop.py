"""The hops behind the VIPs: what each balancer holds, and what it can open to the servers of a backend."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lbcheck.analysis.tuples import binding, dealing
from lbcheck.analysis.tuples.hops import SOURCE_PORTS, Endpoints, Hop, Lane, Parts, TupleProduct, hop
from lbcheck.model.address import FAMILIES, Family
from lbcheck.model.capacity import BalancerCapacity, ServerCapacity
from lbcheck.model.cluster import Backend, Balancer, Cluster, Frontend, Server, capacity_of
from lbcheck.model.opening import HostLimits, Opening

BALANCER_NAME, NAME = "balancer", "balancer → server"
PROXIED = 2  # sockets, file descriptors and conntrack entries of a connection through a balancer: one at each side


def _host_limits(limits: HostLimits, sockets: int, socket_bytes: int, processes: int = 1) -> Iterator[tuple[str, int]]:
    """Give each known limit of a host as (limit, connections), where a connection takes `sockets` sockets."""
    if limits.file_descriptors is not None:
        yield "file descriptors", limits.file_descriptors * processes // sockets
    if limits.conntrack_max is not None:
        yield "nf_conntrack_max", limits.conntrack_max // sockets
    if limits.memory_bytes is not None:
        yield "memory", limits.memory_bytes // (sockets * socket_bytes)


def _towards(balancer: BalancerCapacity, endpoints: Endpoints) -> int:
    """Return how many connections one balancer can open to server endpoints, from all its sources."""
    ports = binding.usable_ports(balancer.opening)
    count = 0
    for family in FAMILIES:
        sources = balancer.source_count(family)
        count += binding.tuples(balancer.opening.binding, ports, sources, endpoints[family])
    return count


def reach(balancer: Balancer, server: Server) -> int:
    """Return how many connections one balancer can open to one server."""
    capacity = capacity_of(server)
    return _towards(capacity_of(balancer), _only(capacity.family, len(capacity.ports)))


def _only(family: Family, count: int) -> Endpoints:
    """Return so many endpoints of one family, and none of the other."""
    none: dict[Family, int] = dict.fromkeys(FAMILIES, 0)
    return none | {family: count}


def _endpoints(servers: Sequence[Server]) -> Endpoints:
    """Return the endpoints of all servers that are given connections."""
    count: dict[Family, int] = dict.fromkeys(FAMILIES, 0)
    for server in servers:
        if server.weight:
            capacity = capacity_of(server)
            count[capacity.family] += len(capacity.ports)
    return count


def balancers(cluster: Cluster, frontend: Frontend, backend: Backend) -> Hop:
    """Return the hop of the balancers: the limits of each, and what it can open to all servers."""
    endpoints = _endpoints(backend.servers)
    frontend_maxconn = capacity_of(frontend).maxconn
    parts = Parts()
    for balancer in map(capacity_of, cluster.serving()):
        lane = {SOURCE_PORTS: _towards(balancer, endpoints)}
        lane.update(_host_limits(balancer.limits, PROXIED, cluster.socket_bytes))
        if balancer.maxconn is not None:
            lane["HAProxy maxconn (global)"] = balancer.maxconn
        if frontend_maxconn is not None:
            lane["HAProxy maxconn (frontend)"] = frontend_maxconn
        parts.lanes.append(lane)
    return hop(BALANCER_NAME, parts)


def servers(cluster: Cluster, backend: Backend) -> Hop:
    """Return the hop of the servers: the limits of each, and what the balancers can open to it, by weight."""
    parts = _products(cluster.serving(), _endpoints(backend.servers))
    parts.lanes = _lanes(cluster, backend)
    weights = _weights(backend)

    def dealt_out(capacities: Sequence[int]) -> int:
        return dealing.spread(capacities, weights, redispatch=backend.redispatch)

    return hop(NAME, parts, combine=dealt_out)


def admitted(cluster: Cluster, backend: Backend, wanted: Family) -> int:
    """Return how many connections the servers of one family hold if each gets as many as it can.

    A server holds no more than its own limits, and no more than the balancers can open to it.
    """
    capacities = zip(backend.servers, _lanes(cluster, backend), strict=True)
    mine = [lane for server, lane in capacities if server.weight and capacity_of(server).family == wanted]
    return sum(min(lane.values()) for lane in mine)


@dataclass(frozen=True)
class FullFirst:
    """The server that reaches its limit first. Without redispatch, the other servers cannot be filled after that."""

    server: str
    weight: int  # on all its server lines
    of_weights: int  # of all servers together
    limit: int
    together: int  # connections that all servers hold when this one is full
    redispatched: int  # connections that they would hold with option redispatch


def full_first(cluster: Cluster, backend: Backend) -> FullFirst | None:
    """Return the server that is full first; None where redispatch changes nothing."""
    capacities = [min(lane.values()) for lane in _lanes(cluster, backend)]
    weights = _weights(backend)
    first = dealing.first_to_fill(capacities, weights)
    together = dealing.spread(capacities, weights, redispatch=False)
    redispatched = dealing.spread(capacities, weights, redispatch=True)
    if backend.redispatch or first is None or together == redispatched:
        return None
    server = backend.servers[first].name
    return FullFirst(server, weights[first], sum(weights), capacities[first], together, redispatched)


def _weights(backend: Backend) -> list[int]:
    """Return each server's weight. A server with several ports has a server line for each, each with its weight."""
    return [server.weight * len(capacity_of(server).ports) for server in backend.servers]


def _lanes(cluster: Cluster, backend: Backend) -> list[Lane]:
    """Return the limits of each server of a backend."""
    serving = [capacity_of(balancer) for balancer in cluster.serving()]
    # (family, ports) → connections that all balancers can open to such a server: most servers are equal in both.
    reached: dict[tuple[Family, int], int] = {}
    lanes: list[Lane] = []
    for server in map(capacity_of, backend.servers):
        shape = (server.family, len(server.ports))
        if shape not in reached:
            endpoints = _only(*shape)
            reached[shape] = sum(_towards(balancer, endpoints) for balancer in serving)
        limits = _server_limits(server, len(serving), cluster.socket_bytes)
        lanes.append({SOURCE_PORTS: reached[shape], **limits})
    return lanes


def _server_limits(server: ServerCapacity, processes: int, socket_bytes: int) -> Mapping[str, int]:
    """Return the known limits of one server; `processes` is how many HAProxy processes connect to it."""
    limits = dict(_host_limits(server.limits, 1, socket_bytes, server.worker_processes or 1))
    if server.maxconn is not None:
        limits["HAProxy maxconn (server)"] = server.maxconn * processes
    if server.worker_connections is not None and server.worker_processes is not None:
        limits["nginx worker_connections"] = server.worker_connections * server.worker_processes
    if server.queue is not None:
        # The kernel takes one more than the backlog (sk_acceptq_is_full; measured: 6 of a backlog of 5).
        limits["somaxconn"] = (server.queue + 1) * len(server.ports)
    return limits


@dataclass(frozen=True)
class _BalancerKind:
    """What decides how many connections a balancer can open to endpoints of one family."""

    opening: Opening
    family: Family
    sources: int


def _products(serving: Sequence[Balancer], endpoints: Endpoints) -> Parts:
    """Return what the balancers can open to the servers, and how fast: a product for each kind of balancer."""
    by_kind: dict[_BalancerKind, list[str]] = {}
    for balancer in serving:
        capacity = capacity_of(balancer)
        for family in FAMILIES:
            if endpoints[family]:
                kind = _BalancerKind(capacity.opening, family, capacity.source_count(family))
                by_kind.setdefault(kind, []).append(balancer.name)
    parts = Parts()
    for kind, names in by_kind.items():
        product = _product(kind, names, endpoints[kind.family])
        parts.products.append(product)
        parts.rates.append(binding.connections_a_second(product.predicted, kind.opening))
    return parts


def _product(kind: _BalancerKind, names: Sequence[str], endpoints: int) -> TupleProduct:
    law = binding.LAWS[kind.opening.binding]
    ports = binding.usable_ports(kind.opening)
    of_one_balancer = binding.tuples(kind.opening.binding, ports, kind.sources, endpoints)
    sources = kind.sources if law.every_source else min(kind.sources, 1)
    return TupleProduct(
        hop=NAME,
        family=kind.family,
        binding=kind.opening.binding,
        sources=sources * len(names),
        endpoints=endpoints,
        ports=ports,
        predicted=of_one_balancer * len(names),
        refusal=law.refusal,
        who=tuple(names),
    )
