"""How many connections a NAT carries: which outside address a subscriber gets, and how far its ports reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lbcheck.model.address import parsed
from lbcheck.model.cluster import NatGateway, capacity_of
from lbcheck.model.nat import AddressChoice, MappingBehaviour

_MASK = 0xFFFFFFFF
_JHASH_INITVAL = 0xDEADBEEF  # include/linux/jhash.h


@dataclass(frozen=True)
class Demand:
    """What `hosts` subscribers want: so many connections each, spread evenly over the destinations."""

    address: str  # the inside address; empty: not known
    connections: int
    hosts: int = 1
    reuses_ports: bool = True  # one inside port for every destination, as explicit binding does


@dataclass(frozen=True)
class Destinations:
    """What subscribers connect to: address:port pairs, on so many addresses."""

    addresses: int
    endpoints: int


@dataclass(frozen=True)
class Outside:
    """One outside address: the subscribers on it, what they want, and what it carries. Whose those are is a race."""

    address: str
    subscribers: int
    wanted: int
    held: int


# --- which outside address ---


def jhash2(words: Sequence[int], initval: int) -> int:
    """Return the kernel's hash of an array of 32-bit words (include/linux/jhash.h, jhash2)."""
    a = b = c = (_JHASH_INITVAL + (len(words) << 2) + initval) & _MASK
    rest = list(words)
    while len(rest) > 3:
        a, b, c = _mix((a + rest[0]) & _MASK, (b + rest[1]) & _MASK, (c + rest[2]) & _MASK)
        rest = rest[3:]
    if not rest:
        return c
    a, b, c = ((old + new) & _MASK for old, new in zip((a, b, c), (*rest, 0, 0), strict=False))
    return _final(a, b, c)


