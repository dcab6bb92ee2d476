"""A balancer that draws a server for each request, independently, by weight."""

import random
from collections import Counter
from collections.abc import Mapping
from itertools import accumulate


class Draws:
    """Answers of a balancer with random draws; `weights`: name in answers → how often, in any unit."""

    def __init__(self, weights: Mapping[str, float], rng: random.Random) -> None:
        self._names = list(weights)
        self._cumulated = list(accumulate(weights.values()))
        self._rng = rng

    def answers(self, requests: int) -> Counter[str]:
        """Return name → answers to the next `requests` requests."""
        return Counter(self._rng.choices(self._names, cum_weights=self._cumulated, k=requests))
