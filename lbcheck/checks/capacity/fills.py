"""Which connections to open so that a hop is full.

A hop is measured only where nothing else is full first. That is so for three:

- From clients to the VIPs of a frontend in mode http. There HAProxy needs no server for a client that asks nothing.
- A NAT: all its subscribers at once, so that an outside address that is not there is missed.
- The balancers' source ports behind a frontend in mode tcp. There each client connection holds one to a server.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from lbcheck.analysis.tuples import binding, client_hop, dealing, nat, server_hop
from lbcheck.analysis.tuples.hops import Hop, TupleProduct
from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks.capacity.far_end import AFTER_S, HELD_S
from lbcheck.checks.capacity.parts import parts, servers_label, through_label
from lbcheck.model.address import FAMILIES, Endpoint, PortRange, family, of_family
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, NatGateway, capacity_of
from lbcheck.model.fill import AT_ONCE, Fill, explicit
from lbcheck.model.plan import Options

# A NAT searches its ports at random: with half as many connections again as it has ports, it finds every one of them
# (measured with ranges of 64 to 4,000).
NAT_DEMAND = 1.5
# Round robin deals exactly. The surplus makes up for connections that are dealt before the counters are read.
SERVER_DEMAND = 1.2


@dataclass(frozen=True)
class ServerFill:
    """What uses up the source ports of a frontend's balancers: a fill at one client, or the obstacle to it."""

    fill: Fill | None = None
    obstacle: str = ""


# --- from clients up to VIPs, also through a NAT ---


def up_to_vips(cluster: Cluster, subject: Subject, options: Options) -> Iterator[Fill]:
    """Give the fills of the clients' part of a path: one of each product at each client, and one through each NAT."""
    through: set[str] = set()  # NATs: all their outside addresses are filled together
    for part in parts(subject, subject.path(cluster)):
        if why_not(cluster, subject, part.hop):
            continue
        for client in cluster.clients:
            if client.name not in part.product.who:
                continue
            if not part.product.outside:
                fill = _of_product(cluster, subject, part.product, client, options)
                yield from _labelled(fill, part.label, options)
            elif client.name not in through:
                through.add(client.name)
                fill = _through_nat(cluster, subject, client, options)
                yield from _labelled(fill, through_label(subject, client.behind), options)


def _labelled(fill: Fill | None, label: str, options: Options) -> Iterator[Fill]:
    if fill:
        yield replace(fill, label=label, hold_s=HELD_S, timeout_s=options.timeout_s)


def after_others_begin(fills: Sequence[Fill]) -> Iterator[Fill]:
    """Give the fills of a stage, where the first one of each client leaves the far end time to begin reading."""
    clients: set[str] = set()
    for fill in fills:
        yield fill if fill.at in clients else replace(fill, after_s=AFTER_S)
        clients.add(fill.at)


def why_not(cluster: Cluster, subject: Subject, hop: Hop) -> str:
    """Return why a hop cannot be filled from the clients without filling another first; empty if it can."""
    modes = {capacity_of(frontend).mode for frontend in _frontends(cluster, subject)}
    if hop.name == client_hop.NAME and "tcp" in modes:
        return "each connection holds one to a server, and the servers' side is full first"
    if hop.name in (server_hop.BALANCER_NAME, server_hop.NAME):
        return "a connection in mode http holds none to a server until it asks something"
    if subject.nat and hop.name != client_hop.NAT_NAME:
        return "some of these connections hold one to a server, and the servers' side is full first"
    accepted = _accepted(cluster, subject)
    if hop.name == client_hop.NAME and accepted is not None and accepted < hop.holds:
        return f"the balancers accept {accepted:,} (maxconn), and which clients get those is a race"
    return ""


def _accepted(cluster: Cluster, subject: Subject) -> int | None:
    """Return how many connections the balancers accept together; None: no limit is known of one of them."""
    [frontend, *_] = _frontends(cluster, subject)
    least = [min(_maxconns(balancer, frontend), default=None) for balancer in cluster.serving()]
    known = [maxconn for maxconn in least if maxconn is not None]
    return sum(known) if known and len(known) == len(least) else None


