"""The hop from clients to VIPs: what source ports allow, what clients want, what a NAT in between lets through."""

from collections.abc import Sequence

from lbcheck.analysis.tuples import binding, dealing, nat
from lbcheck.analysis.tuples.client_kinds import ClientKind, by_kind, hosts_of, identity_of, kind_of, names_of
from lbcheck.analysis.tuples.hops import SOURCE_PORTS, Endpoints, Lane, Parts, TupleProduct, hop
from lbcheck.analysis.tuples.nat import Demand, Destinations, Outside
from lbcheck.model.address import FAMILIES, Family
from lbcheck.model.cluster import Client, Cluster, Frontend, NatGateway, capacity_of
from lbcheck.model.opening import BindingMode

NAME, NAT_NAME = "client → VIP", "subscriber → NAT → service"
NAT_PORTS, BLOCKS, WANTED = "NAT ports", "port blocks", "connections wanted"
CONNTRACK = "nf_conntrack_max"
DROPPED = "silence, until the client gives up"  # what a subscriber sees once its NAT has no port left


def wanted(clients: Sequence[Client]) -> int | None:
    """Return how many connections all the clients want; None: as many as they can."""
    if not clients:
        return None
    total = 0
    for client in clients:
        connections = capacity_of(client).connections
        if connections is None:
            return None
        total += connections * client.hosts
    return total


def endpoints(cluster: Cluster, frontends: Sequence[Frontend]) -> Endpoints:
    """Return D for each family: the address:port pairs of all these frontends."""
    count: dict[Family, int] = dict.fromkeys(FAMILIES, 0)
    for frontend in frontends:
        ports = len(capacity_of(frontend).ports)
        for family in FAMILIES:
            count[family] += len(cluster.addresses(frontend, family)) * ports
    return count


# --- without a NAT ---


def direct(clients: Sequence[Client], towards: Endpoints, families: Sequence[Family] = FAMILIES) -> Parts:
    """Return the parts of the hop that no NAT translates: a lane for each kind of client and family."""
    parts = Parts()
    for kind, members in by_kind(clients).items():
        for family in families:
            count = kind.tuples(family, towards[family], hosts_of(members))
            if count:
                parts.lanes.append(_direct_lane(kind, family, towards, members))
                parts.products.append(_direct_product(kind, family, towards, members))
                parts.rates.append(binding.connections_a_second(count, kind.opening))
    return parts


def _direct_lane(kind: ClientKind, family: Family, towards: Endpoints, clients: Sequence[Client]) -> Lane:
    hosts = hosts_of(clients)
    lane = {SOURCE_PORTS: kind.tuples(family, towards[family], hosts)}
    of_one_host = kind.wanted(family, towards)
    if of_one_host is not None:
        lane[WANTED] = of_one_host * hosts
    return lane


def _direct_product(kind: ClientKind, family: Family, towards: Endpoints, clients: Sequence[Client]) -> TupleProduct:
    law = binding.LAWS[kind.opening.binding]
    hosts = hosts_of(clients)
    sources = kind.hosts_with(family, hosts)
    if law.every_source:
        sources *= kind.addresses(family)
    return TupleProduct(
        hop=NAME,
        family=family,
        binding=kind.opening.binding,
        sources=sources,
        endpoints=towards[family],
        ports=binding.usable_ports(kind.opening),
        predicted=kind.tuples(family, towards[family], hosts),
        refusal=law.refusal,
        who=names_of(clients),
    )


# --- through a NAT ---


def translated(cluster: Cluster, gateway: NatGateway, frontends: Sequence[Frontend]) -> Parts:
    """Return the parts of the hop that a NAT translates: a lane for each of its outside addresses."""
    behind = cluster.behind.get(gateway.name, ())
    towards = endpoints(cluster, frontends)
    demands = _demands(behind, towards)
    if not demands:
        return Parts()
    addresses = {address for frontend in frontends for address in cluster.addresses(frontend, 4)}
    destinations = Destinations(len(addresses), towards[4])
    subscribers_limit = SOURCE_PORTS if wanted(behind) is None else WANTED
    most = nat.most_on_one_address(gateway, demands, destinations)
    parts = Parts()
    for outside in nat.carry(gateway, demands, destinations):
        parts.lanes.append(_outside_lane(outside, most, subscribers_limit))
        parts.products.append(_outside_product(gateway, outside, destinations, behind))
    parts.rates.append(_translated_rate(gateway, destinations, behind, towards))
    conntrack_max = capacity_of(gateway).conntrack_max
    if conntrack_max is not None:  # the whole gateway's: its outside addresses become one lane
        pool = hop(NAT_NAME, parts)
        parts.lanes = [{pool.limits[0][0]: pool.holds, CONNTRACK: conntrack_max}]
    return parts


def _outside_lane(outside: Outside, most: int, subscribers_limit: str) -> Lane:
    """Return the limits of one outside address; where neither ports nor demand explain what it holds, blocks do."""
    lane = {NAT_PORTS: most, subscribers_limit: outside.wanted}
    if outside.held != min(lane.values()):
        lane[BLOCKS] = outside.held
    return lane


def _outside_product(
    gateway: NatGateway, outside: Outside, destinations: Destinations, behind: Sequence[Client]
) -> TupleProduct:
    return TupleProduct(
        hop=NAT_NAME,
        family=4,
        binding=capacity_of(gateway).mapping,
        sources=1,
        endpoints=destinations.endpoints,
        ports=nat.usable_ports(gateway),
        predicted=outside.held,
        refusal=DROPPED,
        outside=outside,
        who=names_of(behind),
    )


def _translated_rate(
    gateway: NatGateway, destinations: Destinations, behind: Sequence[Client], towards: Endpoints
) -> float | None:
    """Return the short connections a second through a NAT: the lower of its own rate and its subscribers' rate."""
    rates = [nat.connections_a_second(gateway, destinations)]
    subscribers_rates = direct(behind, towards, families=(4,)).rates
    if None not in subscribers_rates:
        rates.append(sum(rate for rate in subscribers_rates if rate is not None))
    return min((rate for rate in rates if rate is not None), default=None)


def _demands(clients: Sequence[Client], towards: Endpoints) -> list[Demand]:
    """Return what each subscriber wants to send through its NAT.

    A NAT distinguishes subscribers by their inside addresses only, so a host with several addresses is several
    subscribers.
    """
    demands = []
    # Of a host of each kind: its connections, dealt out to its addresses.
    shares_of: dict[tuple[object, ...], Sequence[int]] = {}
    for client in clients:
        addresses = subscribers(client)
        identity = identity_of(client)
        if identity not in shares_of:
            shares_of[identity] = dealing.evenly(_over_ipv4(kind_of(client), towards), len(addresses))
        reuses_ports = capacity_of(client).opening.binding is BindingMode.EXPLICIT
        for address, connections in zip(addresses, shares_of[identity], strict=True):
            if connections:
                demands.append(Demand(address, connections, client.hosts, reuses_ports))
    return demands


def _over_ipv4(kind: ClientKind, towards: Endpoints) -> int:
    """Return how many IPv4 connections one host opens: what it wants, at most what its source ports allow."""
    possible = kind.tuples(4, towards[4], 1)
    of_one_host = kind.wanted(4, towards)
    if of_one_host is None:
        return possible
    return min(possible, of_one_host)


def subscribers(client: Client) -> tuple[str, ...]:
    """Return the IPv4 addresses that a client connects from; one empty address where none is known."""
    law = binding.LAWS[capacity_of(client).opening.binding]
    if law.every_source:
        return client.ipv4 or ("",)
    return client.ipv4[:1] or ("",)
