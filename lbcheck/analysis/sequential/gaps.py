"""When a server has died during a run: it shows by how long it has been silent, not by its count."""

import math

EVER = 1e-5  # probability that a gap as long occurs anywhere in a healthy run


def death_gap(share: float, most: int, servers: int) -> int:
    """Return after how many answers since its last one a server is dead.

    `share`: what it is owed, above 0 and below 1. `most`: answers of a run at most. `servers`: how many are watched.
    A server begins a silence at the start and after each of its own answers, `most` × `share` + 1 times; each is as
    long as g with a probability of (1 − share)ᵍ.
    """
    silences = (most * share + 1) * servers
    return math.ceil(math.log(silences / EVER) / -math.log1p(-share))