def _frontends(cluster: Cluster, subject: Subject) -> list[Frontend]:
    return [frontend for frontend in cluster.frontends if subject.frontend in ("", frontend.name)]


def _of_product(
    cluster: Cluster, subject: Subject, product: TupleProduct, client: Client, options: Options
) -> Fill | None:
    """Return the fill of one product at one of its clients."""
    sources = of_family(client.addresses, product.family)
    endpoints = _endpoints(cluster, subject, sources)
    return _fill(client, endpoints, sources, capacity_of(client).opening.ports, options)


def _through_nat(cluster: Cluster, subject: Subject, client: Client, options: Options) -> Fill | None:
    """Return a fill from every address of a client whose outside address at its NAT is known before it connects.

    Where the path is the NAT's own, it also opens IPv6 connections from one address, which the NAT must not hinder.
    """
    gateway = next(gateway for gateway in cluster.nat_gateways if gateway.name == client.behind)
    on_each = subscribers_on_each(cluster, gateway)
    known = {subscriber for subscribers in on_each.values() for subscriber in subscribers}
    sources = [address for address in client_hop.subscribers(client) if address in known]
    if not sources:
        return None
    if subject.nat:
        sources += of_family(client.addresses, 6)[:1]
    # The outside address with the fewest subscribers is used up, too.
    fewest = min(len(subscribers) for subscribers in on_each.values() if subscribers)
    ports_each = ceil(NAT_DEMAND * nat.usable_ports(gateway) / fewest)
    ports = _first_ports(client, ports_each) if ports_each else capacity_of(client).opening.ports
    fill = _fill(client, _endpoints(cluster, subject, sources), sources, ports, options)
    # A NAT without a free port is silent: whoever waits for one waits together, and it lets few through.
    return replace(fill, at_once=AT_ONCE * len(fill.endpoints)) if fill else None


def subscribers_on_each(cluster: Cluster, gateway: NatGateway) -> Mapping[str, Sequence[str]]:
    """Return, for each outside address of a NAT, its subscribers' inside addresses, as far as that is known."""
    inside: list[str] = []
    for client in cluster.behind.get(gateway.name, ()):
        inside += client_hop.subscribers(client)
    return {outside: nat.on_address(gateway, outside, inside) for outside in gateway.addresses}


def _first_ports(client: Client, count: int) -> PortRange:
    """Return the first ports of a client's ephemeral range, at most all of them."""
    ports = capacity_of(client).opening.ports
    return PortRange(ports.low, ports.low + min(count, len(ports)) - 1)


def _fill(
    client: Client, endpoints: tuple[Endpoint, ...], sources: Sequence[str], ports: PortRange, options: Options
) -> Fill | None:
    """Return a fill from these source addresses and ports to each endpoint of their families; None: there is none."""
    families = {family(endpoint.address) for endpoint in endpoints}
    sources = [source for source in sources if family(source) in families]
    if not sources:
        return None
    binding_mode = capacity_of(client).opening.binding
    law = binding.LAWS[binding_mode]
    return Fill(
        at=client.name,
        endpoints=endpoints,
        sources=tuple(sources) if law.every_source else (),
        ports=ports if explicit(binding_mode) else None,
        binding=binding_mode,
        allow=options.allow,
    )


def _endpoints(cluster: Cluster, subject: Subject, sources: Sequence[str]) -> tuple[Endpoint, ...]:
    """Return the endpoints of a path's frontends in the families of some sources, each once."""
    families = {family(source) for source in sources}
    endpoints: dict[Endpoint, None] = {}
    for frontend in _frontends(cluster, subject):
        for wanted in FAMILIES:
            if wanted in families:
                for address in cluster.addresses(frontend, wanted):
                    endpoints |= {Endpoint(address, port): None for port in capacity_of(frontend).ports}
    return tuple(endpoints)


# --- through balancers to servers ---


