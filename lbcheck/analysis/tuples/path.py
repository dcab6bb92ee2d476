"""How many connections a path through the cluster holds.

There are two kinds of path: client → VIP → balancer → server for a frontend, subscriber → NAT → service for a NAT.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples import client_hop, server_hop
from lbcheck.analysis.tuples.hops import Hop, Parts, Path, hop
from lbcheck.analysis.tuples.server_hop import FullFirst
from lbcheck.model.capacity import ClientCapacity
from lbcheck.model.cluster import Client, Cluster, Frontend, NatGateway, capacity_of
from lbcheck.model.opening import Opening

BYPASS_HOP = "IPv6, past the NAT"


@dataclass(frozen=True)
class Subject:
    """Whose path it is: a frontend's or a NAT's. The name of the other stays empty."""

    frontend: str = ""
    nat: str = ""

    @property
    def name(self) -> str:
        """The subject of its verdicts."""
        return f"NAT {self.nat}" if self.nat else f"frontend {self.frontend}"

    def path(self, cluster: Cluster) -> Path:
        """Return its path through the cluster."""
        if self.nat:
            return of_nat(cluster, self.nat, self.gateways(cluster))
        return of_frontend(cluster, self.frontend)

    def gateways(self, cluster: Cluster) -> list[NatGateway]:
        """Return the NAT and those that share its subscribers; for a frontend those of the cluster's first NAT."""
        if not cluster.nat_gateways:
            return []
        name = self.nat or cluster.nat_gateways[0].name
        return [gateway for gateway in cluster.nat_gateways if name in (gateway.name, gateway.shares_with)]


def of_frontend(cluster: Cluster, name: str) -> Path:
    """Return the path of one frontend, with no traffic on the others.

    Each client connection holds one connection to a server. A client that one VIP refuses tries the next, until all
    are full.
    """
    frontend = _frontend(cluster, name)
    hops = [_clients(cluster, frontend)] if cluster.clients else []
    backend = cluster.balanced(frontend)
    if backend:
        hops += [server_hop.balancers(cluster, frontend, backend), server_hop.servers(cluster, backend)]
    return Path(f"frontend {name}", tuple(hops), client_hop.wanted(cluster.clients))


def _frontend(cluster: Cluster, name: str) -> Frontend:
    return next(frontend for frontend in cluster.frontends if frontend.name == name)


def _clients(cluster: Cluster, frontend: Frontend) -> Hop:
    endpoints = client_hop.endpoints(cluster, [frontend])
    parts = client_hop.direct(cluster.behind.get("", ()), endpoints)
    for gateway in cluster.nat_gateways:
        parts.add(client_hop.translated(cluster, gateway, [frontend]))
        parts.add(client_hop.direct(cluster.behind.get(gateway.name, ()), endpoints, families=(6,)))
    return hop(client_hop.NAME, parts)


def of_nat(cluster: Cluster, name: str, gateways: Sequence[NatGateway]) -> Path:
    """Return the path of a NAT's subscribers to every frontend: IPv4 through the NAT, IPv6 routed past it.

    `gateways`: the NAT and those that share its subscribers.
    """
    parts = Parts()
    behind: list[Client] = []
    for gateway in gateways:
        parts.add(client_hop.translated(cluster, gateway, cluster.frontends))
        behind += cluster.behind.get(gateway.name, ())
    ipv6 = client_hop.direct(behind, client_hop.endpoints(cluster, cluster.frontends), families=(6,))
    bypass = hop(BYPASS_HOP, ipv6) if ipv6.lanes else None
    return Path(f"NAT {name}", (hop(client_hop.NAT_NAME, parts),), client_hop.wanted(behind), bypass)


def full_first(cluster: Cluster, name: str) -> FullFirst | None:
    """Return the server of a frontend's backend that is full first; None where redispatch changes nothing."""
    backend = cluster.balanced(_frontend(cluster, name))
    if not backend:
        return None
    return server_hop.full_first(cluster, backend)


def with_reuse(cluster: Cluster, reuse: bool) -> Cluster:
    """Return the cluster with net.ipv4.tcp_tw_reuse set to 1, or not, on every host that opens connections."""

    def changed(capacity: ClientCapacity) -> ClientCapacity:
        return replace(capacity, opening=_reusing(capacity.opening, reuse))

    balancers = []
    for balancer in cluster.balancers:
        capacity = capacity_of(balancer)
        balancers.append(replace(balancer, holds=replace(capacity, opening=_reusing(capacity.opening, reuse))))
    return replace(cluster, clients=with_client_capacity(cluster.clients, changed), balancers=tuple(balancers))


def _reusing(opening: Opening, reuse: bool) -> Opening:
    return replace(opening, tw_reuse=reuse)


def with_client_capacity(
    clients: Sequence[Client], changed: Callable[[ClientCapacity], ClientCapacity]
) -> tuple[Client, ...]:
    """Return the clients with a changed capacity; those that share one capacity record share the changed one."""
    records = {id(client.holds): capacity_of(client) for client in clients}
    changed_records = {identity: changed(record) for identity, record in records.items()}
    return tuple(replace(client, holds=changed_records[id(client.holds)]) for client in clients)
