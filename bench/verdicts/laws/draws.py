"""Draws: nginx's and Envoy's `random`, and Traefik's less loaded of two."""

import random
from collections.abc import Sequence

from bench.verdicts.laws import Choices

AT_ONCE = 50  # draws in one call; one by one they take longer


def by_weight(weights: Sequence[int], rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Draw each server by its weight, independently: nginx's `random`."""
    servers, total = range(len(weights)), 0
    cumulated = [total := total + weight for weight in weights]
    while True:
        yield from rng.choices(servers, cum_weights=cumulated, k=AT_ONCE)


def equally(weights: Sequence[int], rng: random.Random, busy: Sequence[int]) -> Choices:
    """Draw each server with the same chance, unless its weight is 0: Envoy's RANDOM, Caddy's `random`."""
    return by_weight([min(1, weight) for weight in weights], rng, busy)


def less_loaded_of_two(weights: Sequence[int], rng: random.Random, busy: Sequence[int]) -> Choices:
    """Draw two different servers with the same chances, and take the less loaded one: Traefik's p2c."""
    servers = [server for server, weight in enumerate(weights) if weight]
    while True:
        one, other = rng.sample(servers, 2)
        yield one if busy[one] <= busy[other] else other
