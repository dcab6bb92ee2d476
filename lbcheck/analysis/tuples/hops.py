"""Hops in a row, and the limit that binds first.

A hop has lanes in parallel: client hosts, outside addresses, balancers or servers. Each lane has its own limits and
holds what the lowest of them allows. A hop holds the sum of its lanes, or what fits until its first server is full.
A path holds what its lowest hop holds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lbcheck.analysis.tuples.nat import Outside
from lbcheck.model.address import Family

SOURCE_PORTS = "source ports"
Lane = Mapping[str, int]  # limit → how many connections it allows
Endpoints = Mapping[Family, int]  # family → address:port pairs to connect to


@dataclass(frozen=True)
class TupleProduct:
    """What hosts of one shape open on one hop: `sources` addresses with `ports` ports each, towards `endpoints`."""

    hop: str
    family: Family
    binding: str  # the hosts' binding mode; of a NAT, its mapping behaviour
    sources: int
    endpoints: int
    ports: int
    predicted: int
    refusal: str  # what the program that opens connections sees at the limit
    outside: Outside | None = None  # the NAT's outside address; None: no NAT
    who: tuple[str, ...] = ()  # the hosts that open these; of a NAT, its subscribers


@dataclass
class Parts:
    """The lanes, products and rates that a hop is made of.

    `rates` are short connections a second, one for each product; None: TIME_WAIT sets no limit.
    """

    lanes: list[Lane] = field(default_factory=list)
    products: list[TupleProduct] = field(default_factory=list)
    rates: list[float | None] = field(default_factory=list)

    def add(self, other: "Parts") -> None:
        """Append the parts of another."""
        self.lanes += other.lanes
        self.products += other.products
        self.rates += other.rates


@dataclass(frozen=True)
class Hop:
    """How many connections one hop holds.

    `limits`: (limit, connections that it would allow alone), the one that binds first.
    """

    name: str
    holds: int
    limits: tuple[tuple[str, int], ...]
    products: tuple[TupleProduct, ...] = ()
    a_second: float | None = None  # short connections a second; None: TIME_WAIT sets no limit


@dataclass(frozen=True)
class Path:
    """Hops in a row; with `bypass`, a second way in parallel to them.

    `wanted`: the connections that the clients want to hold; None: as many as they can.
    """

    subject: str
    hops: tuple[Hop, ...]
    wanted: int | None = None
    bypass: Hop | None = None

    @property
    def every_hop(self) -> tuple[Hop, ...]:
        """The hops in a row, then the bypass if there is one."""
        if not self.bypass:
            return self.hops
        return (*self.hops, self.bypass)

    @property
    def narrowest(self) -> Hop:
        """The hop that holds the fewest connections; of equal ones the last."""
        return min(reversed(self.hops), key=lambda hop: hop.holds)

    @property
    def holds(self) -> int:
        """How many connections the whole path holds."""
        if not self.bypass:
            return self.narrowest.holds
        return self.narrowest.holds + self.bypass.holds

    @property
    def limit(self) -> str:
        """What runs out first."""
        return self.narrowest.limits[0][0]


def hop(name: str, parts: Parts, *, combine: Callable[[Sequence[int]], int] | None = None) -> Hop:
    """Return the hop of these parts. `combine` turns the lanes' capacities into the hop's; None: their sum."""
    lanes = parts.lanes or [{SOURCE_PORTS: 0}]
    capacities = [min(lane.values()) for lane in lanes]
    whole = combine or sum
    alone = _alone(lanes, capacities, whole)
    ended = _ended_by(lanes, capacities)

    def by_connections_ended(limit: str) -> tuple[int, int]:
        return -ended[limit], alone[limit]

    def by_lowest(limit: str) -> tuple[int, int]:
        return alone[limit], -ended[limit]

    # In a sum, the limit that ends the most connections binds first; where one full server ends all, the lowest limit.
    order = sorted(alone, key=by_lowest if combine else by_connections_ended)
    limits = tuple((limit, alone[limit]) for limit in order)
    return Hop(name, whole(capacities), limits, tuple(parts.products), _total_rate(parts.rates))


def _alone(lanes: Sequence[Lane], capacities: Sequence[int], whole: Callable[[Sequence[int]], int]) -> dict[str, int]:
    """Return, for each limit, what the hop would hold if no other limit bound the lanes that have it."""
    alone = {}
    for limit in dict.fromkeys(limit for lane in lanes for limit in lane):
        # A lane without this limit counts with its own capacity.
        alone[limit] = whole([lane.get(limit, capacity) for lane, capacity in zip(lanes, capacities, strict=True)])
    return alone


def _ended_by(lanes: Sequence[Lane], capacities: Sequence[int]) -> Counter[str]:
    """Return, for each limit, how many connections there are in the lanes where it is the lowest."""
    ended = Counter[str]()
    for lane, capacity in zip(lanes, capacities, strict=True):
        lowest = min(lane, key=lane.__getitem__)
        ended[lowest] += capacity
    return ended


def _total_rate(rates: Sequence[float | None]) -> float | None:
    """Return the short connections a second of all parts; None where one of them has no limit, or there is none."""
    limited = [rate for rate in rates if rate is not None]
    if not limited or len(limited) < len(rates):
        return None
    return sum(limited)
