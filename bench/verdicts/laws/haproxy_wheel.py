"""HAProxy's `balance roundrobin`, by the trees of its lb_fwrr.c."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from bench.verdicts.laws import Choices

SCALE = 16  # effective weight of one unit of weight
HEAVIEST = 256 * SCALE


@dataclass
class _Group:
    """The three trees. The current one is sorted by when a server is due, the others by weight, the heaviest first."""

    effective: list[int]
    current: list[tuple[int, int, int]] = field(default_factory=list)
    waiting: list[tuple[int, int, int]] = field(default_factory=list)
    after: list[tuple[int, int, int]] = field(default_factory=list)
    now: int = 0
    queued: int = 0  # equal keys leave a tree in the order in which they came

    def __post_init__(self) -> None:
        self.total = self.now = sum(self.effective)
        self.due, self.rest = [0] * len(self.effective), [0] * len(self.effective)
        for server, weight in enumerate(self.effective):
            if weight:
                self.put(self.waiting, HEAVIEST - weight, server)

    def put(self, tree: list[tuple[int, int, int]], key: int, server: int) -> None:
        self.queued += 1
        heappush(tree, (key, self.queued, server))

    def take(self) -> int:
        """Return the server of the current tree that is due, else the first that waits, else one that is early."""
        if not (self.current or self.waiting):
            self.waiting, self.after, self.now = self.after, self.waiting, self.total
        if self.current and (self.due[self.current[0][-1]] <= self.now or not self.waiting):
            return heappop(self.current)[-1]
        server = heappop(self.waiting)[-1]
        self.due[server], self.rest[server] = self.now, 0
        return server

    def put_back(self, server: int) -> None:
        """Queue a chosen server for when it is due again: in this turn, or in the next."""
        weight = self.effective[server]
        steps, over = divmod(self.total, weight)
        self.rest[server] += over
        self.due[server] += steps
        if self.rest[server] >= weight:
            self.rest[server] -= weight
            self.due[server] += 1
        if self.due[server] >= 2 * self.total:
            self.put(self.after, HEAVIEST - weight, server)
        else:
            late = (HEAVIEST + self.rest[server] - weight) // SCALE
            self.put(self.current, 256 * self.due[server] + late, server)


def roundrobin(weights: Sequence[int], _rng: random.Random, _busy: Sequence[int]) -> Choices:
    """Turn the wheel from HAProxy's start on."""
    group = _Group([SCALE * weight for weight in weights])
    while True:
        server = group.take()
        group.now += 1
        group.put_back(server)
        yield server
