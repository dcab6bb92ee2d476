"""Servers that come, go or stay away during a run, and the steady parts that this cuts a run into."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from lbcheck.analysis.order.stretches import in_bunches

# That a healthy run shows any such gap. An absence is named in a verdict, so it has a tenth of a whole run's budget.
GAP_CHANCE = 1e-5
SHORTEST_PART = 24  # a shorter piece lies between two changes that belong together; nothing can be said of it


@dataclass(frozen=True)
class Absence:
    """A server that answered none of the requests `start` to `end` (counted from 0, without `end`) of `requests`."""

    server: str
    start: int
    end: int
    requests: int

    @property
    def sentence(self) -> str:
        """What was seen, and when."""
        if self.end == self.requests:
            return f"{self.server} last answered after {self.start:,} of {self.requests:,} requests"
        if not self.start:
            return f"{self.server} first answered after {self.end:,} of {self.requests:,} requests"
        return f"{self.server} did not answer between requests {self.start:,} and {self.end + 1:,} of {self.requests:,}"


class Part(NamedTuple):
    """A steady part: the answers from `start` up to, without, `end`, and the servers that were there."""

    start: int
    end: int
    names: tuple[str, ...]


def telling_gap(share: float, requests: int, servers: int) -> int:
    """Return how many requests in a row pass by a server, drawn with a known `share` (0 < share < 1), by GAP_CHANCE.

    Union bound over its `requests` · share + 1 gaps and over all servers.
    """
    gaps = (requests * share + 1) * servers
    return math.ceil(math.log(gaps / GAP_CHANCE) / -math.log1p(-share))


def absences(order: Sequence[str], shares: Mapping[str, float] | None = None) -> tuple[Absence, ...]:
    """Return which servers came, went or stayed away for longer than draws explain, in the order of their starts.

    `shares`: server → share, 0 to 1, where they were told: fewer requests are enough then. Otherwise the order alone
    must tell: given the counts, draws permute it. A cycle has shorter gaps than draws, so it raises no false alarm
    either. Where answers come in bunches a long gap means nothing, and there are none.
    """
    if in_bunches(order):
        return ()
    places: dict[str, list[int]] = {}
    for place, name in enumerate(order):
        places.setdefault(name, []).append(place)
    found = (
        Absence(name, start, end, len(order))
        for name, at in places.items()
        for start, end in _gaps(at, len(order))
        if _too_long(end - start, len(at), len(order), len(places), (shares or {}).get(name))
    )
    return tuple(sorted(found, key=lambda absence: (absence.start, absence.end)))


def steady_parts(order: Sequence[str], shares: Mapping[str, float] | None = None) -> tuple[Part, ...]:
    """Return the parts of a run between which a server came or went; one part if none did.

    A piece of fewer than SHORTEST_PART answers between two cuts belongs to the change and to no part.
    """
    away = absences(order, shares)
    cuts = sorted({0, len(order), *(edge for absence in away for edge in (absence.start, absence.end))})
    names = tuple(dict.fromkeys(order))
    return tuple(
        Part(start, end, tuple(name for name in names if not _is_away(name, start, end, away)))
        for start, end in pairwise(cuts)
        if not away or end - start >= SHORTEST_PART
    )


def _is_away(name: str, start: int, end: int, away: Sequence[Absence]) -> bool:
    return any(absence.server == name and absence.start <= start and end <= absence.end for absence in away)


def _gaps(places: Sequence[int], total: int) -> Iterator[tuple[int, int]]:
    """Yield the requests between a server's answers, before the first one and after the last one: from, up to."""
    yield from zip((0, *(place + 1 for place in places)), (*places, total), strict=True)


def _too_long(gap: int, answers: int, total: int, servers: int, share: float | None) -> bool:
    if share is not None and 0 < share < 1:
        return gap >= telling_gap(share, total, servers)
    return math.log((answers + 1) * servers) + _log_chance_of_gap(gap, answers, total) <= math.log(GAP_CHANCE)


def _log_chance_of_gap(gap: int, answers: int, total: int) -> float:
    """Return ln of the chance that a random order of `total` has a certain one of its answers + 1 gaps so long.

    It is C(total − gap, answers) ÷ C(total, answers), and never more than (1 − answers ÷ total) ^ gap.
    """
    more, fewer = math.lgamma(total - gap + 1), math.lgamma(total - gap - answers + 1)
    return more - fewer + math.lgamma(total - answers + 1) - math.lgamma(total + 1)
