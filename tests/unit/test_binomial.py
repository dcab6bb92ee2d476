"""Binomial probabilities, beside exact fractions, mpmath and scipy."""

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

import mpmath
import pytest
from scipy.stats import binom

from lbcheck.analysis import binomial

PROMISED = 1e-9  # relative error, for tails from 1e-18, n to 10⁷, p from 10⁻⁹ to 1 − 10⁻⁹
SHARES = (0.0, 2.0**-20, 0.125, 0.375, 0.5, 0.625, 0.875, 1.0)  # 1 − p is exact for each

mpmath.mp.dps = 40


def exact_mass(x: int, n: int, p: float) -> Fraction:
    """Return P(X = x), exactly."""
    share = Fraction(p)
    return math.comb(n, x) * share**x * (1 - share) ** (n - x)


def log_mass(x: int, n: int, p: mpmath.mpf) -> mpmath.mpf:
    """Return ln P(X = x) to some 30 digits."""
    ways = mpmath.loggamma(n + 1) - mpmath.loggamma(x + 1) - mpmath.loggamma(n - x + 1)
    return ways + x * mpmath.log(p) + (n - x) * mpmath.log(1 - p)


def at_most(x: int, n: int, p: mpmath.mpf) -> mpmath.mpf:
    """Return P(X ≤ x) to some 30 digits."""
    if x >= n * p:
        return 1 - at_most(n - x - 1, n, 1 - p) if x < n else mpmath.mpf(1)
    one = 1 << 160
    term = total = one
    odds = int((1 - p) / p * one)
    for k in range(x, 0, -1):
        term = term * k * odds // (n - k + 1) >> 160
        total += term
        if term < 1 << 50:
            break
    return mpmath.exp(log_mass(x, n, p)) * total / one if x >= 0 else mpmath.mpf(0)


def cases(seed: int, many: int) -> Iterator[tuple[int, int, float]]:
    """Give (x, n, p) over the whole promised range, x within nine standard deviations of its mean and five more."""
    rng = random.Random(seed)  # noqa: S311
    while many:
        n, rare = round(10 ** rng.uniform(0, 7)), 10 ** rng.uniform(-9, -0.3)
        p = rng.choice((rare, 1 - rare, rng.random()))
        x = round(n * p + rng.uniform(-1, 1) * (5 + 9 * math.sqrt(n * p * (1 - p))))
        if 0 <= x <= n:
            many -= 1
            yield x, n, p


def test_tails_are_as_exact_as_promised() -> None:
    """Beside mpmath, over the whole range of n, p and tails."""
    smallest, largest = 1.0, 0
    for x, n, p in cases(seed=1, many=200):
        lower, upper = at_most(x, n, mpmath.mpf(p)), at_most(n - x, n, 1 - mpmath.mpf(p))
        for computed, exact in ((binomial.at_most(x, n, p), lower), (binomial.at_least(x, n, p), upper)):
            if exact >= 1e-18:
                assert abs(computed / exact - 1) < PROMISED, (x, n, p)
                smallest, largest = min(smallest, computed), max(largest, n)
    assert smallest < 1e-17  # the cases reach what they are to reach
    assert largest > 5_000_000


def test_the_probability_of_one_count_is_exact() -> None:
    """Beside mpmath, and far below what a float can hold by its logarithm."""
    for x, n, p in cases(seed=2, many=200):
        exact = log_mass(x, n, mpmath.mpf(p))
        assert binomial.log_mass(x, n, p) == pytest.approx(float(exact), rel=1e-12, abs=1e-12), (x, n, p)
    assert binomial.mass(0, 10**7, 0.5) == 0
    assert binomial.log_mass(0, 10**7, 0.5) == pytest.approx(-(10**7) * math.log(2), rel=1e-15)


@pytest.mark.parametrize("p", [1e-9, 1e-7, 0.5, 1 - 1e-7, 1 - 1e-9])
def test_the_ends_of_ten_million_draws_are_exact(p: float) -> None:
    """No hit, one, all but one, and all: where a float of 1 − p has lost digits of p."""
    n = 10**7
    for x in (0, 1, n - 1, n):
        exact = float(log_mass(x, n, mpmath.mpf(p)))
        assert binomial.log_mass(x, n, p) == pytest.approx(exact, rel=1e-14, abs=1e-14), x


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 33, 60])
@pytest.mark.parametrize("p", SHARES)
def test_few_draws_are_exact_count_by_count(n: int, p: float) -> None:
    """Every count of up to 60 draws: its probability and both tails, beside exact fractions."""
    masses = [exact_mass(x, n, p) for x in range(n + 1)]
    for x, (mass, lower) in enumerate(zip(masses, accumulate(masses), strict=True)):
        assert binomial.mass(x, n, p) == pytest.approx(float(mass), rel=1e-12 if mass < 1e-9 else 3e-14, abs=1e-300)
        assert binomial.at_most(x, n, p) == pytest.approx(float(lower), rel=1e-12, abs=1e-300)
        assert binomial.at_least(x, n, p) == pytest.approx(float(1 - lower + mass), rel=1e-12, abs=1e-300)


def test_scipy_says_the_same() -> None:
    """A second peer, to the digits that scipy has itself."""
    for x, n, p in cases(seed=3, many=200):
        lower, upper = float(binom.cdf(x, n, p)), float(binom.sf(x - 1, n, p))
        for computed, known in ((binomial.at_most(x, n, p), lower), (binomial.at_least(x, n, p), upper)):
            if known > 1e-18:
                assert computed == pytest.approx(known, rel=1e-7), (x, n, p)


