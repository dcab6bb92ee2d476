"""Who is who, by counts: which names go with which things that were counted, if they fit in one way only."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import pairwise


@dataclass(frozen=True)
class Matching:
    """One way to give each name a thing of its own, and another one, if there is another.

    `found`: name → thing; None: there is no way. `other`: a way that differs from it; empty: it is the only one.
    """

    found: Mapping[str, str] | None
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def certain(self) -> bool:
        """Whether there is exactly one way."""
        return self.found is not None and not self.other


class Fit(IntEnum):
    """How well counts of a balancer fit those of the clients, from the worst to the best."""

    NO = auto()
    COVERS = auto()  # each of them, and perhaps requests of others
    EQUAL = auto()  # the same


@dataclass(frozen=True)
class Stretches:
    """Which things fit each name by counts: a stretch of `things`, which are in the order of their counts.

    `ends`: name → where its stretch begins, and where it has ended.
    """

    things: Sequence[str]
    ends: Mapping[str, tuple[int, int]]


def fitting(seen: Mapping[str, int], counted: Mapping[str, int], slack: int, *, alone: bool) -> Stretches:
    """Return for each name the things whose count fits that of the name.

    A thing counts at least what the clients saw, less `slack` requests; and no more than that, plus slack, if they were
    `alone`, so that it counted no requests of others.
    """
    things = sorted(counted, key=counted.__getitem__)
    counts = [counted[thing] for thing in things]
    return Stretches(
        things,
        {
            name: (bisect_left(counts, number - slack), bisect_right(counts, number + slack) if alone else len(counts))
            for name, number in seen.items()
        },
    )


def match_counts(fits: Stretches) -> Matching:
    """Give each name a thing of its own stretch, no thing twice, and look for a second way to do so.

    Names and things are sorted, and each is looked at once (Glover 1967): a thing goes to the name whose stretch ends
    first, of those that have begun.
    """
    begins: dict[int, list[tuple[int, str]]] = {}
    for name, (start, end) in fits.ends.items():
        begins.setdefault(start, []).append((end, name))
    owner: dict[int, str] = {}  # place of a thing → name
    waiting: list[tuple[int, str]] = []
    for place in range(len(fits.things)):
        for ahead in begins.get(place, ()):
            heappush(waiting, ahead)
        if waiting:
            end, owner[place] = heappop(waiting)
            if end <= place:
                return Matching(None)
    if len(owner) < len(fits.ends):
        return Matching(None)
    places = {name: place for place, name in owner.items()}
    other = {name: fits.things[place] for name, place in _elsewhere(fits, owner).items()}
    found = {name: fits.things[places[name]] for name in fits.ends}
    return Matching(found, {**found, **other} if other else {})


def _elsewhere(fits: Stretches, owner: Mapping[int, str]) -> dict[str, int]:
    """Return the places of the names that have others in a second way: one that moves, or two that exchange theirs.

    Where no thing is free, and any names can exchange theirs, two of them can: of those names, take the one whose thing
    has the lowest count, A, and the one that gets that thing, B. On the way of exchanges from A to B some name goes
    from below B's place to it or beyond, so its stretch holds B's place; and B's stretch, from A's place on, holds its.
    """
    free = [place for place in range(len(fits.things)) if place not in owner]
    for name, (start, end) in fits.ends.items():
        at = bisect_left(free, start)
        if at < len(free) and free[at] < end:
            return {name: free[at]}
    below: list[int] = []  # places whose names might take one that is still ahead, the nearest last
    for place in sorted(owner):
        while below and fits.ends[owner[below[-1]]][1] <= place:
            below.pop()
        if below and below[-1] >= fits.ends[owner[place]][0]:
            return {owner[place]: below[-1], owner[below[-1]]: place}
        below.append(place)
    return {}


def match(fits: Mapping[str, Sequence[str]]) -> Matching:
    """Give each name one of the things that fit it, no thing twice, and look for a second way to do so.

    For a few things that fit for any reason: names × things is all that it takes for the second way, times the number
    of names in the worst case for the first.
    """
    found: dict[str, str] = {}
    owner: dict[str, str] = {}
    if not all(_augment(name, fits, found, owner) for name in fits):
        return Matching(None)
    return Matching(found, _another(fits, found, owner))


def _augment(name: str, fits: Mapping[str, Sequence[str]], found: dict[str, str], owner: dict[str, str]) -> bool:
    """Give one more name a thing, along a path of names that move on to another (Kuhn's algorithm)."""
    asked_by: dict[str, str] = {}
    waiting = [name]
    for asking in waiting:
        for thing in fits[asking]:
            if thing in asked_by:
                continue
            asked_by[thing] = asking
            if thing not in owner:
                _move(thing, asked_by, found, owner)
                return True
            waiting.append(owner[thing])
    return False


def _move(free: str, asked_by: Mapping[str, str], found: dict[str, str], owner: dict[str, str]) -> None:
    thing: str | None = free
    while thing is not None:
        name = asked_by[thing]
        left = found.get(name)
        found[name], owner[thing] = thing, name
        thing = left


def _another(fits: Mapping[str, Sequence[str]], found: Mapping[str, str], owner: Mapping[str, str]) -> dict[str, str]:
    """Return a second way: one name moves to a free thing, or some names exchange theirs in a cycle."""
    for name, things in fits.items():
        if free := next((thing for thing in things if thing not in owner), None):
            return {**found, name: free}
    wanted = {name: [owner[thing] for thing in things if owner[thing] != name] for name, things in fits.items()}
    try:
        TopologicalSorter(wanted).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]  # each is wanted by the next: the next one gets its thing
        return {**found, **{after: found[before] for before, after in pairwise(cycle)}}
    return {}
