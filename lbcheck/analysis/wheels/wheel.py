"""A wheel: how a balancer goes through its servers by weight. It is turned once, and its law is kept."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lbcheck.analysis.wheels.cycle import Cycle
from lbcheck.analysis.wheels.turns import Turn, cycle_of, unrolled

Weights = tuple[int, ...]  # each at least 1, in the balancer's own order of its servers

LONGEST = 350_000  # steps of 1 to 1.6 µs: half a second on a slow core, and enough for 200 servers of weight 100
_COMPARED = 16  # servers that are compared with each other in the time of one step


@dataclass(frozen=True)
class Wheel:
    """One balancer's way through its servers.

    `sequence`: yields for ever the index of the server that is chosen next, from the balancer's start on. `law`: what
    it owes. `steps`: how long it takes to find the law. All are asked with weights of at least 1. `ordered`: bounds
    depend on which server stands first, also for servers of unequal weight.
    """

    name: str
    sequence: Callable[[Weights], Iterator[int]]
    law: Callable[[Weights], Cycle]
    steps: Callable[[Weights], int]
    ordered: bool = False

    def choices(self, weights: Sequence[int]) -> Iterator[int]:
        """Yield for ever the index of the next chosen server; nothing where every weight is 0."""
        used = [index for index, weight in enumerate(weights) if weight]
        if used:
            yield from (used[choice] for choice in self.sequence(tuple(weights[index] for index in used)))


def by_turns(
    name: str, one: Callable[[Weights], Turn], steps: Callable[[Weights], int], *, ordered: bool = False
) -> Wheel:
    """Return the wheel that repeats one turn."""
    return Wheel(name, lambda weights: unrolled(one(weights)), lambda weights: cycle_of(one(weights)), steps, ordered)


def turn(wheel: Wheel, weights: Sequence[int]) -> Cycle | None:
    """Return what `wheel` owes servers of these weights, in the balancer's order; None: it is too long to turn.

    Weights are whole numbers from 0, as the balancer has them: some wheels turn 16:16:14 unlike 8:8:7. A server of
    weight 0 is owed nothing.
    """
    law = _turned(wheel, tuple(weight for weight in weights if weight))
    if law is None:
        return None
    shares, bounds = iter(law.shares), iter(law.bounds)
    return Cycle(
        tuple(next(shares) if weight else 0.0 for weight in weights),
        tuple(next(bounds) if weight else 0.0 for weight in weights),
        law.period,
    )


@lru_cache(maxsize=1024)
def _turned(wheel: Wheel, weights: Weights) -> Cycle | None:
    if len(weights) < 2:
        return Cycle((1.0,) * len(weights), (0.0,) * len(weights), len(weights))
    if wheel.steps(weights) > LONGEST:
        return None
    law = wheel.law(weights)
    # Which of the servers of equal weight has which part changes when one goes down, or with the thread group.
    widest: dict[int, float] = {}
    for weight, bound in zip(weights, law.bounds, strict=True):
        widest[weight] = max(bound, widest.get(weight, 0.0))
    return replace(law, bounds=tuple(widest[weight] for weight in weights))


def reduced(weights: Weights) -> Weights:
    """Return the smallest whole weights of the same ratios."""
    divisor = math.gcd(*weights)
    return tuple(weight // divisor for weight in weights)


def compared_all(weights: Weights) -> int:
    """Return the steps of a wheel that looks at every server for each choice, and has one choice a unit of weight."""
    return sum(reduced(weights)) * (1 + len(weights) // _COMPARED)
