"""Hypergeometric tails against scipy's."""

import pytest
from scipy.stats import hypergeom

from lbcheck.analysis import hypergeometric


@pytest.mark.parametrize(
    ("part", "marked", "whole"), [(8, 8, 24), (200, 190, 600), (10, 3, 2000), (500, 40, 1000), (1, 0, 5), (5, 5, 5)]
)
def test_both_tails_are_those_of_scipy(part: int, marked: int, whole: int) -> None:
    """On both sides of the mean, and beyond what can be."""
    exact = hypergeom(whole, marked, part)
    for x in range(max(0, part + marked - whole) - 1, min(part, marked) + 2):
        assert hypergeometric.at_least(x, part, marked, whole) == pytest.approx(exact.sf(x - 1), rel=1e-6, abs=1e-12)
        assert hypergeometric.at_most(x, part, marked, whole) == pytest.approx(exact.cdf(x), rel=1e-6, abs=1e-12)


def test_a_tail_of_many_requests_is_small_and_not_zero() -> None:
    """Eight errors of 24 answers, all at one of three servers: one in 735,471."""
    assert 1 / hypergeometric.at_least(8, 8, 8, 24) == pytest.approx(735_471)
