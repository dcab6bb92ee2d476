"""One turn of a wheel, choice by choice, and the law that follows from it.

In a stretch of choices a server gets its count at the end less its count at the beginning. Counts less shares repeat
after a period. So the difference is at most the range of count − share × choices within one period, and there is a
stretch that reaches it. A server is furthest ahead just after it was chosen, and furthest behind just before.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from lbcheck.analysis.wheels.cycle import Cycle


@dataclass(frozen=True)
class Turn:
    """The choices of one turn, as indices of servers.

    `then`: server → the server whose choices of this turn it gets in the next one; empty: its own. HAProxy lets
    servers of equal weights change places so. `ties`: sizes of the groups of choices, one after the other, whose
    order within the group is left to chance; empty: no order is.
    """

    choices: Sequence[int]
    then: Sequence[int] = ()
    ties: Sequence[int] = ()


def unrolled(turn: Turn) -> Iterator[int]:
    """Yield the choices of this turn, of the next, and so on for ever."""
    servers = len(set(turn.choices))
    then = turn.then or range(servers)
    role = list(range(servers))  # of each server: whose choices of the first turn it gets now
    while True:
        player = {whose: server for server, whose in enumerate(role)}
        yield from (player[choice] for choice in turn.choices)
        role = [then[whose] for whose in role]


def cycle_of(turn: Turn) -> Cycle:
    """Return what this turn owes, if every further turn is like it. Time: proportional to its choices."""
    servers = len(set(turn.choices))
    earliest, latest = _places(turn, servers)
    owed: dict[int, tuple[float, float]] = {}  # server → share, bound
    turns = 1
    for orbit in _orbits(turn.then or range(servers)):
        first = [earliest[server] for server in orbit]
        last = [latest[server] for server in orbit]
        length = len(turn.choices) * len(orbit)
        count = sum(map(len, first))
        bound = _range(first, last, len(turn.choices), count) / length
        owed |= dict.fromkeys(orbit, (count / length, bound))
        turns = math.lcm(turns, len(orbit))
    shares, bounds = zip(*(owed[server] for server in range(servers)), strict=True)
    return Cycle(shares, bounds, len(turn.choices) * turns)


def _places(turn: Turn, servers: int) -> tuple[list[list[int]], list[list[int]]]:
    """Return for each server when it is chosen, counted from 1: at the earliest and at the latest."""
    earliest: list[list[int]] = [[] for _ in range(servers)]
    if not turn.ties:
        for place, server in enumerate(turn.choices, 1):
            earliest[server].append(place)
        return earliest, earliest
    latest: list[list[int]] = [[] for _ in range(servers)]
    for end, size in zip(accumulate(turn.ties), turn.ties, strict=True):
        for server in turn.choices[end - size : end]:
            earliest[server].append(end - size + 1)
            latest[server].append(end)
    return earliest, latest


def _orbits(then: Sequence[int]) -> Iterator[list[int]]:
    """Yield the servers that change places with each other, each group in the order in which one goes through it."""
    seen: set[int] = set()
    for start in range(len(then)):
        orbit = []
        server = start
        while server not in seen:
            seen.add(server)
            orbit.append(server)
            server = then[server]
        if orbit:
            yield orbit


def _range(first: list[list[int]], last: list[list[int]], length: int, count: int) -> int:
    """Return the range of count − share × choices over the turns of one server, × the choices of all these turns.

    `first`, `last`: for each turn when it is chosen, at the earliest and the latest. In whole numbers: share is
    `count` ÷ choices, and what is multiplied by all choices is exact.
    """
    one = length * len(first)  # one choice, in this unit
    ahead = behind = at = 0  # at: where the turn begins
    for early, late in zip(first, last, strict=True):
        after = [k * one - count * place for k, place in enumerate(early, 1)]
        after_late = after if late is early else [k * one - count * place for k, place in enumerate(late, 1)]
        if after:
            ahead = max(ahead, at + max(after))
            behind = min(behind, at + min(after_late) - one + count)  # just before, it was a choice less, one step ago
        at += len(early) * one - count * length
    return ahead - behind
