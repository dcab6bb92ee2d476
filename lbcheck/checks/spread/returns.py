"""What came back of the requests to each balancer: answers by server and status, answers without a name, and losses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.ways import Way, summed, ways
from lbcheck.model.asked import Asked
from lbcheck.model.requests import Count
from lbcheck.model.step import ErrorKind

Statuses = Mapping[str, Mapping[str, int]]  # server → HTTP status → answers

# Errors that say something of the probe, and not of the fleet.
OURS = (ErrorKind.UNIDENTIFIED, ErrorKind.PORTS_EXHAUSTED, ErrorKind.INTERNAL, ErrorKind.DENIED)


@dataclass(frozen=True)
class Returns:
    """What came back of the requests to one balancer, or to all.

    `balancer`: None for all. `ways`: to its addresses. `servers`: server → HTTP status → answers that name it; an empty
    status: it was not kept.
    """

    balancer: str | None
    asked: Asked
    ways: tuple[Way, ...]
    servers: Statuses

    @cached_property
    def errors(self) -> Mapping[str, int]:
        """Kind of error → requests without an answer."""
        return summed(way.unanswered for way in self.ways)

    @cached_property
    def nameless(self) -> Mapping[str, int]:
        """HTTP status → answers that name no server."""
        return summed(way.nameless for way in self.ways)

    @cached_property
    def answered(self) -> Mapping[str, int]:
        """Server → answers that name it."""
        return {name: sum(statuses.values()) for name, statuses in self.servers.items()}

    @cached_property
    def named(self) -> int:
        """Number of answers that name a server."""
        return sum(self.answered.values())

    @cached_property
    def sent(self) -> int:
        """Number of requests."""
        return sum(self.errors.values()) + sum(self.nameless.values()) + self.named

    @cached_property
    def failed(self) -> int:
        """Number of requests that were lost on the way, or got a wrong status from somebody who gave no name."""
        lost = sum(count for kind, count in self.errors.items() if kind not in OURS)
        return lost + self._wrong(self.nameless)

    @cached_property
    def lost(self) -> int:
        """Number of all requests that were lost or got a wrong status."""
        return self.failed + sum(self._wrong(statuses) for statuses in self.servers.values())

    def right(self, status: str) -> bool:
        """Return whether a status is right: one that the user expects, or, if nobody said, none from 500 on."""
        expect = self.asked.expect
        return status in expect or f"{status[:1]}xx" in expect if expect else status < "500"

    def _wrong(self, statuses: Mapping[str, int]) -> int:
        return sum(count for status, count in statuses.items() if status and not self.right(status))


ByBalancer = Mapping[str | None, Returns]


def returns(seen: Observations) -> ByBalancer:
    """Return what came back, by balancer: its answers, and what failed at its addresses. None: of all balancers."""
    every = ways(seen)
    counts: dict[str, list[Count]] = {}
    for count in (count for answers in seen.answers for count in answers.counts):
        counts.setdefault(count.balancer, []).append(count)
    servers: dict[str | None, Statuses] = {name: _by_server(those) for name, those in counts.items()}
    servers[None] = _together(servers.values()) if len(servers) != 1 else next(iter(servers.values()))
    by_home: dict[str | None, list[Way]] = {None: every, **{name: [] for name in seen.told_apart}}
    for way in every:
        if way.balancer:
            by_home.setdefault(way.balancer, []).append(way)
    return {name: Returns(name, seen.asked, tuple(own), servers.get(name, {})) for name, own in by_home.items()}


def _together(parts: Iterable[Statuses]) -> Statuses:
    every = list(parts)
    names = dict.fromkeys(name for part in every for name in part)
    return {name: summed(part[name] for part in every if name in part) for name in names}


def apart(parts: ByBalancer) -> list[Returns]:
    """Return what is judged by itself: the requests of each balancer whose addresses were asked, or all as one."""
    homes = list(dict.fromkeys(way.balancer for way in parts[None].ways))
    return [parts[None]] if "" in homes or len(homes) < 2 else [parts[home] for home in homes]


def _by_server(counts: Iterable[Count]) -> Statuses:
    found: dict[str, dict[str, int]] = {}
    for count in counts:
        statuses = found.setdefault(count.server, {})
        for status, number in count.statuses.items():
            statuses[status] = statuses.get(status, 0) + number
        if unknown := count.requests - sum(count.statuses.values()):
            statuses[""] = statuses.get("", 0) + unknown
    return found
