"""What keeps to one server: a hash of a key, and HAProxy's `first`."""

import random
from collections.abc import Sequence
from itertools import repeat

from bench.verdicts.laws import Choices


def one_key(weights: Sequence[int], rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Take for all requests of a key the same server; which one depends on the key."""
    return repeat(rng.choices(range(len(weights)), weights)[0])


def first(weights: Sequence[int], _rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Take the first server, which is never full."""
    return repeat(next(server for server, weight in enumerate(weights) if weight))
