"""Hops in a row, and the limit that binds first.

A hop is a row of lanes side by side (client hosts, outside addresses, balancers, servers), each with its own
limits. A lane holds what its lowest limit allows, a hop the sum of its lanes (or what fits until its first server is
full), a path what its lowest hop holds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lbcheck.analysis.tuples.nat import Outside
from lbcheck.model.address import Family

FAMILIES: tuple[Family, Family] = (4, 6)
SOURCE_PORTS = "source ports"
Lane = Mapping[str, int]  # limit → how many connections it allows
Endpoints = Mapping[Family, int]  # how many address:port pairs there are of each family


@dataclass(frozen=True)
class Product:
    """Hosts alike on one hop: `sources` addresses with `ports` ports each, towards `endpoints`."""

    hop: str
    family: Family
    binding: str
    sources: int
    endpoints: int
    ports: int
    predicted: int
    refusal: str  # what the one who opens sees at the limit
    outside: Outside | None = None  # of a NAT
    who: tuple[str, ...] = ()  # the hosts that open these; of a NAT, its subscribers'


@dataclass
class Parts:
    """What a hop is made of, gathered; `rates` are connections a second, None where ports need no rest."""

    lanes: list[Lane] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    rates: list[float | None] = field(default_factory=list)

    def add(self, other: "Parts") -> None:
        """Put another's beside them."""
        self.lanes += other.lanes
        self.products += other.products
        self.rates += other.rates


@dataclass(frozen=True)
class Hop:
    """What one hop holds; `limits` are what each of its limits would allow alone, the one that binds first."""

    name: str
    holds: int
    limits: tuple[tuple[str, int], ...]
    products: tuple[Product, ...] = ()
    a_second: float | None = None  # short connections, where a port rests after each; None: no such limit


@dataclass(frozen=True)
class Path:
    """Hops in a row, or with `bypass` two ways side by side: through the hop, and past it.

    `wanted` is what the clients want to hold; None: all they can.
    """

    subject: str
    hops: tuple[Hop, ...]
    wanted: int | None = None
    bypass: Hop | None = None

    @property
    def every_hop(self) -> tuple[Hop, ...]:
        """The hops, and the one past them where there is one."""
        return (*self.hops, self.bypass) if self.bypass else self.hops

    @property
    def narrowest(self) -> Hop:
        """The hop that binds; of two alike the later one."""
        return min(reversed(self.hops), key=lambda hop: hop.holds)

    @property
    def holds(self) -> int:
        """How many connections the whole path holds."""
        return self.narrowest.holds + (self.bypass.holds if self.bypass else 0)

    @property
    def limit(self) -> str:
        """What runs out first."""
        return self.narrowest.limits[0][0]


def hop(name: str, parts: Parts, *, combine: Callable[[Sequence[int]], int] | None = None) -> Hop:
    """Return the hop of these parts. `combine` turns the lanes' capacities into the hop's; None: their sum."""
    whole = combine or sum
    lanes = parts.lanes or [{SOURCE_PORTS: 0}]
    lows = [min(lane.values()) for lane in lanes]
    ends = Counter[str]()  # limit → connections that end there
    for lane, low in zip(lanes, lows, strict=True):
        ends[min(lane, key=lane.__getitem__)] += low
    alone = {}
    for limit in dict.fromkeys(limit for lane in lanes for limit in lane):
        # A lane without this limit counts with its own lowest.
        alone[limit] = whole([lane.get(limit, low) for lane, low in zip(lanes, lows, strict=True)])

    def binds_first(item: tuple[str, int]) -> tuple[int, int]:
        # In a sum the limit binds where most connections end; where one server ends all, the limit that is the lowest.
        limit, size = item
        return (size, -ends[limit]) if combine else (-ends[limit], size)

    known = [rate for rate in parts.rates if rate is not None]
    a_second = sum(known) if known and len(known) == len(parts.rates) else None
    return Hop(name, whole(lows), tuple(sorted(alone.items(), key=binds_first)), tuple(parts.products), a_second)
