"""How many connections servers hold when a balancer deals them out by weight."""

from collections.abc import Sequence
from fractions import Fraction


def first_to_fill(capacities: Sequence[int], weights: Sequence[int]) -> int | None:
    """Return the index of the server that is full first when connections come by weight; None where all weigh 0."""
    alike: dict[tuple[int, int], int] = {}  # servers are mostly alike: the exact comparison is among few
    for index, kind in enumerate(zip(capacities, weights, strict=True)):
        if kind[1]:
            alike.setdefault(kind, index)
    return alike[min(alike, key=lambda kind: Fraction(*kind))] if alike else None


def spread(capacities: Sequence[int], weights: Sequence[int], *, redispatch: bool) -> int:
    """Return how many connections come by weight until the first is refused.

    With redispatch the others take what a full server refuses: the sum. Without it the first server to fill ends it.
    """
    if redispatch:
        return sum(capacity for capacity, weight in zip(capacities, weights, strict=True) if weight)
    first = first_to_fill(capacities, weights)
    return 0 if first is None else capacities[first] * sum(weights) // weights[first]
