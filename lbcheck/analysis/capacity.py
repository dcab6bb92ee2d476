"""How many connections a path through the cluster holds.

Two kinds of path: client → VIP → balancer → server for a frontend, subscriber → NAT → service for a NAT.
"""

from collections.abc import Sequence
from dataclasses import replace

from lbcheck.analysis import client_hop, server_hop
from lbcheck.analysis.hops import Hop, Parts, Path, hop
from lbcheck.model.capacity import Client, Cluster, Frontend, Opening

CLIENT_HOP, NAT_HOP, PAST_HOP = client_hop.NAME, client_hop.NAT_NAME, "IPv6, past the NAT"
WANTED = client_hop.WANTED
BALANCER_HOP, SERVER_HOP = server_hop.BALANCER_NAME, server_hop.NAME


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
    return hop(CLIENT_HOP, parts)


def of_nat(cluster: Cluster, name: str, pools: Sequence[str] = ()) -> Path:
    """Return the path of a NAT's subscribers to every frontend: IPv4 through it, IPv6 past it.

    `pools`: it, and those beside it that take a part of its subscribers.
    """
    parts, behind = Parts(), list[Client]()
    for pool in (pool for pool in cluster.nats if pool.name in (pools or (name,))):
        parts.add(client_hop.translated(cluster, pool, cluster.frontends))
        behind += cluster.behind.get(pool.name, ())
    past = client_hop.direct(behind, client_hop.endpoints(cluster, cluster.frontends), families=(6,))
    beside = hop(PAST_HOP, past) if past.lanes else None
    return Path(f"NAT {name}", (hop(NAT_HOP, parts),), client_hop.wish(behind), beside)


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


def subscribers(cluster: Cluster, name: str) -> int:
    """Return how many hosts are behind a NAT."""
    return sum(client.hosts for client in cluster.behind.get(name, ()))
