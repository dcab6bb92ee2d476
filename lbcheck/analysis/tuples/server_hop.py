"""The hops behind the VIPs: what each balancer holds, and what it can open towards servers that share by weight."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lbcheck.analysis.tuples import binding, dealing
from lbcheck.analysis.tuples.hops import FAMILIES, SOURCE_PORTS, Endpoints, Hop, Lane, Parts, Product, hop
from lbcheck.model.address import Family
from lbcheck.model.capacity import BalancerCapacity, ServerCapacity
from lbcheck.model.cluster import Backend, Balancer, Cluster, Frontend, Server, capacity_of
from lbcheck.model.opening import HostLimits, Opening

BALANCER_NAME, NAME = "balancer", "balancer → server"
PROXIED = 2  # sockets, file descriptors and conntrack entries of a connection through a balancer: one at each side


def _host_limits(limits: HostLimits, sockets: int, socket_bytes: int, processes: int = 1) -> Iterator[tuple[str, int]]:
    """Give what a host allows, where it is known, if each connection takes so many sockets there."""
    if limits.file_descriptors is not None:
        yield "file descriptors", limits.file_descriptors * processes // sockets
    if limits.conntrack_max is not None:
        yield "nf_conntrack_max", limits.conntrack_max // sockets
    if limits.memory_bytes is not None:
        yield "memory", limits.memory_bytes // (sockets * socket_bytes)


def _towards(balancer: BalancerCapacity, endpoints: Endpoints) -> int:
    """Return how many connections one balancer can open to server endpoints, from all its sources."""
    ports, mode = binding.usable_ports(balancer.opening), balancer.opening.binding
    return sum(binding.tuples(mode, ports, balancer.source_count(v), endpoints[v]) for v in FAMILIES)


def reach(balancer: Balancer, server: Server) -> int:
    """Return how many connections one balancer can open to one server."""
    end = capacity_of(server)
    return _towards(capacity_of(balancer), {v: len(end.ports) if end.family == v else 0 for v in FAMILIES})


def _endpoints(servers: Sequence[Server]) -> Endpoints:
    ends = [capacity_of(server) for server in servers if server.weight]
    return {version: sum(len(end.ports) for end in ends if end.family == version) for version in FAMILIES}


def balancers(cluster: Cluster, frontend: Frontend, backend: Backend) -> Hop:
    """Return what the balancers hold: their own limits, and what each can open towards all servers."""
    endpoints, maxconn = _endpoints(backend.servers), capacity_of(frontend).maxconn
    parts = Parts()
    for balancer in map(capacity_of, cluster.serving()):
        own = {SOURCE_PORTS: _towards(balancer, endpoints)}
        own |= _host_limits(balancer.limits, PROXIED, cluster.socket_bytes)
        maxconns = {"HAProxy maxconn (global)": balancer.maxconn, "HAProxy maxconn (frontend)": maxconn}
        parts.lanes.append(own | {name: value for name, value in maxconns.items() if value is not None})
    return hop(BALANCER_NAME, parts)


def servers(cluster: Cluster, backend: Backend) -> Hop:
    """Return what the servers hold, and what the balancers can open to them, dealt out by weight."""
    parts, weights = _products(cluster.serving(), _endpoints(backend.servers)), _weights(backend)
    parts.lanes = _lanes(cluster, backend)

    def dealt_out(capacities: Sequence[int]) -> int:
        return dealing.spread(capacities, weights, redispatch=backend.redispatch)

    return hop(NAME, parts, combine=dealt_out)


@dataclass(frozen=True)
class FullFirst:
    """The server that reaches its limit before the others, where without redispatch they cannot be filled."""

    server: str
    weight: int  # on all its server lines
    of_weights: int  # of all servers together
    limit: int
    together: int  # connections that all servers hold when it is full
    redispatched: int  # that they would hold with option redispatch


def full_first(cluster: Cluster, backend: Backend) -> FullFirst | None:
    """Return the server that is full first; None where redispatch changes nothing."""
    capacities, weights = [min(lane.values()) for lane in _lanes(cluster, backend)], _weights(backend)
    first = dealing.first_to_fill(capacities, weights)
    together = dealing.spread(capacities, weights, redispatch=False)
    redispatched = dealing.spread(capacities, weights, redispatch=True)
    if backend.redispatch or first is None or together == redispatched:
        return None
    server = backend.servers[first].name
    return FullFirst(server, weights[first], sum(weights), capacities[first], together, redispatched)


def _weights(backend: Backend) -> list[int]:
    """Return each server's weight on all its server lines: a port is a line of its own, with the weight again."""
    return [server.weight * len(capacity_of(server).ports) for server in backend.servers]


def _lanes(cluster: Cluster, backend: Backend) -> list[Lane]:
    serving = [capacity_of(balancer) for balancer in cluster.serving()]
    reached: dict[tuple[Family, int], int] = {}  # servers alike are reached alike: a look-up, however many there are
    lanes: list[Lane] = []
    for server in map(capacity_of, backend.servers):
        shape = (server.family, len(server.ports))
        if shape not in reached:
            endpoints: Endpoints = {version: shape[1] if version == shape[0] else 0 for version in FAMILIES}
            reached[shape] = sum(_towards(balancer, endpoints) for balancer in serving)
        limits = _server_limits(server, len(serving), cluster.socket_bytes)
        lanes.append({SOURCE_PORTS: reached[shape], **limits})
    return lanes


def _server_limits(server: ServerCapacity, processes: int, socket_bytes: int) -> Mapping[str, int]:
    """Return a server's own limits, where they are known; `processes` are the HAProxy processes that serve it."""
    found = dict(_host_limits(server.limits, 1, socket_bytes, server.worker_processes or 1))
    if server.maxconn is not None:
        found["HAProxy maxconn (server)"] = server.maxconn * processes
    if server.worker_connections is not None and server.worker_processes is not None:
        found["nginx worker_connections"] = server.worker_connections * server.worker_processes
    if server.queue is not None:
        # The kernel takes one more than the backlog (sk_acceptq_is_full; measured: 6 of a backlog of 5).
        found["somaxconn"] = (server.queue + 1) * len(server.ports)
    return found


def _products(serving: Sequence[Balancer], endpoints: Endpoints) -> Parts:
    """Return what the balancers open towards the servers, those alike together, and how fast."""
    alike: dict[tuple[Opening, Family, int], list[str]] = {}
    for balancer in serving:
        capacity = capacity_of(balancer)
        for version in (version for version in FAMILIES if endpoints[version]):
            key = (capacity.opening, version, capacity.source_count(version))
            alike.setdefault(key, []).append(balancer.name)
    parts = Parts()
    for (opening, version, own), who in alike.items():
        hosts = len(who)
        ports, law = binding.usable_ports(opening), binding.LAWS[opening.binding]
        count = binding.tuples(opening.binding, ports, own, endpoints[version]) * hosts
        sources = hosts * (own if law.every_source else min(own, 1))
        product = (sources, endpoints[version], ports, count)
        parts.products.append(Product(NAME, version, opening.binding, *product, law.refusal, who=tuple(who)))
        parts.rates.append(binding.connections_a_second(count, opening))
    return parts