def of_servers(cluster: Cluster, frontend: Frontend, backend: Backend, options: Options) -> ServerFill:
    """Return what uses up every balancer's source ports.

    One client opens all the connections: what two clients held at different times would be counted twice.
    """
    needed = _connections_to_exhaust(cluster, backend)
    full_balancer = _full_before(cluster, frontend, needed)
    if full_balancer:
        return ServerFill(obstacle=full_balancer)
    subject = Subject(frontend=frontend.name)
    for client in cluster.clients:
        fill = _from_one_client(cluster, frontend, client, needed, options)
        if fill:
            fill = replace(fill, label=servers_label(subject), hold_s=HELD_S, timeout_s=options.timeout_s)
            return ServerFill(fill)
    most = max(needed.values(), default=0)
    return ServerFill(
        obstacle=f"no single client can open the {most:,} connections through each balancer that it takes"
    )


def _full_before(cluster: Cluster, frontend: Frontend, needed: Mapping[str, int]) -> str:
    """Say which balancer would reach its maxconn before so many connections; empty: none would."""
    for balancer in cluster.serving():
        through = needed[balancer.name]
        for maxconn in sorted(_maxconns(balancer, frontend)):
            if through > maxconn:
                return f"{through:,} connections through {balancer.name} would fill it, its maxconn is {maxconn:,}"
    return ""


def _maxconns(balancer: Balancer, frontend: Frontend) -> Iterator[int]:
    """Give the limits of a balancer's process, and of the frontend in it, if they are known."""
    for maxconn in (capacity_of(balancer).maxconn, capacity_of(frontend).maxconn):
        if maxconn is not None:
            yield maxconn


def _from_one_client(
    cluster: Cluster, frontend: Frontend, client: Client, needed: Mapping[str, int], options: Options
) -> Fill | None:
    """Return a fill that makes the needed connections through each balancer; None: this client cannot open as many."""
    opening = capacity_of(client).opening
    law = binding.LAWS[opening.binding]
    if not (law.every_source and law.every_endpoint):
        return None
    sources = of_family(client.addresses, 6)
    if not client.behind:
        sources = of_family(client.addresses, 4) + sources
    per_port = _connections_per_source_port(cluster, frontend, sources)
    if not all(per_port[balancer] for balancer in needed):
        return None
    ports = max(dealing.rounded_up(count, per_port[balancer]) for balancer, count in needed.items())
    if ports > binding.usable_ports(opening):
        return None
    endpoints = _endpoints(cluster, Subject(frontend=frontend.name), sources)
    return _fill(client, endpoints, sources, _first_ports(client, ports), options)


def _connections_to_exhaust(cluster: Cluster, backend: Backend) -> Mapping[str, int]:
    """Return, for each balancer, how many connections use up its source ports towards every server."""
    # A server with several ports has a server line for each, each with its weight.
    weights = [(server, server.weight * len(capacity_of(server).ports)) for server in backend.servers if server.weight]
    total = sum(weight for _, weight in weights)
    needed = {}
    for balancer in cluster.serving():
        # Of all connections a server gets its weight's share: so many until it has as many as the balancer can open.
        until_full = [server_hop.reach(balancer, server) * total / weight for server, weight in weights]
        needed[balancer.name] = int(SERVER_DEMAND * max(until_full, default=0)) + 1
    return needed


def _connections_per_source_port(cluster: Cluster, frontend: Frontend, sources: Sequence[str]) -> Mapping[str, int]:
    """Return, for each balancer, how many connections one client source port makes to it.

    That is one for each source address, each of the frontend's addresses of its family that is at home there (a VIP, or
    the balancer's own), and each port of the frontend.
    """
    count = {balancer.name: 0 for balancer in cluster.serving()}
    homes = {address: balancer.name for balancer in cluster.balancers for address in balancer.addresses}
    homes |= {vip.address: vip.home for vip in cluster.vips}
    for wanted in FAMILIES:
        for address in cluster.addresses(frontend, wanted):
            if (home := homes.get(address)) in count:
                count[home] += len(of_family(sources, wanted)) * len(capacity_of(frontend).ports)
    return count
