"""HAProxy's `balance leastconn`, by the keys of its lb_fwlc.c."""

import random
from collections.abc import Sequence

from bench.verdicts.laws import Choices

HEAVIEST = 256


def leastconn(weights: Sequence[int], _rng: random.Random, busy: Sequence[int]) -> Choices:
    """Take the server with the fewest requests for its weight; of equal ones that which was taken longest ago."""
    servers = [server for server, weight in enumerate(weights) if weight]
    taken = list(range(-len(weights), 0))
    for number in _from_zero():
        best = min(servers, key=lambda server: (_key(busy[server], weights[server]), taken[server]))
        taken[best] = number
        yield best


def _from_zero() -> Choices:
    number = 0
    while True:
        yield number
        number += 1


def _key(busy: int, weight: int) -> int:
    return (busy + 1) * HEAVIEST // weight if busy else 0
