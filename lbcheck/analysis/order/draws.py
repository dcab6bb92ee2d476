"""How even the order of independent draws is, and how uneven: both tails of the distribution of evenness.

Given the counts, the order of draws is a random permutation, whatever their shares are. The count of a server less its
share then walks as a Brownian bridge, whose range has Kuiper's distribution (Kuiper 1960). `python -m bench.order
--tails` holds both tails against simulated draws: of 100,000 runs, at most 1.5 times as many were as rare as 1 in
10,000 as that says; for many servers, the upper tail is far rarer than said.
"""

import math
from bisect import bisect
from collections.abc import Collection

_TERMS = range(1, 6)  # further terms are below 10⁻²⁰ on either side of SWITCH
_SWITCH = 1.0  # below it one series converges fast, above it the other

# A walk of steps has a smaller range than the bridge that it samples (Siegmund 1985: by 1.17 standard deviations of a
# step for a single walk). Servers share the places, so their ranges are not independent. This table of servers → shift
# absorbs both: fitted to the 10⁻⁴ quantile in 300,000 to 1,000,000 simulated orders of 60 to 400 draws, equal shares.
_SHIFTS = ((2, 0.85), (3, 0.6), (5, 0.7), (10, 0.9), (20, 1.2))
# In the upper tail the shift of 2 and 3 servers fits all, less this many requests for each 1 − 2p of skewness: few
# answers of a small share come in bunches.
_SHIFT_UNEVEN, _SKEW = 0.8, 1.0


def chance_as_even(evenness: float, counts: Collection[int]) -> float:
    """Return about how often draws with these counts are as even as that, or more so.

    The ranges of k servers count as k − 1 independent ones: the ranges of two are the same one. Unequal shares make
    this an upper bound.
    """
    answers, shift = sum(counts), _shift(len(counts))
    logarithm = 0.0
    for count in counts:
        share = count / answers
        step = math.sqrt(share * (1 - share))
        within = _kuiper((evenness + shift * step) / (step * math.sqrt(answers))) if step else 1.0
        if not within:
            return 0.0
        logarithm += (1 - share) * math.log(within)
    return math.exp(logarithm)


def chance_as_uneven(evenness: float, counts: Collection[int]) -> float:
    """Return about how often draws with these counts are as uneven as that, or more so (Bonferroni's bound)."""
    answers = sum(counts)
    chance = 0.0
    for count in counts:
        share = count / answers
        step = math.sqrt(share * (1 - share))
        if step:
            reached = evenness + _SHIFT_UNEVEN * step - _SKEW * (1 - 2 * share)
            chance += (1 - share) * (1 - _kuiper(max(0.0, reached) / (step * math.sqrt(answers))))
    return min(1.0, chance)


def _shift(servers: int) -> float:
    """Interpolate the table of shifts; beyond its end the last one holds."""
    place = bisect(_SHIFTS, (servers, math.inf))
    (low, at_low), (high, at_high) = _SHIFTS[max(0, place - 1)], _SHIFTS[min(place, len(_SHIFTS) - 1)]
    return at_low + (at_high - at_low) * (servers - low) / (high - low) if high > low else at_low


def _kuiper(x: float) -> float:
    """Return the probability that the range of a Brownian bridge is at most `x`."""
    if x <= 0:
        return 0.0
    if x < _SWITCH:
        series = sum(j * j * math.exp(-((math.pi * j / x) ** 2) / 2) for j in _TERMS)
        return math.sqrt(2 * math.pi) * math.pi**2 / x**3 * series
    return 1 - 2 * sum((4 * (j * x) ** 2 - 1) * math.exp(-2 * (j * x) ** 2) for j in _TERMS)
