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
    # In u = ln(t ÷ (1 − t)), minus the logarithm of the likelihood is convex and nearly a straight line far from its
    # least value, so Newton's method gets to the root in a few steps from wherever it begins.
    best = math.log(seen / (of - seen))
    above = depth - (of * math.log1p(math.exp(best)) - seen * best)
    u = best - math.sqrt(2 * above * of / (seen * (of - seen)))
    for _ in range(20):
        share = 1 / (1 + math.exp(-u))
        step = (of * math.log1p(math.exp(u)) - seen * u - depth) / (of * share - seen)
        u -= step
        if abs(step) < 1e-9 * (1 + abs(u)):
            break
    return 1 / (1 + math.exp(-u))
