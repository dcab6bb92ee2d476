"""Evenness: how far a server's count strays from its share of the answers so far."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Swing:
    """How a server's count strayed from its share: the range, and after how many answers it was furthest off."""

    server: str
    size: float
    furthest: int


def widest_swing(answers: Sequence[str]) -> Swing:
    """Return the server whose count strayed most from its final share; ValueError without answers."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(answers):
        places.setdefault(name, []).append(place)
    sizes = {name: _swing(at, len(answers)) for name, at in places.items()}
    widest = max(sizes, key=lambda name: sizes[name][0])
    return Swing(widest, *sizes[widest])


def evenness(answers: Sequence[str]) -> float:
    """Return the largest range over time of a server's count less its share of the answers so far, in requests.

    The share is the one of these answers. So a cycle that stays within c of its own shares has an evenness of up to 2c,
    and of c where the answers are whole periods.
    """
    return widest_swing(answers).size if answers else 0.0


def _swing(places: Sequence[int], total: int) -> tuple[float, int]:
    """Return the size of a swing, and where it was furthest."""
    # Between its own answers a server's count only falls behind, so the extremes lie just before and just after them.
    share, lowest, highest, low_at, high_at = len(places) / total, 0.0, 0.0, 0, 0
    for count, place in enumerate(places):
        if (before := count - share * place) < lowest:
            lowest, low_at = before, place
        if (after := count + 1 - share * (place + 1)) >= highest:
            highest, high_at = after, place + 1
    return (highest - lowest, low_at if -lowest >= highest else high_at)
