"""Servers that come, go or stay away during a run, and the steady parts that this cuts a run into."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from lbcheck.analysis import silence
from lbcheck.analysis.order.stretches import each_in_one_stretch, few_changes, fewer_changes_than_draws
from lbcheck.analysis.order.swing import widest_swing

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


def absences(order: Sequence[str], shares: Mapping[str, float] | None = None) -> tuple[Absence, ...]:
    """Return which servers came, went or stayed away for longer than draws explain, in the order of their starts.

    `shares`: server → share, 0 to 1, where they were told: fewer requests are enough then. Otherwise the order alone
    must tell: given the counts, draws permute it. A cycle has shorter gaps than draws, so it raises no false alarm
    either. Where answers come in bunches a long gap means nothing, and there are none.
    """
    found = long_gaps(order, shares or {})
    return () if in_bunches(order, found) else found


def long_gaps(order: Sequence[str], shares: Mapping[str, float]) -> tuple[Absence, ...]:
    """Return the gaps between a server's answers that draws do not explain, whether answers come in bunches or not."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(order):
        places.setdefault(name, []).append(place)
    found: list[Absence] = []
    servers = len({*places, *shares})
    for name, at in places.items():
        told = shares.get(name, 0.0)
        known = 0 < told < 1
        enough = (
            silence.longest(told, len(order), servers, GAP_CHANCE)
            if known
            else _telling_gap_of_order(len(at), len(order), servers)
        )
        gaps = zip((0, *(place + 1 for place in at)), (*at, len(order)), strict=True)
        found += [Absence(name, start, end, len(order)) for start, end in gaps if end - start >= enough]
    return tuple(sorted(found, key=lambda absence: (absence.start, absence.end)))


def in_bunches(order: Sequence[str], found: Sequence[Absence]) -> bool:
    """Return whether a server's answers come in stretches that return: kept connections, a cycle in blocks.

    Neither gaps nor evenness tell anything then. `found`: the long gaps, where shares may have changed.
    """
    if each_in_one_stretch(order):
        return False
    # A share that changed makes changes fewer, too, so the run is cut where its shares are most likely to have changed.
    cuts = sorted({*_cuts(found, len(order)), widest_swing(order).furthest})
    return few_changes(order) or fewer_changes_than_draws(order[start:end] for start, end in pairwise(cuts))


def steady_parts(order: Sequence[str], shares: Mapping[str, float] | None = None) -> tuple[Part, ...]:
    """Return the parts of a run between which a server came or went; one part if none did.

    A piece of fewer than SHORTEST_PART answers between two cuts belongs to the change and to no part.
    """
    away = absences(order, shares)
    names = tuple(dict.fromkeys(order))
    return tuple(
        Part(start, end, tuple(name for name in names if not _is_away(name, start, end, away)))
        for start, end in pairwise(_cuts(away, len(order)))
        if not away or end - start >= SHORTEST_PART
    )


def _cuts(away: Sequence[Absence], total: int) -> list[int]:
    return sorted({0, total, *(edge for absence in away for edge in (absence.start, absence.end))})


def _is_away(name: str, start: int, end: int, away: Sequence[Absence]) -> bool:
    return any(absence.server == name and absence.start <= start and end <= absence.end for absence in away)


@lru_cache(maxsize=4096)  # many servers gave equally many answers
def _telling_gap_of_order(answers: int, total: int, servers: int) -> int:
    """Return the shortest gap that tells, by GAP_CHANCE, of a server that gave so many of the answers.

    A random order has a certain one of its answers + 1 gaps that long with chance C(total − gap, answers) ÷
    C(total, answers), which is never more than (1 − answers ÷ total) ^ gap.
    """
    rare = math.log(GAP_CHANCE / (answers + 1) / servers) + _log_choose(total, answers)
    gaps = range(total - answers + 1)
    return bisect_left(gaps, -rare, key=lambda gap: -_log_choose(total - gap, answers))


def _log_choose(things: int, chosen: int) -> float:
    return math.lgamma(things + 1) - math.lgamma(chosen + 1) - math.lgamma(things - chosen + 1)