def _rotate(word: int, shift: int) -> int:
    return ((word << shift) | (word >> (32 - shift))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for one, two, three in ((4, 6, 8), (16, 19, 4)):
        a = ((a - c) & _MASK) ^ _rotate(c, one)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rotate(a, two)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rotate(b, three)
        b = (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    for one, two, three in ((14, 11, 25), (16, 4, 14)):
        c = ((c ^ b) - _rotate(b, one)) & _MASK
        a = ((a ^ c) - _rotate(c, two)) & _MASK
        b = ((b ^ a) - _rotate(a, three)) & _MASK
    return ((c ^ b) - _rotate(b, 24)) & _MASK


@lru_cache(maxsize=1 << 17)
def _hash_of(address: str) -> int:
    packed = parsed(address).packed.ljust(16, b"\0")
    # The kernel reads words in its own byte order; every machine that NATs nowadays is little-endian.
    return jhash2([int.from_bytes(packed[at : at + 4], "little") for at in range(0, 16, 4)], 0)


def linux_choice(address: str, pool_size: int) -> int:
    """Return the index of the outside address that `snat to A1-An persistent` gives an inside address.

    `jhash2(address as 16 zero-padded bytes, 0) × n >> 32`, without a seed (net/netfilter/nf_nat_core.c,
    find_best_ips_proto).
    """
    return _hash_of(address) * pool_size >> 32


def on_address(gateway: NatGateway, outside: str, inside: Sequence[str]) -> tuple[str, ...]:
    """Return which of the inside addresses get that outside address; none where it cannot be told beforehand."""
    capacity = capacity_of(gateway)
    if capacity.choice is not AddressChoice.LINUX_HASH or capacity.in_blocks:
        return tuple(inside) if len(gateway.addresses) == 1 else ()
    place = gateway.addresses.index(outside)
    return tuple(address for address in inside if address and linux_choice(address, len(gateway.addresses)) == place)


# --- how many connections ---


def usable_ports(gateway: NatGateway) -> int:
    """Return how many ports of one outside address can serve at once towards one destination."""
    return capacity_of(gateway).usable(gateway.ports)


def block_size(gateway: NatGateway, subscribers: int) -> int | None:
    """Return the ports that one subscriber is given for itself; None: all share.

    Deterministic (RFC 7422): ⌊usable ports ÷ ⌈subscribers ÷ addresses⌉⌋.
    """
    capacity = capacity_of(gateway)
    if capacity.deterministic:
        return usable_ports(gateway) // max(1, -(-subscribers // len(gateway.addresses)))
    for up_to, ports in capacity.blocks_by_subscribers:
        if subscribers <= up_to:
            return ports
    return 0 if capacity.blocks_by_subscribers else capacity.block_ports


def carry(gateway: NatGateway, demands: Sequence[Demand], destinations: Destinations) -> tuple[Outside, ...]:
    """Return what each outside address carries.

    A mapping serves one group of destinations (all, those of one address, or one endpoint: the mapping behaviour), so
    an outside address has `ports` mappings for each group: min(ports, mappings wanted there), exact. A mapping carries
    one connection to each endpoint of its group where the subscribers use an inside port again, else at least one.
    """
    groups, places = _groups(gateway, destinations), _placements(gateway, demands)
    if not destinations.endpoints:
        return tuple(Outside(address, 0, 0, 0) for address in gateway.addresses)
    in_group = destinations.endpoints // groups
    shared = all(demand.reuses_ports for demand in demands)  # else who gets a port decides: the fewest are counted
    ports, block = usable_ports(gateway), block_size(gateway, sum(demand.hosts for demand in demands))
    found = []
    for address, placed in zip(gateway.addresses, places, strict=True):
        mappings, left = 0, ports // block if block else 0  # blocks left on this address
        for demand, hosts in placed:
            to_each = -(-demand.connections // destinations.endpoints)
            each = to_each if shared else to_each * in_group
            served = hosts if block is None else min(hosts, left)
            left -= served
            mappings += served * (each if block is None else min(block, each))
        wanted = sum(demand.connections * hosts for demand, hosts in placed)
        mapped = min(ports, mappings) * groups
        total = min(wanted, mapped * (in_group if shared else 1))
        found.append(Outside(address, sum(hosts for _, hosts in placed), wanted, total))
    return tuple(found)


def _groups(gateway: NatGateway, destinations: Destinations) -> int:
    """Return how many times a port serves: once for each group of destinations."""
    return {
        MappingBehaviour.ENDPOINT_INDEPENDENT: 1,
        MappingBehaviour.ADDRESS_DEPENDENT: destinations.addresses,
        MappingBehaviour.ADDRESS_AND_PORT_DEPENDENT: destinations.endpoints,
    }[capacity_of(gateway).mapping]


def _placements(gateway: NatGateway, demands: Sequence[Demand]) -> list[list[tuple[Demand, int]]]:
    """Return, for each outside address, who is on it: a demand, and how many of its hosts."""
    size, capacity = len(gateway.addresses), capacity_of(gateway)
    places: list[list[tuple[Demand, int]]] = [[] for _ in gateway.addresses]
    hashed = capacity.choice is AddressChoice.LINUX_HASH and not capacity.in_blocks
    if capacity.choice is AddressChoice.ROUND_ROBIN and not capacity.in_blocks:
        return _arbitrary(demands, size)
    in_a_row = -(-sum(demand.hosts for demand in demands) // size)  # deterministic: address after address (RFC 7422)
    number = 0
    for demand in demands:
        if demand.hosts == 1 and demand.address and hashed:
            places[linux_choice(demand.address, size)].append((demand, 1))
        elif demand.hosts == 1:
            places[number // in_a_row if capacity.deterministic else number % size].append((demand, 1))
        else:  # addresses are not known: evenly
            for index in range(size):
                hosts = demand.hosts // size + ((index - number) % size < demand.hosts % size)
                places[index] += [(demand, hosts)] if hosts else []
        number += demand.hosts
    return places


def _arbitrary(demands: Sequence[Demand], size: int) -> list[list[tuple[Demand, int]]]:
    """Every subscriber uses every outside address, each for its part of the connections."""
    total = sum(demand.connections * demand.hosts for demand in demands)
    shares = [total // size + (index < total % size) for index in range(size)]
    shared = all(demand.reuses_ports for demand in demands)
    return [[(Demand("", share, reuses_ports=shared), 1)] if share else [] for share in shares]


def most(gateway: NatGateway, demands: Sequence[Demand], destinations: Destinations) -> int:
    """Return what one outside address carries at the most, whoever is on it."""
    groups = _groups(gateway, destinations)
    again = destinations.endpoints // groups if groups and all(demand.reuses_ports for demand in demands) else 1
    return usable_ports(gateway) * groups * again


def held(outsides: Sequence[Outside]) -> int:
    """Return what the whole pool carries."""
    return sum(outside.held for outside in outsides)


def connections_a_second(gateway: NatGateway, destinations: Destinations) -> float | None:
    """Return the highest rate of short connections through the whole pool; None: ports do not rest."""
    rest_s = capacity_of(gateway).hold_down_s
    if not rest_s:
        return None
    return usable_ports(gateway) * len(gateway.addresses) * _groups(gateway, destinations) / rest_s
