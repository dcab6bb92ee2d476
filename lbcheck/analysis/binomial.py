"""Binomial probabilities, from the standard library alone.

X is how many of `n` independent draws hit, each with probability `p`, 0 to 1. A single count's probability is Loader's
saddle-point form (C. Loader, "Fast and accurate computation of binomial probabilities", 2000): its parts do not cancel,
so that no digits are lost where n is large. A tail is summed from its largest term outward.

The relative error of a tail is 10⁻⁹ at most, for tails from 10⁻¹⁸, n to 10⁷ and p from 10⁻⁹ to 1 − 10⁻⁹. What is
too small for a float is 0. Time grows with the standard deviation of X, which is how many terms a tail has.
"""

import math
from bisect import bisect_right
from functools import lru_cache

_HALF_LOG_2PI = math.log(2 * math.pi) / 2
_NEGLIGIBLE = 1e-13  # beside a sum of at least 1: the rest of the tail is less than √n such terms


def mass(x: int, n: int, p: float) -> float:
    """Return P(X = x)."""
    return math.exp(log_mass(x, n, p))


def log_mass(x: int, n: int, p: float) -> float:
    """Return ln P(X = x); −∞ where that cannot be."""
    return _log_mass(x, n, p, 1 - p)


def at_most(x: int, n: int, p: float) -> float:
    """Return P(X ≤ x)."""
    return _at_most(x, n, p, 1 - p)


def at_least(x: int, n: int, p: float) -> float:
    """Return P(X ≥ x)."""
    return _at_most(n - x, n, 1 - p, p)


@lru_cache(maxsize=4096)  # of many servers with equal weights, many have equal counts
def two_sided(seen: int, of: int, share: float) -> float:
    """Return the two-sided p-value of `seen` hits in `of` draws with probability `share`: twice the smaller tail.

    It is 1 where there are no draws.
    """
    # No whole number is between mean and median (Kaas and Buhrman 1980): the tail away from the mean is the smaller.
    tail = at_most if seen < of * share else at_least
    return min(1.0, 2 * tail(seen, of, share))


def lowest(n: int, p: float, alpha: float) -> int:
    """Return the smallest x with P(X ≤ x) > `alpha`: a one-sided test at level `alpha` rejects what is less."""
    return _lowest(n, p, 1 - p, alpha)


def highest(n: int, p: float, alpha: float) -> int:
    """Return the largest x with P(X ≥ x) > `alpha`: a one-sided test at level `alpha` rejects what is more."""
    return n - _lowest(n, 1 - p, p, alpha)


# Below, q = 1 − p is handed on beside p: 1 − q would have lost the digits of a small p.


def _lowest(n: int, p: float, q: float, alpha: float) -> int:
    return bisect_right(range(n), alpha, key=lambda x: _at_most(x, n, p, q))


def _at_most(x: int, n: int, p: float, q: float) -> float:
    """Return P(X ≤ x), from the side of the mean where there is less to sum."""
    if x < 0:
        return 0.0
    if x >= n * p:
        return 1 - _at_most(n - x - 1, n, q, p)
    return math.exp(_log_mass(x, n, p, q)) * _falling(x, n, q / p)


def _falling(x: int, n: int, odds: float) -> float:
    """Return P(X ≤ x) ÷ P(X = x), for x below the mean; `odds` are those against a hit."""
    term = total = 1.0
    k, beyond = float(x), n - x + 1.0  # floats: whole numbers would cost this loop half of its speed
    while term > _NEGLIGIBLE:  # at k = 0 the term is 0
        term *= k * odds / beyond
        total += term
        k -= 1.0
        beyond += 1.0
    return total


def _log_mass(x: int, n: int, p: float, q: float) -> float:
    if not 0 <= x <= n or (x and not p) or (x < n and not q):
        return -math.inf
    if x == 0:
        return n * _log(q, p) if n else 0.0
    if x == n:
        return n * _log(p, q)
    errors = _stirling_error(n) - _stirling_error(x) - _stirling_error(n - x)
    deviance = _deviance(x, n * p) + _deviance(n - x, n * q)
    return errors - deviance - _HALF_LOG_2PI - math.log(x / n * (n - x)) / 2


def _log(p: float, q: float) -> float:
    """Return ln p, to all digits where p is near 1, too."""
    return math.log1p(-q) if q < p else math.log(p)


def _stirling_error(n: int) -> float:
    """Return ln n! less Stirling's formula ½ ln 2πn + n ln n − n, for n from 1."""
    if n < 16:
        return math.log(math.factorial(n)) - _HALF_LOG_2PI - (n + 0.5) * math.log(n) + n
    s = 1 / n**2  # Stirling's series: what follows the fifth term is below 10⁻¹⁵ from n = 16 on
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / n


def _deviance(x: float, mean: float) -> float:
    """Return x ln(x ÷ mean) + mean − x, without cancellation where x is near the mean."""
    off = x - mean
    v = off / (x + mean)
    if abs(v) > 0.1:
        return x * math.log(x / mean) - off
    # ln(x ÷ mean) = 2 (v + v³/3 + v⁵/5 + …), and 2xv − off = off·v
    total, power, divisor = off * v, 2 * x * v, 1
    while True:
        power, divisor = power * v * v, divisor + 2
        further = total + power / divisor
        if further == total:
            return total
        total = further
