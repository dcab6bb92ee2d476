"""How many connections a path through the cluster holds.

Two kinds of path: client → VIP → balancer → server for a frontend, subscriber → NAT → service for a NAT.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples import client_hop, server_hop
from lbcheck.analysis.tuples.hops import Hop, Parts, Path, hop
from lbcheck.analysis.tuples.server_hop import FullFirst
from lbcheck.model.cluster import Client, Cluster, Frontend, NatGateway, capacity_of
from lbcheck.model.opening import Opening

BYPASS_HOP = "IPv6, past the NAT"


@dataclass(frozen=True)
class Subject:
    """Whose path it is: a frontend's, or a NAT's."""

    frontend: str = ""
    nat: str = ""

    @property
    def name(self) -> str:
        """What a verdict on it is about."""
        return f"NAT {self.nat}" if self.nat else f"frontend {self.frontend}"

    def path(self, cluster: Cluster) -> Path:
        """Return its path through the cluster."""
        if self.nat:
            return of_nat(cluster, self.nat, self.gateways(cluster))
        return of_frontend(cluster, self.frontend)

    def gateways(self, cluster: Cluster) -> list[NatGateway]:
        """Return the NAT (a frontend's is the first of all) and those that share its subscribers."""
        name = self.nat or (cluster.nat_gateways[0].name if cluster.nat_gateways else "")
        return [gateway for gateway in cluster.nat_gateways if name in (gateway.name, gateway.shares_with)]


def of_frontend(cluster: Cluster, name: str) -> Path:
    """Return the path of one frontend, as if the others were idle.

    Each client connection holds one to a server. Every hop is filled to the brim: a client that one VIP refuses tries
    the others.
    """
    frontend = next(frontend for frontend in cluster.frontends if frontend.name == name)
    hops = [_clients(cluster, frontend)] if cluster.clients else []
    backend = cluster.balanced(frontend)
    if backend:
        hops += [server_hop.balancers(cluster, frontend, backend), server_hop.servers(cluster, backend)]
    return Path(f"frontend {name}", tuple(hops), client_hop.wish(cluster.clients))


def _clients(cluster: Cluster, frontend: Frontend) -> Hop:
    endpoints = client_hop.endpoints(cluster, [frontend])
    parts = client_hop.direct(cluster.behind.get("", ()), endpoints)
    for gateway in cluster.nat_gateways:
        parts.add(client_hop.translated(cluster, gateway, [frontend]))
        parts.add(client_hop.direct(cluster.behind.get(gateway.name, ()), endpoints, families=(6,)))
    return hop(client_hop.NAME, parts)


def of_nat(cluster: Cluster, name: str, gateways: Sequence[NatGateway]) -> Path:
    """Return the path of a NAT's subscribers to every frontend: IPv4 through it, IPv6 past it.

    `gateways`: it, and those beside it that take a part of its subscribers.
    """
    parts, behind = Parts(), list[Client]()
    for gateway in gateways:
        parts.add(client_hop.translated(cluster, gateway, cluster.frontends))
        behind += cluster.behind.get(gateway.name, ())
    ipv6 = client_hop.direct(behind, client_hop.endpoints(cluster, cluster.frontends), families=(6,))
    bypass = hop(BYPASS_HOP, ipv6) if ipv6.lanes else None
    return Path(f"NAT {name}", (hop(client_hop.NAT_NAME, parts),), client_hop.wish(behind), bypass)


def full_first(cluster: Cluster, name: str) -> FullFirst | None:
    """Return the server of a frontend's backend that is full first; None where redispatch changes nothing."""
    frontend = next(frontend for frontend in cluster.frontends if frontend.name == name)
    backend = cluster.balanced(frontend)
    return server_hop.full_first(cluster, backend) if backend else None


def with_reuse(cluster: Cluster, reuse: bool) -> Cluster:
    """Return the cluster with net.ipv4.tcp_tw_reuse set to 1, or not, wherever connections are opened."""
    known = {id(client.holds): capacity_of(client) for client in cluster.clients}  # hosts alike go on sharing one
    changed = {key: replace(capacity, opening=_reusing(capacity.opening, reuse)) for key, capacity in known.items()}
    balancers = ((balancer, capacity_of(balancer)) for balancer in cluster.balancers)
    return replace(
        cluster,
        clients=tuple(replace(client, holds=changed[id(client.holds)]) for client in cluster.clients),
        balancers=tuple(replace(b, holds=replace(c, opening=_reusing(c.opening, reuse))) for b, c in balancers),
    )


def _reusing(opening: Opening, reuse: bool) -> Opening:
    return replace(opening, tw_reuse=reuse)
