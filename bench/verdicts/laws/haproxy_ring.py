"""HAProxy's `balance random`, by the ring of its lb_chash.c: each server has 16 points for each unit of weight."""

import random
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from bench.verdicts.laws import Choices

POINTS = 16
RING = 2**32
OF_A_SERVER = 4096  # numbers of points that a server may have; its points are hashes of number × this and upward
PRIME = 3_221_225_473


def drawn_on_ring(weights: Sequence[int], rng: random.Random, busy: Sequence[int]) -> Choices:
    """Draw two places of the ring, and take the server that is nearest, the less loaded one for its weight."""
    keys, owners = ring(tuple(weights))
    while True:
        one, other = (_nearest(keys, owners, rng.randrange(RING)) for _ in range(2))
        yield one if busy[other] * weights[one] > busy[one] * weights[other] else other


@lru_cache(maxsize=8)
def ring(weights: tuple[int, ...], first: int = 1) -> tuple[list[int], list[int]]:
    """Return the places of the ring's points, ascending, and the servers that own them; `first`: the first one's id."""
    points = sorted(
        (_hash((server + first) * OF_A_SERVER + number), server)
        for server, weight in enumerate(weights)
        for number in range(POINTS * weight)
    )
    return [place for place, _ in points], [server for _, server in points]


def _nearest(keys: Sequence[int], owners: Sequence[int], place: int) -> int:
    after = bisect_left(keys, place) % len(keys)
    before = after - 1
    return owners[before if (place - keys[before]) % RING <= (keys[after] - place) % RING else after]


def _hash(number: int) -> int:
    """Return Bob Jenkins' full avalanche of a 32-bit number, spread once more as HAProxy does."""
    a = number
    a = (a + 0x7ED55D16 + (a << 12)) % RING
    a = (a ^ 0xC761C23C) ^ (a >> 19)
    a = (a + 0x165667B1 + (a << 5)) % RING
    a = ((a + 0xD3A2646C) ^ (a << 9)) % RING
    a = (a + 0xFD7046C5 + (a << 3)) % RING
    a = (a ^ 0xB55A4F09) ^ (a >> 16)
    return a * PRIME % RING
