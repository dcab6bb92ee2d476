"""nginx's smooth weighted round robin, by its ngx_http_upstream_round_robin.c."""

import random
from collections.abc import Sequence

from bench.verdicts.laws import Choices


def smooth(weights: Sequence[int], _rng: random.Random, _busy: Sequence[int]) -> Choices:
    """All gain their weight, the richest serves and pays what all gained; from the start of a worker on."""
    total, rich = sum(weights), [0] * len(weights)
    while True:
        rich = [have + weight for have, weight in zip(rich, weights, strict=True)]
        best = rich.index(max(rich))
        rich[best] -= total
        yield best
