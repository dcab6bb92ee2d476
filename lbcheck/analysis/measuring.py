"""Which connections to open so that a hop is full, and which of those that were held belong to which product.

Only what can be filled without filling something else first is measured: clients up to the VIPs of a frontend in mode
http, where HAProxy needs no server for a connection that asks nothing; a NAT's outside addresses; and the balancers'
source ports through a frontend in mode tcp, where each client connection holds one to a server.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis import client_hop, nat, server_hop, tuples
from lbcheck.analysis.growth import Subject
from lbcheck.analysis.hops import FAMILIES, Hop, Step
from lbcheck.model.address import Endpoint, Family, PortRange, family
from lbcheck.model.capacity import Client, Cluster, Frontend
from lbcheck.model.fill import Fill, Filled, explicit

# A NAT searches its ports at random: with half as many connections again as it has ports, it finds every one of them
# (measured with ranges of 64 to 4,000).
NAT_DEMAND = 1.5
# Round robin deals exactly; the rest is for what is dealt before the counters are read.
SERVER_DEMAND = 1.2
HELD_S = 1.0  # long enough for HAProxy to have tried a server for each connection


@dataclass(frozen=True)
class Held:
    """What was held of one product. `beside`: IPv6 connections that were there at the same time, tried and held."""

    held: int
    stopped_by: str | None
    seconds: float
    beside: tuple[int, int] | None = None


def products(cluster: Cluster, subject: Subject) -> list[tuple[Hop, Step]]:
    """Return each product of a path with its hop, in the order in which fills are labelled."""
    path = subject.path(cluster)
    return [(hop, step) for hop in (*path.hops, *([path.past] if path.past else [])) for step in hop.steps]


def fills(cluster: Cluster, subject: Subject, timeout_s: float) -> Iterator[Fill]:
    """Return what fills the clients' part of a path, each labelled with its product."""
    for number, (hop, step) in enumerate(products(cluster, subject)):
        if why_not(cluster, subject, hop):
            continue
        for client in (client for client in cluster.clients if client.name in step.who):
            if step.outside:
                fill = _through_nat(cluster, subject, step, client)
            else:
                fill = _fill(cluster, subject, client, _of_family(client.addresses, step.family))
            if fill:
                yield replace(fill, label=f"{subject.name} {number}", timeout_s=timeout_s)


def why_not(cluster: Cluster, subject: Subject, hop: Hop) -> str:
    """Return why a hop's client side cannot be filled by itself; empty where it can."""
    frontends = _frontends(cluster, subject)
    if hop.name == client_hop.NAME and any(frontend.mode == "tcp" for frontend in frontends):
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
    frontends, opening = _frontends(cluster, subject), client.opening
    versions = [version for version in FAMILIES if _of_family(sources, version)]
    ends = [Endpoint(a, p) for f in frontends for v in versions for a in cluster.addresses(f, v) for p in f.ports]
    if not ends or not sources:
        return None
    few = PortRange(opening.ports.low, opening.ports.low + min(ports or 65535, len(opening.ports)) - 1)
    law = tuples.LAWS[opening.binding]
    return Fill(
        at=client.name,
        endpoints=tuple(dict.fromkeys(ends)),
        sources=tuple(sources) if law.every_source else (),
        ports=few if explicit(opening.binding) else None,
        binding=opening.binding,
    )


