"""The interval in which a server's true share lies, whenever the test stops."""

import math
from functools import lru_cache

from lbcheck.analysis.sequential.mixture import log_mixture


@lru_cache(maxsize=4096)  # of many servers with equal weights, many have equal counts
def interval(seen: int, of: int, owed: float, alpha: float, detect: float) -> tuple[float, float]:
    """Return the lowest and the highest share, 0 to 1, that fit `seen` of `of` answers by the server.

    Over all looks together, the true share is ever outside with a probability of at most `alpha`, so that it does not
    matter which look was the last. `owed`: the share that the server is owed; the interval is shortest there. `detect`:
    as in `planning.Plan`. Source: Robbins 1970; the interval holds each share whose likelihood is more than `alpha`
    times the mixture's.
    """
    if not of:
        return 0.0, 1.0
    depth = -math.log(alpha) - log_mixture(seen, of, owed, detect)
    return _lowest(seen, of, depth), 1 - _lowest(of - seen, of, depth)


def _lowest(seen: int, of: int, depth: float) -> float:
    """Return the lowest share t whose likelihood is at least e⁻ᵈᵉᵖᵗʰ."""
    if not seen:
        return 0.0
    if seen == of:
        return math.exp(-depth / of)
    # In u = ln(t ÷ (1 − t)), minus the logarithm of the likelihood is convex, and above the straight line −u × seen.
    # Newton's method begins where that line is at `depth`, and at least halves its distance from the root in each step.
    u = -depth / seen
    for _ in range(25):
        odds = math.exp(u)
        u -= (of * math.log1p(odds) - seen * u - depth) / (of * odds / (1 + odds) - seen)
    odds = math.exp(u)
    return odds / (1 + odds)
