"""What a cycle owes: each server's share of the choices, and how far any stretch of choices can be off it."""

from collections.abc import Sequence
from dataclasses import dataclass

ASSUMED_BOUND = 4.0  # choices; of smooth cycles with weights not far apart, none measured was off by 3
ASSUMED_DRIFT = 0.05  # of a server's own share; HAProxy's shares are at most 0.031 off its weights
ROUNDING = 1e-9  # of the choices: a stretch at the bound itself must not be outside of it in floats


@dataclass(frozen=True)
class Cycle:
    """What the servers of one cycle are owed, in the order of their weights.

    `shares`: of the choices, 0 to 1; 0 for weight 0. `bounds`: choices; the most by which a server's count in a
    stretch of choices, wherever it begins and ends, can differ from its share of the stretch. Both are the same for
    servers of equal weight. `period`: after how many choices the counts repeat; None: not known. `drift`: how far a
    share itself may be off, as a part of it; 0 where the wheel was turned.
    """

    shares: tuple[float, ...]
    bounds: tuple[float, ...]
    period: int | None
    drift: float = 0.0

    @property
    def bound(self) -> float:
        """The most by which any server's count can be off, in choices."""
        return max(self.bounds, default=0.0)

    def allowed(self, choices: int, cycles: int = 1) -> tuple[float, ...]:
        """Return how far each server's count of `choices` may be off its share of them.

        `cycles`: how many cycles gave out these choices, each by itself: processes, workers, threads, from HAProxy 3.2
        on thread groups. All can be off in the same direction at once, so their bounds add up.
        """
        return tuple(
            cycles * bound + self.drift * share * choices + ROUNDING * choices
            for share, bound in zip(self.shares, self.bounds, strict=True)
        )


def assumed(weights: Sequence[int]) -> Cycle:
    """Return what is assumed of a smooth cycle whose wheel is unknown, or too long to turn: shares by weight."""
    total = sum(weights)
    shares = tuple(weight / total if total else 0.0 for weight in weights)
    bounds = tuple(ASSUMED_BOUND if weight else 0.0 for weight in weights)
    return Cycle(shares, bounds, period=None, drift=ASSUMED_DRIFT)
