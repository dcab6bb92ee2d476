"""How many connections a path through the cluster holds.

Two kinds of path: client → VIP → balancer → server for a frontend, subscriber → NAT → service for a NAT.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples import client_hop, server_hop
from lbcheck.analysis.tuples.hops import Hop, Parts, Path, hop
from lbcheck.model.capacity import Client, Cluster, Frontend, Opening
from lbcheck.model.nat import NatPool

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
            return of_nat(cluster, self.nat, self.pools(cluster))
        return of_frontend(cluster, self.frontend)

    def pools(self, cluster: Cluster) -> list[NatPool]:
        """Return the NAT (a frontend's is the first of all) and those that share its subscribers."""
        name = self.nat or (cluster.nats[0].name if cluster.nats else "")
        return [pool for pool in cluster.nats if name in (pool.name, pool.shares_with)]


def of_frontend(cluster: Cluster, name: str) -> Path:
    """Return the path of one frontend, as if the others were idle.

    Each client connection holds one to a server. Every hop is filled to the brim: a client that one VIP refuses tries
    the others.
    """
    frontend = next(frontend for frontend in cluster.frontends if frontend.name == name)
    hops = [_clients(cluster, frontend)] if cluster.clients else []
    if frontend.backend:
        hops += [server_hop.balancers(cluster, frontend), server_hop.servers(cluster, frontend)]
    return Path(f"frontend {name}", tuple(hops), client_hop.wish(cluster.clients))


def _clients(cluster: Cluster, frontend: Frontend) -> Hop:
    endpoints = client_hop.endpoints(cluster, [frontend])
    parts = client_hop.direct(cluster.behind.get("", ()), endpoints)
    for pool in cluster.nats:
        parts.add(client_hop.translated(cluster, pool, [frontend]))
        parts.add(client_hop.direct(cluster.behind.get(pool.name, ()), endpoints, families=(6,)))
    return hop(client_hop.NAME, parts)


def of_nat(cluster: Cluster, name: str, pools: Sequence[NatPool]) -> Path:
    """Return the path of a NAT's subscribers to every frontend: IPv4 through it, IPv6 past it.

    `pools`: it, and those beside it that take a part of its subscribers.
    """
    parts, behind = Parts(), list[Client]()
    for pool in pools:
        parts.add(client_hop.translated(cluster, pool, cluster.frontends))
        behind += cluster.behind.get(pool.name, ())
    ipv6 = client_hop.direct(behind, client_hop.endpoints(cluster, cluster.frontends), families=(6,))
    bypass = hop(BYPASS_HOP, ipv6) if ipv6.lanes else None
    return Path(f"NAT {name}", (hop(client_hop.NAT_NAME, parts),), client_hop.wish(behind), bypass)


def when_redispatched(cluster: Cluster, name: str) -> tuple[str, int] | None:
    """Return the server that is full first, and what all servers would hold together; None: it is the same."""
    frontend = next(frontend for frontend in cluster.frontends if frontend.name == name)
    return server_hop.when_redispatched(cluster, frontend) if frontend.backend else None


def with_reuse(cluster: Cluster, reuse: bool) -> Cluster:
    """Return the cluster with net.ipv4.tcp_tw_reuse set to 1, or not, wherever connections are opened."""
    openings: dict[Opening, Opening] = {}  # hosts alike go on sharing one

    def changed(opening: Opening) -> Opening:
        return openings.setdefault(opening, replace(opening, tw_reuse=reuse))

    return replace(
        cluster,
        clients=tuple(replace(client, opening=changed(client.opening)) for client in cluster.clients),
        balancers=tuple(replace(balancer, opening=changed(balancer.opening)) for balancer in cluster.balancers),
    )
