"""Caddy's weighted_round_robin: each server gets as many requests in a row as it has weight, from the second on."""

import random
from collections.abc import Sequence
from itertools import cycle, islice

from bench.verdicts.laws import Choices


def blocks(weights: Sequence[int], _rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Give block after block, from the second request of the first block on."""
    return islice(cycle([server for server, weight in enumerate(weights) for _ in range(weight)]), 1, None)
