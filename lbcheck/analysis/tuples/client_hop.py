"""The hop from clients to VIPs: what their source ports allow, what they want, what a NAT between lets through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from lbcheck.analysis.tuples import binding, nat
from lbcheck.analysis.tuples.hops import FAMILIES, SOURCE_PORTS, Endpoints, Parts, Product, hop
from lbcheck.analysis.tuples.nat import Demand, Destinations
from lbcheck.model.address import Family
from lbcheck.model.cluster import Client, Cluster, Frontend, NatGateway, capacity_of
from lbcheck.model.opening import BindingMode, Opening

NAME, NAT_NAME = "client → VIP", "subscriber → NAT → service"
NAT_PORTS, BLOCKS, WANTED = "NAT ports", "port blocks", "connections wanted"


@dataclass(frozen=True)
class _Kind:
    """Client hosts that are alike to the arithmetic."""

    opening: Opening
    families: tuple[int, int]  # addresses of IPv4 and IPv6
    connections: int | None
    ipv6_share: float

    def with_family(self, version: Family, hosts: int) -> tuple[int, int]:
        """Return the addresses of a host, and how many of the hosts have them.

        Hosts without IPv6 are given an address where a share of their connections is to use it; where they want all
        they can, a share of the hosts is.
        """
        own = self.families[version == 6]
        if own or version == 4:
            return own, hosts
        return 1, ceil(hosts * self.ipv6_share) if self.connections is None else hosts * (self.ipv6_share > 0)

    def tuples(self, version: Family, endpoints: int, hosts: int) -> int:
        """Return what so many of them can hold to the endpoints of one family."""
        own, hosts = self.with_family(version, hosts)
        return binding.tuples(self.opening.binding, binding.usable_ports(self.opening), own, endpoints) * hosts

    def wanted(self, version: Family, endpoints: Endpoints) -> int | None:
        """Return how many connections of one family a host wants; None: as many as it can."""
        if self.connections is None:
            return None
        six = int(self.connections * self.ipv6_share) if endpoints[6] else 0
        return six if version == 6 else self.connections - six

    def product(self, version: Family, endpoints: int, clients: Sequence[Client]) -> Product:
        """Return the Product row for what `tuples()` counts."""
        hosts, who = _hosts(clients), tuple(client.name for client in clients)
        law, (own, having) = binding.LAWS[self.opening.binding], self.with_family(version, hosts)
        sources, ports = having * (own if law.every_source else 1), binding.usable_ports(self.opening)
        predicted = self.tuples(version, endpoints, hosts)
        return Product(NAME, version, self.opening.binding, sources, endpoints, ports, predicted, law.refusal, who=who)


def _hosts(clients: Sequence[Client]) -> int:
    return sum(client.hosts for client in clients)


def _kind(client: Client) -> _Kind:
    capacity = capacity_of(client)
    return _Kind(capacity.opening, client.families, capacity.connections, capacity.ipv6_share)


def _alike(client: Client) -> tuple[object, ...]:
    """Return a key by identity: hosts mostly share one record, and ten thousand are told apart faster so."""
    return id(client.holds), client.families


def _kinds(clients: Sequence[Client]) -> Mapping[_Kind, Sequence[Client]]:
    """Return the clients of each kind."""
    alike: dict[tuple[object, ...], list[Client]] = {}
    for client in clients:
        alike.setdefault(_alike(client), []).append(client)
    found: dict[_Kind, list[Client]] = {}
    for members in alike.values():
        found.setdefault(_kind(members[0]), []).extend(members)
    return found


def wish(clients: Sequence[Client]) -> int | None:
    """Return how many connections the clients want between them; None: as many as they can."""
    wanted = [(capacity_of(client).connections, client.hosts) for client in clients]
    if not wanted:
        return None
    return None if any(each is None for each, _ in wanted) else sum((each or 0) * hosts for each, hosts in wanted)


def endpoints(cluster: Cluster, frontends: Sequence[Frontend]) -> Endpoints:
    """Return D: addresses × ports of all these frontends."""
    return {v: sum(len(cluster.addresses(f, v)) * len(capacity_of(f).ports) for f in frontends) for v in FAMILIES}


def direct(clients: Sequence[Client], towards: Endpoints, families: Sequence[Family] = FAMILIES) -> Parts:
    """Return the parts that no NAT translates."""
    parts = Parts()
    for kind, members in _kinds(clients).items():
        hosts = _hosts(members)
        for version in families:
            count, wanted = kind.tuples(version, towards[version], hosts), kind.wanted(version, towards)
            if count:
                parts.lanes.append({SOURCE_PORTS: count} | ({} if wanted is None else {WANTED: wanted * hosts}))
                parts.products.append(kind.product(version, towards[version], members))
                parts.rates.append(binding.connections_a_second(count, kind.opening))
    return parts


def translated(cluster: Cluster, gateway: NatGateway, frontends: Sequence[Frontend]) -> Parts:
    """Return a part for each outside address of a NAT."""
    behind, towards = cluster.behind.get(gateway.name, ()), endpoints(cluster, frontends)
    addresses = {address for frontend in frontends for address in cluster.addresses(frontend, 4)}
    destinations, demands = Destinations(len(addresses), towards[4]), _demands(behind, towards)
    if not demands:
        return Parts()
    parts, capacity, most = Parts(), capacity_of(gateway), nat.most(gateway, demands, destinations)
    for outside in nat.carry(gateway, demands, destinations):
        lane = {NAT_PORTS: most, SOURCE_PORTS if wish(behind) is None else WANTED: outside.wanted}
        parts.lanes.append(lane if outside.held == min(lane.values()) else lane | {BLOCKS: outside.held})
        product = (1, destinations.endpoints, nat.usable_ports(gateway), outside.held)
        refusal, who = "silence, until the client gives up", tuple(client.name for client in behind)
        parts.products.append(Product(NAT_NAME, 4, capacity.mapping, *product, refusal, outside, who))
    untranslated = direct(behind, towards, families=(4,)).rates
    own = sum(rate for rate in untranslated if rate is not None) if None not in untranslated else None
    rates = [rate for rate in (own, nat.connections_a_second(gateway, destinations)) if rate is not None]
    parts.rates.append(min(rates, default=None))
    if capacity.conntrack_max is not None:  # of the whole gateway: one lane
        together = hop(NAT_NAME, parts)
        parts.lanes = [{together.limits[0][0]: together.holds, "nf_conntrack_max": capacity.conntrack_max}]
    return parts


def _demands(clients: Sequence[Client], towards: Endpoints) -> list[Demand]:
    """Return what each subscriber sends through its NAT: what it wants, or what its own source ports allow.

    A host with several addresses is so many subscribers: the NAT knows them by nothing else.
    """
    found = []
    sizes: dict[tuple[object, ...], int] = {}
    for client in clients:
        key = _alike(client)
        if key not in sizes:
            most, wanted = _kind(client).tuples(4, towards[4], 1), _kind(client).wanted(4, towards)
            sizes[key] = most if wanted is None else min(most, wanted)
        reuses = capacity_of(client).opening.binding is BindingMode.EXPLICIT
        inside = subscribers(client)
        for number, address in enumerate(inside):
            size = sizes[key] // len(inside) + (number < sizes[key] % len(inside))
            found += [Demand(address, size, client.hosts, reuses)] if size else []
    return found


def subscribers(client: Client) -> tuple[str, ...]:
    """Return the IPv4 addresses that a client uses; one without a name where none is known."""
    four = tuple(address for address in client.addresses if ":" not in address)
    law = binding.LAWS[capacity_of(client).opening.binding]
    return (four if law.every_source else four[:1]) or ("",)
