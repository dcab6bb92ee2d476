"""Dealing out whole numbers: evenly, and by weight as a balancer does with its servers."""

from collections.abc import Sequence
from fractions import Fraction


def rounded_up(number: int, divisor: int) -> int:
    """Return number ÷ divisor, rounded up."""
    return -(-number // divisor)


def evenly(number: int, parts: int) -> list[int]:
    """Return the number divided into so many parts as even as whole numbers can be, the larger ones first."""
    share, rest = divmod(number, parts)
    return [share + 1] * rest + [share] * (parts - rest)


def first_to_fill(capacities: Sequence[int], weights: Sequence[int]) -> int | None:
    """Return the index of the server that is full first when connections come by weight; None where all weigh 0."""
    # (capacity, weight) → the first such server: most servers are equal, so few fractions are compared.
    distinct: dict[tuple[int, int], int] = {}
    for index, (capacity, weight) in enumerate(zip(capacities, weights, strict=True)):
        if weight:
            distinct.setdefault((capacity, weight), index)
    if not distinct:
        return None
    lowest = min(distinct, key=lambda server: Fraction(*server))
    return distinct[lowest]


def spread(capacities: Sequence[int], weights: Sequence[int], *, redispatch: bool) -> int:
    """Return how many connections servers take, dealt out by weight, until the first connection is refused.

    With redispatch the other servers take what a full one refuses: all are filled. Without it the first full server
    refuses its next connection.
    """
    if redispatch:
        return sum(capacity for capacity, weight in zip(capacities, weights, strict=True) if weight)
    first = first_to_fill(capacities, weights)
    if first is None:
        return 0
    return capacities[first] * sum(weights) // weights[first]
