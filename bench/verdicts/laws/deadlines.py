"""Envoy's ROUND_ROBIN: earliest deadline first with unequal weights, in floats, begun anywhere (edf_scheduler.h)."""

import random
from collections.abc import Sequence
from heapq import heapify, heapreplace
from itertools import cycle, islice

from bench.verdicts.laws import Choices

MOST_SKIPPED = 429_496_729  # choices that a thread passes over at its start, so late that floats decide who is first
NUDGE = 1e-13  # is added to each weight for that: of several that are due at once, the lightest is first


def round_robin(weights: Sequence[int], rng: random.Random, _busy: Sequence[int]) -> Choices:
    """With equal weights strict turns; else the server that is due first. A thread skips some choices at its start."""
    used = [server for server, weight in enumerate(weights) if weight]
    if len({weights[server] for server in used}) == 1:
        return islice(cycle(used), rng.randrange(len(used)), None)
    return _earliest([weights[server] for server in used], used, rng.randrange(MOST_SKIPPED))


def _earliest(weights: Sequence[int], servers: Sequence[int], skipped: int) -> Choices:
    """Begin where each server has had its whole choices of those that are skipped; what is left of them is made."""
    nudged = [weight + NUDGE for weight in weights]
    total = sum(nudged)
    had = [int(weight * skipped / total) for weight in nudged]
    had = [n - (n > 0 and n / weight >= skipped / total) for n, weight in zip(had, nudged, strict=True)]
    queue = [((n + 1) / weight, number, number) for number, (n, weight) in enumerate(zip(had, nudged, strict=True))]
    return islice(_by_deadline(queue, [1 / weight for weight in weights], servers), skipped - sum(had), None)


def _by_deadline(queue: list[tuple[float, int, int]], apart: Sequence[float], servers: Sequence[int]) -> Choices:
    heapify(queue)
    queued = len(queue)
    while True:
        now, _, number = queue[0]
        yield servers[number]
        heapreplace(queue, (now + apart[number], queued, number))
        queued += 1
