"""Hypergeometric tails: whether what is rare falls on one part of a whole more often than chance explains.

Of `whole` things `marked` are marked. X is how many marked ones are among `part` of them that were drawn at random.
It is the distribution of Fisher's exact test (R. A. Fisher, "The logic of inductive inference", 1935). Logarithms of
factorials are subtracted, so that digits are lost where the whole is large: 10⁻⁶ of a tail, for a whole of 10⁸.
"""

from math import exp, inf, lgamma

_NEGLIGIBLE = 1e-12  # of the sum so far


def at_least(x: int, part: int, marked: int, whole: int) -> float:
    """Return P(X ≥ x)."""
    least, most = max(0, part + marked - whole), min(part, marked)
    if x <= least:
        return 1.0
    if x > most:
        return 0.0
    if x <= part * marked / whole:
        return 1 - at_most(x - 1, part, marked, whole)
    return min(1.0, _falling(range(x, most + 1), part, marked, whole))


def at_most(x: int, part: int, marked: int, whole: int) -> float:
    """Return P(X ≤ x)."""
    return at_least(part - x, part, whole - marked, whole)


def _falling(xs: range, part: int, marked: int, whole: int) -> float:
    """Return the sum of P(X = x) over `xs`, beyond the mean, where each is smaller than the one before."""
    total = 0.0
    for x in xs:
        term = exp(_log_choose(marked, x) + _log_choose(whole - marked, part - x) - _log_choose(whole, part))
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return total


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf
