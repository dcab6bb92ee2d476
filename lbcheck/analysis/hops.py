"""Hops in a row, and the limit that binds first.

A hop is a row of lanes side by side (client hosts, outside addresses, balancers, servers), each with its own
limits. A lane holds what its lowest limit allows, a hop the sum of its lanes (or what fits until its first server is
full), a path what its lowest hop holds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lbcheck.analysis.nat import Outside
from lbcheck.model.address import Family

FAMILIES: tuple[Family, Family] = (4, 6)
SOURCE_PORTS = "source ports"
Lane = Mapping[str, int]  # limit → how many connections it allows
Endpoints = Mapping[Family, int]  # how many address:port pairs there are of each family


@dataclass(frozen=True)
class Step:
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
    steps: list[Step] = field(default_factory=list)
    rates: list[float | None] = field(default_factory=list)

    def add(self, other: "Parts") -> None:
        """Put another's beside them."""
        self.lanes += other.lanes
        self.steps += other.steps
        self.rates += other.rates


@dataclass(frozen=True)
class Hop:
    """What one hop holds; `limits` are what each of its limits would allow alone, the one that binds first."""

    name: str
    holds: int
    limits: tuple[tuple[str, int], ...]
    steps: tuple[Step, ...] = ()
    a_second: float | None = None  # short connections, where a port rests after each; None: no such limit


@dataclass(frozen=True)
class Path:
    """Hops in a row, or with `past` two ways side by side: through the hop, and past it.

    `wanted` is what the clients want to hold; None: all they can.
    """

    subject: str
    hops: tuple[Hop, ...]
    wanted: int | None = None
    past: Hop | None = None

    @property
    def narrowest(self) -> Hop:
        """The hop that binds; of two alike the later one."""
        return min(reversed(self.hops), key=lambda hop: hop.holds)

    @property
    def holds(self) -> int:
        """How many connections the whole path holds."""
        return self.narrowest.holds + (self.past.holds if self.past else 0)

    @property
    def limit(self) -> str:
        """What runs out first."""
        return self.narrowest.limits[0][0]


def hop(name: str, parts: Parts, together: Callable[[Sequence[int]], int] = sum) -> Hop:
    """Return the hop of these parts; `together` says what lanes of such sizes hold between them."""
    lanes = parts.lanes or [{SOURCE_PORTS: 0}]
    lows = [min(lane.values()) for lane in lanes]
    ends = Counter[str]()  # limit → connections that end there
    for lane, low in zip(lanes, lows, strict=True):
        ends[min(lane, key=lane.__getitem__)] += low
    alone = {}
    for limit in dict.fromkeys(limit for lane in lanes for limit in lane):
        # A lane without this limit counts with its own lowest.
        alone[limit] = together([lane.get(limit, low) for lane, low in zip(lanes, lows, strict=True)])
    # In a sum the limit binds where most connections end; where one server ends all, the limit that is the lowest.
    order = {limit: (-ends[limit], size) if together is sum else (size, -ends[limit]) for limit, size in alone.items()}
    limits = tuple(sorted(alone.items(), key=lambda item: order[item[0]]))
    known = [rate for rate in parts.rates if rate is not None]
    a_second = sum(known) if known and len(known) == len(parts.rates) else None
    return Hop(name, together(lows), limits, tuple(parts.steps), a_second)