def _through_nat(cluster: Cluster, subject: Subject, step: Step, client: Client) -> Fill | None:
    """Return a fill from those subscribers of a host that an outside address serves; with IPv6 beside it for a NAT."""
    assert step.outside  # noqa: S101 (the caller has looked)
    pool = next(pool for pool in cluster.nats if pool.name == client.behind)
    everyone = [address for c in cluster.behind[pool.name] for address in client_hop.subscribers(c)]
    sharing = nat.on_address(pool, step.outside.address, everyone)
    mine = [address for address in client_hop.subscribers(client) if address in sharing]
    if not mine:
        return None
    each = int(-(-NAT_DEMAND * pool.usable_ports // len(sharing)))
    beside = _of_family(client.addresses, 6)[:1] if subject.nat else ()
    return _fill(cluster, subject, client, [*mine, *beside], each)


def of_servers(cluster: Cluster, frontend: Frontend, timeout_s: float) -> Fill | str:
    """Return the fill, at one client, that uses up every balancer's source ports; or why there is none.

    One client alone, for what two hold at different times would be counted twice.
    """
    needed = _needed(cluster, frontend)
    for balancer in cluster.serving():
        room = min(m for m in (balancer.maxconn, frontend.maxconn, 1 << 60) if m is not None)
        if needed[balancer.name] > room:
            return (
                f"{needed[balancer.name]:,} connections through {balancer.name} would fill it, its maxconn is {room:,}"
            )
    subject = Subject(frontend=frontend.name)
    for client in cluster.clients:
        law = tuples.LAWS[client.opening.binding]
        sources = [a for v in FAMILIES if v == 6 or not client.behind for a in _of_family(client.addresses, v)]
        if not (law.every_source and law.every_endpoint):
            continue
        a_port = _a_port(cluster, frontend, sources)
        each = max((-(-n // a_port[name]) if a_port[name] else 65536) for name, n in needed.items())
        if each > tuples.usable_ports(client.opening):
            continue
        fill = _fill(cluster, subject, client, sources, each)
        if fill:
            return replace(fill, label=f"{subject.name} servers", hold_s=HELD_S, timeout_s=timeout_s)
    most = max(needed.values(), default=0)
    return f"no single client can open the {most:,} connections through each balancer that it takes"


def _needed(cluster: Cluster, frontend: Frontend) -> Mapping[str, int]:
    """Return how many connections through each balancer leave none of its source ports towards any server."""
    backend, found = cluster.backend(frontend.backend), {}
    weights = [server.weight * len(server.ports) for server in backend.servers if server.weight]
    for balancer in cluster.serving():
        most = [(server_hop.reach(balancer, server), server) for server in backend.servers if server.weight]
        enough = [size * sum(weights) / (server.weight * len(server.ports)) for size, server in most]
        found[balancer.name] = int(SERVER_DEMAND * max(enough, default=0)) + 1
    return found


def _a_port(cluster: Cluster, frontend: Frontend, sources: Sequence[str]) -> Mapping[str, int]:
    """Return how many connections one source port of these addresses is for each balancer, by the VIPs at home."""
    found = {balancer.name: 0 for balancer in cluster.serving()}
    for vip in cluster.vips:
        if vip.home in found and (not frontend.addresses or vip.address in frontend.addresses):
            own = sum(family(source) == family(vip.address) for source in sources)
            found[vip.home] += own * len(frontend.ports)
    return found


# --- what was held ---


def held(step: Step, samples: Sequence[Filled]) -> Held:
    """Return what the clients held of a product, by the kernel's count at each."""
    count, beside, tried, stops = 0, 0, 0, dict[str, int]()
    for sample in samples:
        by_family = {v: sum(n for e, n in sample.by_endpoint.items() if _version(e) == v) for v in FAMILIES}
        count += by_family[step.family]
        if step.outside and by_family[6]:
            beside += by_family[6]
            tried += _owed_beside(sample)
        for kind, number in sample.stops.items():
            stops[kind] = stops.get(kind, 0) + number
    stopped_by = max(stops, key=stops.__getitem__) if stops else None
    longest = max((sample.seconds for sample in samples), default=0.0)
    return Held(count, stopped_by, longest, (beside, tried) if tried else None)


def _owed_beside(sample: Filled) -> int:
    """Return the IPv6 connections of a fill that is otherwise of IPv4: one source, its ports, those endpoints."""
    ends = sum(_version(endpoint) == 6 for endpoint in sample.by_endpoint)
    return tuples.tuples(sample.binding, sample.ports, 1, ends)


def _version(endpoint: str) -> Family:
    return 6 if endpoint.startswith("[") else 4
