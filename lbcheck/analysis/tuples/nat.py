"""How many connections a NAT carries: which outside address a subscriber gets, and how many mappings its ports give.

The words are those of RFC 4787 (mapping behaviour, pooling), RFC 6888 (subscriber) and RFC 7422 (port block).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lbcheck.analysis.tuples.dealing import evenly, rounded_up
from lbcheck.analysis.tuples.linux_hash import linux_choice
from lbcheck.model.cluster import NatGateway, capacity_of
from lbcheck.model.nat import AddressChoice, MappingBehaviour


@dataclass(frozen=True)
class Demand:
    """What `hosts` subscribers want: `connections` each, spread evenly over the destinations."""

    address: str  # the inside address; empty: not known
    connections: int
    hosts: int = 1
    reuses_ports: bool = True  # a subscriber uses one inside port for every destination, as explicit binding does


@dataclass(frozen=True)
class Destinations:
    """What subscribers connect to: `endpoints` address:port pairs on `addresses` addresses."""

    addresses: int
    endpoints: int


@dataclass(frozen=True)
class Outside:
    """One outside address: its subscribers, the connections that they want, and those that it carries.

    Which subscriber gets a free port is a race, so only the total is predicted.
    """

    address: str
    subscribers: int
    wanted: int
    held: int


# --- which outside address: pooling ---


def on_address(gateway: NatGateway, outside: str, inside: Sequence[str]) -> tuple[str, ...]:
    """Return the inside addresses that get an outside address; none where that is not known before they connect."""
    capacity = capacity_of(gateway)
    if capacity.choice is not AddressChoice.LINUX_HASH or capacity.in_blocks:
        return tuple(inside) if len(gateway.addresses) == 1 else ()
    pool_size = len(gateway.addresses)
    index = gateway.addresses.index(outside)
    return tuple(address for address in inside if address and linux_choice(address, pool_size) == index)


# A demand, and how many of its hosts are on one outside address.
Placed = tuple[Demand, int]


def _placements(gateway: NatGateway, demands: Sequence[Demand]) -> list[list[Placed]]:
    """Return, for each outside address, which demands are on it."""
    capacity = capacity_of(gateway)
    pool_size = len(gateway.addresses)
    if capacity.choice is AddressChoice.ROUND_ROBIN and not capacity.in_blocks:
        return _arbitrary_pooling(demands, pool_size)
    subscribers = sum(demand.hosts for demand in demands)
    on_each: list[list[Placed]] = [[] for _ in gateway.addresses]
    outside_of = _paired_pooling(gateway, subscribers)
    number = 0  # of the demand's first host, among all subscribers
    for demand in demands:
        if demand.hosts == 1:
            on_each[outside_of(demand.address, number)].append((demand, 1))
        else:  # the hosts' addresses are not known: they are dealt out, the next outside address first
            shares = evenly(demand.hosts, pool_size)
            for index in range(pool_size):
                hosts = shares[(index - number) % pool_size]
                if hosts:
                    on_each[index].append((demand, hosts))
        number += demand.hosts
    return on_each


def _paired_pooling(gateway: NatGateway, subscribers: int) -> Callable[[str, int], int]:
    """Return how a subscriber gets the outside address that it keeps (RFC 4787, 4.1: paired pooling).

    The function takes its inside address and its number among all subscribers, and returns the outside one's index.
    """
    capacity = capacity_of(gateway)
    pool_size = len(gateway.addresses)
    hashed = capacity.choice is AddressChoice.LINUX_HASH and not capacity.in_blocks
    on_one_address = rounded_up(subscribers, pool_size)

    def index(inside: str, number: int) -> int:
        if hashed and inside:
            return linux_choice(inside, pool_size)
        if capacity.deterministic:  # one outside address is filled after the other (RFC 7422)
            return number // on_one_address
        return number % pool_size

    return index


def _arbitrary_pooling(demands: Sequence[Demand], pool_size: int) -> list[list[Placed]]:
    """Return the same for arbitrary pooling: each subscriber has an even part of its connections on each address."""
    connections = sum(demand.connections * demand.hosts for demand in demands)
    on_each: list[list[Placed]] = []
    for share in evenly(connections, pool_size):
        demand = Demand("", share, reuses_ports=_all_reuse_ports(demands))
        on_each.append([(demand, 1)] if share else [])
    return on_each


def _all_reuse_ports(demands: Sequence[Demand]) -> bool:
    return all(demand.reuses_ports for demand in demands)


# --- how many connections: mappings ---


def usable_ports(gateway: NatGateway) -> int:
    """Return how many ports of one outside address can be in use at once towards one destination."""
    return capacity_of(gateway).usable(gateway.ports)


def block_size(gateway: NatGateway, subscribers: int) -> int | None:
    """Return how many ports the block of one subscriber has; None: all subscribers share the ports.

    Deterministic (RFC 7422): ⌊usable ports ÷ ⌈subscribers ÷ addresses⌉⌋.
    """
    capacity = capacity_of(gateway)
    if capacity.deterministic:
        on_one_address = rounded_up(subscribers, len(gateway.addresses))
        return usable_ports(gateway) // max(1, on_one_address)
    for up_to, ports in capacity.blocks_by_subscribers:
        if subscribers <= up_to:
            return ports
    return 0 if capacity.blocks_by_subscribers else capacity.block_ports


@dataclass(frozen=True)
class _Mappings:
    """How connections become mappings on one outside address.

    A mapping serves one group of destinations: all of them, those of one address, or one endpoint. The mapping
    behaviour says which (RFC 4787, 4.1). So each port gives a mapping for each group.
    """

    ports: int  # of the outside address
    block: int | None  # of them for each subscriber; None: all subscribers share them
    groups: int  # of destinations
    endpoints: int  # in all groups; at least 1
    reuse: bool  # every subscriber uses an inside port again for each destination

    @property
    def in_group(self) -> int:
        """Endpoints of one group."""
        return self.endpoints // self.groups

    def of_one(self, demand: Demand) -> int:
        """Return how many mappings one subscriber wants for each group."""
        to_one_endpoint = rounded_up(demand.connections, self.endpoints)
        if self.reuse:
            return to_one_endpoint
        return to_one_endpoint * self.in_group

    def of_all(self, placed: Sequence[Placed]) -> int:
        """Return how many mappings the subscribers can use for each group, within their blocks where they have any."""
        if self.block is None:
            return sum(self.of_one(demand) * hosts for demand, hosts in placed)
        blocks_left = self.ports // self.block if self.block else 0
        mappings = 0
        for demand, hosts in placed:
            served = min(hosts, blocks_left)
            blocks_left -= served
            mappings += served * min(self.block, self.of_one(demand))
        return mappings

    def connections(self, placed: Sequence[Placed]) -> int:
        """Return how many connections the outside address carries, if the subscribers want enough of them.

        A mapping carries one connection to each endpoint of its group where inside ports are used again. Else which
        subscriber gets a port decides, and one connection for each mapping is certain.
        """
        mappings = min(self.ports, self.of_all(placed)) * self.groups
        if self.reuse:
            return mappings * self.in_group
        return mappings


def carry(gateway: NatGateway, demands: Sequence[Demand], destinations: Destinations) -> tuple[Outside, ...]:
    """Return what each outside address carries: min(ports, mappings wanted) for each group of destinations, exact."""
    if not destinations.endpoints:
        return tuple(Outside(address, 0, 0, 0) for address in gateway.addresses)
    mappings = _Mappings(
        ports=usable_ports(gateway),
        block=block_size(gateway, sum(demand.hosts for demand in demands)),
        groups=_groups(gateway, destinations),
        endpoints=destinations.endpoints,
        reuse=_all_reuse_ports(demands),
    )
    outsides = []
    for address, placed in zip(gateway.addresses, _placements(gateway, demands), strict=True):
        subscribers = sum(hosts for _, hosts in placed)
        wanted = sum(demand.connections * hosts for demand, hosts in placed)
        outsides.append(Outside(address, subscribers, wanted, min(wanted, mappings.connections(placed))))
    return tuple(outsides)


def _groups(gateway: NatGateway, destinations: Destinations) -> int:
    """Return how many groups of destinations there are: a port serves once for each."""
    match capacity_of(gateway).mapping:
        case MappingBehaviour.ENDPOINT_INDEPENDENT:
            return 1
        case MappingBehaviour.ADDRESS_DEPENDENT:
            return destinations.addresses
        case MappingBehaviour.ADDRESS_AND_PORT_DEPENDENT:
            return destinations.endpoints


def most_on_one_address(gateway: NatGateway, demands: Sequence[Demand], destinations: Destinations) -> int:
    """Return how many connections one outside address carries at most, however its subscribers are placed."""
    groups = _groups(gateway, destinations)
    mappings = usable_ports(gateway) * groups
    if groups and _all_reuse_ports(demands):
        return mappings * (destinations.endpoints // groups)
    return mappings


def held(outsides: Sequence[Outside]) -> int:
    """Return how many connections all outside addresses carry."""
    return sum(outside.held for outside in outsides)


def connections_a_second(gateway: NatGateway, destinations: Destinations) -> float | None:
    """Return the highest rate of short connections through all outside addresses; None: a port is free at once."""
    rest_s = capacity_of(gateway).hold_down_s
    if not rest_s:
        return None
    return usable_ports(gateway) * len(gateway.addresses) * _groups(gateway, destinations) / rest_s
