"""Which connections to open so that a hop is full.

Only what can be filled without filling something else first is measured: clients up to the VIPs of a frontend in mode
http, where HAProxy needs no server for a connection that asks nothing; a NAT's outside addresses; and the balancers'
source ports through a frontend in mode tcp, where each client connection holds one to a server.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lbcheck.analysis.tuples import binding, client_hop, nat, server_hop
from lbcheck.analysis.tuples.hops import Hop, Product
from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks.capacity.parts import parts, servers_label
from lbcheck.model.address import FAMILIES, Endpoint, Family, PortRange, family
from lbcheck.model.cluster import Backend, Client, Cluster, Frontend, capacity_of
from lbcheck.model.fill import Fill, explicit

# A NAT searches its ports at random: with half as many connections again as it has ports, it finds every one of them
# (measured with ranges of 64 to 4,000).
NAT_DEMAND = 1.5
# Round robin deals exactly; the rest is for what is dealt before the counters are read.
SERVER_DEMAND = 1.2
HELD_S = 1.0  # long enough for HAProxy to have tried a server for each connection


def up_to_vips(cluster: Cluster, subject: Subject, timeout_s: float) -> Iterator[Fill]:
    """Return what fills the clients' part of a path, each labelled with its product."""
    for part in parts(subject, subject.path(cluster)):
        if why_not(cluster, subject, part.hop):
            continue
        product = part.product
        for client in (client for client in cluster.clients if client.name in product.who):
            if product.outside:
                fill = _through_nat(cluster, subject, product, client)
            else:
                fill = _fill(cluster, subject, client, _of_family(client.addresses, product.family))
            if fill:
                yield replace(fill, label=part.label, timeout_s=timeout_s)


def why_not(cluster: Cluster, subject: Subject, hop: Hop) -> str:
    """Return why a hop's client side cannot be filled by itself; empty where it can."""
    frontends = _frontends(cluster, subject)
    if hop.name == client_hop.NAME and any(capacity_of(frontend).mode == "tcp" for frontend in frontends):
        return "each connection holds one to a server, and the servers' side is full first"
    if hop.name in (server_hop.BALANCER_NAME, server_hop.NAME):
        return "a connection in mode http holds none to a server until it asks something"
    if subject.nat and hop.name != client_hop.NAT_NAME:
        return "some of these connections hold one to a server, and the servers' side is full first"
    return ""


def _frontends(cluster: Cluster, subject: Subject) -> list[Frontend]:
    return [f for f in cluster.frontends if f.name == subject.frontend or not subject.frontend]


def _of_family(addresses: Sequence[str], version: Family) -> tuple[str, ...]:
    return tuple(address for address in addresses if family(address) == version)


def _fill(
    cluster: Cluster,
    subject: Subject,
    client: Client,
    sources: Sequence[str],
    ports: int | None = None,
) -> Fill | None:
    """Return a fill from these sources with the client's own ports, or the first few of them."""
    frontends, opening = _frontends(cluster, subject), capacity_of(client).opening
    versions = [version for version in FAMILIES if _of_family(sources, version)]
    ends = [
        Endpoint(a, p)
        for f in frontends
        for v in versions
        for a in cluster.addresses(f, v)
        for p in capacity_of(f).ports
    ]
    if not ends or not sources:
        return None
    few = PortRange(opening.ports.low, opening.ports.low + min(ports or 65535, len(opening.ports)) - 1)
    law = binding.LAWS[opening.binding]
    return Fill(
        at=client.name,
        endpoints=tuple(dict.fromkeys(ends)),
        sources=tuple(sources) if law.every_source else (),
        ports=few if explicit(opening.binding) else None,
        binding=opening.binding,
    )


def _through_nat(cluster: Cluster, subject: Subject, product: Product, client: Client) -> Fill | None:
    """Return a fill from those subscribers of a host that an outside address serves; with IPv6 beside it for a NAT."""
    assert product.outside  # noqa: S101 (the caller has looked)
    gateway = next(gateway for gateway in cluster.nat_gateways if gateway.name == client.behind)
    everyone = [address for c in cluster.behind[gateway.name] for address in client_hop.subscribers(c)]
    sharing = nat.on_address(gateway, product.outside.address, everyone)
    mine = [address for address in client_hop.subscribers(client) if address in sharing]
    if not mine:
        return None
    each = int(-(-NAT_DEMAND * nat.usable_ports(gateway) // len(sharing)))
    beside = _of_family(client.addresses, 6)[:1] if subject.nat else ()
    return _fill(cluster, subject, client, [*mine, *beside], each)


def of_servers(cluster: Cluster, frontend: Frontend, backend: Backend, timeout_s: float) -> Fill | str:
    """Return the fill, at one client, that uses up every balancer's source ports; or why there is none.

    One client alone, for what two hold at different times would be counted twice.
    """
    needed = _connections_to_exhaust(cluster, backend)
    if full := _full_before(cluster, frontend, needed):
        return full
    subject = Subject(frontend=frontend.name)
    for client in cluster.clients:
        opening = capacity_of(client).opening
        law = binding.LAWS[opening.binding]
        sources = [a for v in FAMILIES if v == 6 or not client.behind for a in _of_family(client.addresses, v)]
        if not (law.every_source and law.every_endpoint):
            continue
        per_port = _connections_per_source_port(cluster, frontend, sources)
        each = max((-(-n // per_port[name]) if per_port[name] else 65536) for name, n in needed.items())
        if each > binding.usable_ports(opening):
            continue
        fill = _fill(cluster, subject, client, sources, each)
        if fill:
            return replace(fill, label=servers_label(subject), hold_s=HELD_S, timeout_s=timeout_s)
    most = max(needed.values(), default=0)
    return f"no single client can open the {most:,} connections through each balancer that it takes"


def _full_before(cluster: Cluster, frontend: Frontend, needed: Mapping[str, int]) -> str:
    """Return which balancer's maxconn would be reached before so many connections, or nothing."""
    for balancer in cluster.serving():
        limits = (capacity_of(balancer).maxconn, capacity_of(frontend).maxconn, 1 << 60)
        room, through = min(limit for limit in limits if limit is not None), needed[balancer.name]
        if through > room:
            return f"{through:,} connections through {balancer.name} would fill it, its maxconn is {room:,}"
    return ""


def _connections_to_exhaust(cluster: Cluster, backend: Backend) -> Mapping[str, int]:
    """Return how many connections use up every source port of each balancer towards every server."""
    weights = [(server, server.weight * len(capacity_of(server).ports)) for server in backend.servers if server.weight]
    whole, found = sum(weight for _, weight in weights), {}
    for balancer in cluster.serving():
        enough = [server_hop.reach(balancer, server) * whole / weight for server, weight in weights]
        found[balancer.name] = int(SERVER_DEMAND * max(enough, default=0)) + 1
    return found


def _connections_per_source_port(cluster: Cluster, frontend: Frontend, sources: Sequence[str]) -> Mapping[str, int]:
    """Return, for each balancer, the connections that one client source port makes to it.

    That is one for each source address, VIP at home there and frontend port.
    """
    found = {balancer.name: 0 for balancer in cluster.serving()}
    for vip in cluster.vips:
        if vip.home in found and (not frontend.addresses or vip.address in frontend.addresses):
            own = sum(family(source) == family(vip.address) for source in sources)
            found[vip.home] += own * len(capacity_of(frontend).ports)
    return found
