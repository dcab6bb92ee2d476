"""Error rates and sample sizes."""

import itertools
import math

import pytest

from lbcheck import pipeline
from lbcheck.analysis import binomial, sampling


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Over every outcome of 30 draws among three servers, those judged faulty weigh at most alpha."""
    owed, draws, alpha = {"a": 0.25, "b": 0.25, "c": 0.5}, 30, 0.01
    alarms = 0.0
    for a, b in itertools.product(range(draws + 1), repeat=2):
        if a + b > draws:
            continue
        counts = {"a": a, "b": b, "c": draws - a - b}
        if sampling.multinomial_p(counts, owed) < alpha:
            ways = math.comb(draws, a) * math.comb(draws - a, b)
            alarms += ways * 0.25**a * 0.25**b * 0.5 ** counts["c"]
    assert 0 < alarms <= alpha


def test_the_checks_share_out_the_whole_error_budget() -> None:
    """One run makes every check's tests: what each may err is a share of what the run may, and no more."""
    assert sum(sampling.BUDGET.values()) == 1
    assert set(sampling.BUDGET) <= set(pipeline.CHECKS)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2}, {"a": 3, "b": 256, "c": 256}])
def test_a_halved_weight_is_found_as_often_as_promised(weights: dict[str, int]) -> None:
    """With the needed samples, each server's halved weight is missed in about 1 % at most."""
    alpha = 1e-6
    draws = sampling.needed_for_multinomial(weights, alpha)
    owed = sampling.shares(weights)
    for victim, weight in weights.items():
        fault = sampling.halved_share(weight, sum(weights.values()))
        missed = binomial.at_least(binomial.lowest(draws, owed[victim], alpha / len(weights) / 2), draws, fault)
        assert missed <= 2 * sampling.MISS


def test_one_server_needs_no_proof() -> None:
    """With a single server there is nothing to tell apart."""
    assert sampling.needed_for_multinomial({"a": 1}, 1e-6) == 1
    assert sampling.needed_for_bound({"a": 1, "b": 0}, 4) == 1


def test_half_a_weight_is_a_share_of_what_is_left() -> None:
    """Of the weights 1, 1, 2, a halved 2 is one of three equal weights, and a halved 1 is a seventh of seven halves."""
    assert sampling.halved_share(2, 4) == 1 / 3
    assert sampling.halved_share(1, 4) == 1 / 7


def test_enough_requests_lift_a_halved_weight_out_of_the_bound() -> None:
    """What a halved weight shifts is more than twice the bound, so that right and wrong do not overlap."""
    weights = {"a": 1, "b": 1, "c": 2}
    needed = sampling.needed_for_bound(weights, 4)
    assert all((weight / 4 - sampling.halved_share(weight, 4)) * needed >= 8 for weight in weights.values())


def test_meeting_everyone_takes_as_long_as_the_rarest() -> None:
    """After the needed draws, the chance that one of three even things never came is within alpha."""
    needed = sampling.needed_to_meet(1 / 3, 3, 1e-6)
    assert 3 * (2 / 3) ** needed <= 1e-6 < 3 * (2 / 3) ** (needed - 1)
