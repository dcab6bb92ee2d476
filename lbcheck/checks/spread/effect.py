"""How far each server is off what it is owed, and whether that matters."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.analysis.sequential.faults import too_small_to_matter
from lbcheck.analysis.sequential.intervals import interval

DOUBT = 0.05  # probability that the true share was outside of the interval at any look


@dataclass(frozen=True)
class Effect:
    """One server: the interval of its share, lowest and highest, and whether its weight is off by enough to matter."""

    interval: tuple[float, float]
    matters: bool


def of(answered: Mapping[str, int], owed: Mapping[str, float], detect: float) -> dict[str, Effect]:
    """Return server → effect, for servers that are owed a share (0 to 1) beside others, by the clients' answers."""
    total = sum(answered.get(name, 0) for name in owed)
    seen = {name: (answered.get(name, 0), share) for name, share in owed.items() if 0 < share < 1}
    # Of many servers with equal weights, many have equal counts.
    effects = {pair: _effect(pair[0], total, pair[1], detect) for pair in {*seen.values()}}
    return {name: effects[pair] for name, pair in seen.items()}


def _effect(seen: int, total: int, share: float, detect: float) -> Effect:
    low, high = interval(seen, total, share, DOUBT, detect)
    least, most = too_small_to_matter(share, detect)
    return Effect((round(low, 6), round(high, 6)), matters=not least * total <= seen <= most * total)