@pytest.mark.parametrize("p", SHARES)
def test_hits_and_misses_are_the_same_thing(p: float) -> None:
    """As many hits as of one share are as many misses of the other: to the last digit."""
    for x in range(51):
        assert binomial.at_most(x, 50, p) == binomial.at_least(50 - x, 50, 1 - p)
        assert binomial.log_mass(x, 50, p) == pytest.approx(binomial.log_mass(50 - x, 50, 1 - p), rel=1e-15)


@pytest.mark.parametrize("p", SHARES)
@pytest.mark.parametrize("n", [0, 1, 9])
def test_what_cannot_be_has_no_probability(n: int, p: float) -> None:
    """Fewer hits than none, or more than draws: never; every count is between them."""
    for x in (-1, n + 1):
        assert binomial.mass(x, n, p) == 0
        assert binomial.log_mass(x, n, p) == -math.inf
    assert (binomial.at_most(-1, n, p), binomial.at_most(n, n, p), binomial.at_most(n + 1, n, p)) == (0, 1, 1)
    assert (binomial.at_least(-1, n, p), binomial.at_least(0, n, p), binomial.at_least(n + 1, n, p)) == (1, 1, 0)
    assert math.fsum(binomial.mass(x, n, p) for x in range(n + 1)) == pytest.approx(1, rel=1e-14)


def test_a_p_value_is_twice_the_smaller_tail() -> None:
    """Whichever side of the mean a count is on, and 1 at the most."""
    for p in (*SHARES, 0.3, 1 / 3, 0.97):
        for n in (*range(12), 40):
            for x in range(n + 1):
                tails = binomial.at_most(x, n, p), binomial.at_least(x, n, p)
                assert binomial.two_sided(x, n, p) == pytest.approx(min(1, 2 * min(tails)), rel=1e-12), (x, n, p)


def test_five_heads_of_five_are_as_rare_as_two_in_32() -> None:
    """Both sides are counted: five heads, and none."""
    assert binomial.two_sided(5, 5, 0.5) == pytest.approx(2 / 32)
    assert binomial.two_sided(0, 5, 0.5) == pytest.approx(2 / 32)


@pytest.mark.parametrize(("seen", "share", "p"), [(0, 0.0, 1.0), (1, 0.0, 0.0), (9, 1.0, 1.0), (8, 1.0, 0.0)])
def test_one_answer_of_a_server_that_is_owed_none_is_a_certain_fault(seen: int, share: float, p: float) -> None:
    """A share of 0 or 1 leaves one count that can be."""
    assert binomial.two_sided(seen, 9, share) == p


@pytest.mark.parametrize("share", SHARES)
def test_no_draws_are_no_evidence(share: float) -> None:
    """Planning asks before there are any draws."""
    assert binomial.two_sided(0, 0, share) == 1


def test_the_critical_counts_are_the_outermost_that_a_test_accepts() -> None:
    """The next count outward has a tail of at most alpha, these have more."""
    rng = random.Random(4)  # noqa: S311
    for _, n, p in cases(seed=4, many=100):
        alpha = 10 ** rng.uniform(-12, -0.4)
        low, high = binomial.lowest(n, p, alpha), binomial.highest(n, p, alpha)
        assert binomial.at_most(low - 1, n, p) <= alpha < binomial.at_most(low, n, p), (n, p, alpha)
        assert binomial.at_least(high + 1, n, p) <= alpha < binomial.at_least(high, n, p), (n, p, alpha)
        assert low == binom.ppf(alpha, n, p)


def test_critical_counts_know_a_small_share_to_its_last_digit() -> None:
    """Of ten draws with a share of 10⁻⁹, one hit is as rare as its tail says, and not 10⁻⁸ of that more or less."""
    one_hit, one_miss = binomial.at_least(1, 10, 1e-9), binomial.at_most(9, 10, 1 - 1e-9)
    assert [binomial.highest(10, 1e-9, one_hit * (1 + off)) for off in (-1e-12, 1e-12)] == [1, 0]
    assert [binomial.lowest(10, 1 - 1e-9, one_miss * (1 + off)) for off in (-1e-12, 1e-12)] == [9, 10]


def test_a_tail_of_exactly_alpha_is_rejected() -> None:
    """Five heads of five, and no heads of five, have a probability of 1/32."""
    assert (binomial.lowest(5, 0.5, 1 / 32), binomial.highest(5, 0.5, 1 / 32)) == (1, 4)


def test_too_few_draws_reject_nothing() -> None:
    """Where no count is as rare as alpha, every count is accepted."""
    assert (binomial.lowest(5, 0.5, 0.03), binomial.highest(5, 0.5, 0.03)) == (0, 5)
    assert (binomial.lowest(0, 0.5, 0.03), binomial.highest(0, 0.5, 0.03)) == (0, 0)


def test_a_share_of_none_or_all_accepts_one_count() -> None:
    """Whatever alpha is."""
    assert (binomial.lowest(9, 0.0, 1e-6), binomial.highest(9, 0.0, 1e-6)) == (0, 0)
    assert (binomial.lowest(9, 1.0, 1e-6), binomial.highest(9, 1.0, 1e-6)) == (9, 9)
