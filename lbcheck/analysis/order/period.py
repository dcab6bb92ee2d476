"""The period of a sequence."""

from collections.abc import Hashable, Sequence


def smallest_period(things: Sequence[Hashable]) -> int:
    """Return the smallest p ≥ 1 with things[t + p] = things[t] throughout; their number if nothing repeats.

    By the borders of Knuth, Morris and Pratt, in one pass.
    """
    borders = [0] * len(things)
    for place in range(1, len(things)):
        border = borders[place - 1]
        while border and things[place] != things[border]:
            border = borders[border - 1]
        borders[place] = border + (things[place] == things[border])
    return len(things) - borders[-1] if things else 0
