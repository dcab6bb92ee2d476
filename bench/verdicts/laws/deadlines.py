"""Envoy's ROUND_ROBIN: earliest deadline first with unequal weights, in floats, begun anywhere."""

import random
from collections.abc import Sequence
from heapq import heapify, heapreplace
from itertools import cycle, islice

from bench.verdicts.laws import Choices


def round_robin(weights: Sequence[int], rng: random.Random, _busy: Sequence[int]) -> Choices:
    """With equal weights strict turns; else the server that is due first. A thread skips some choices at its start."""
    used = [server for server, weight in enumerate(weights) if weight]
    if len({weights[server] for server in used}) == 1:
        return islice(cycle(used), rng.randrange(len(used)), None)
    return islice(_earliest([1 / weights[server] for server in used], used), rng.randrange(sum(weights)), None)


def _earliest(apart: Sequence[float], servers: Sequence[int]) -> Choices:
    queue = [(time, number, number) for number, time in enumerate(apart)]
    heapify(queue)
    queued = len(queue)
    while True:
        now, _, number = queue[0]
        yield servers[number]
        heapreplace(queue, (now + apart[number], queued, number))
        queued += 1
