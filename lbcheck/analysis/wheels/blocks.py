"""Block cycles: each server gets as many choices in a row as it has weight, one block after the other.

BLOCKS are `numgen inc` of nftables, where its numbers are ranges of one map. BLOCKS_FROM_SECOND are Caddy's
`weighted_round_robin`: it counts before it chooses, and so begins with the second choice. Its `round_robin` is the same
with weights of 1. Both keep one sequence: a rule, a handler.
"""

from collections.abc import Iterator
from itertools import repeat

from lbcheck.analysis.wheels.cycle import Cycle
from lbcheck.analysis.wheels.wheel import Weights, Wheel


def _blocks(weights: Weights) -> Iterator[int]:
    while True:
        for server, weight in enumerate(weights):
            yield from repeat(server, weight)


def _blocks_from_second(weights: Weights) -> Iterator[int]:
    blocks = _blocks(weights)
    next(blocks)
    return blocks


def _law(weights: Weights) -> Cycle:
    """A server is furthest behind before its block and furthest ahead after it, so no block is turned."""
    total = sum(weights)
    bounds = tuple(weight * (total - weight) / total for weight in weights)
    return Cycle(tuple(weight / total for weight in weights), bounds, total)


def _steps(weights: Weights) -> int:
    return 4 * len(weights)  # for no choice is turned, but each server's bound is computed


BLOCKS = Wheel("blocks by weight", _blocks, _law, _steps)
BLOCKS_FROM_SECOND = Wheel("blocks by weight, from the second choice on", _blocks_from_second, _law, _steps)
