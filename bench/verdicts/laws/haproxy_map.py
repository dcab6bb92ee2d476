"""HAProxy's `balance static-rr`, by the map of its lb_map.c."""

import math
import random
from collections.abc import Sequence
from itertools import cycle

from bench.verdicts.laws import Choices


def static_rr(weights: Sequence[int], _rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Go through the map from its first place on, again and again."""
    shortest = [weight // math.gcd(*weights) for weight in weights]
    places, scores, filled = sum(shortest), [0] * len(weights), []
    for _ in range(places):
        best, most = 0, -1
        for server, weight in enumerate(shortest):
            scores[server] += weight
            if weight and (scores[server] + places) // places > most:
                best, most = server, (scores[server] + places) // places
        scores[best] -= places
        filled.append(best)
    return cycle(filled)
