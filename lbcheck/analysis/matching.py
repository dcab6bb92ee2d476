"""Who is who, by counts: which names go with which things that were counted, if they fit in one way only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from graphlib import CycleError, TopologicalSorter
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


def fitting(seen: Mapping[str, int], counted: Mapping[str, int], slack: int, *, alone: bool) -> dict[str, list[str]]:
    """Return name → things whose count fits that of the name.

    A thing counts at least what the clients saw, less `slack` requests; and no more than that, plus slack, if they were
    `alone`, so that it counted no requests of others.
    """
    return {
        name: [
            thing
            for thing, count in counted.items()
            if count >= number - slack and (not alone or count <= number + slack)
        ]
        for name, number in seen.items()
    }


def match(fits: Mapping[str, Sequence[str]]) -> Matching:
    """Give each name one of the things that fit it, no thing twice, and look for a second way to do so.

    Names × things is all that it takes for the second way, times the number of names in the worst case for the first.
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
