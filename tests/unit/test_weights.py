"""Weights are compared as ratios, and the one that differs is named."""

from fractions import Fraction

import pytest

from lbcheck.analysis.weights import off

FOUR = {"a": 3, "b": 3, "c": 3, "d": 1}


@pytest.mark.parametrize(
    ("present", "wanted", "differing"),
    [
        ({"a": 30, "b": 30, "c": 30, "d": 10}, FOUR, {}),
        ({"a": 3, "b": 3, "c": 3, "d": 1}, FOUR, {}),
        ({"a": 30, "b": 30, "c": 15, "d": 10}, FOUR, {"c": 30}),
        ({"a": 30, "b": 30, "c": 30, "d": 30}, FOUR, {"d": 10}),
        ({"a": 1, "b": 1, "c": 1, "d": 1}, FOUR, {"d": Fraction(1, 3)}),
        ({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"b": 2}),  # as they were wanted, if as many would be right otherwise
        ({"a": 20, "b": 20}, {"a": 1, "b": 2}, {"a": 1, "b": 2}),  # either may be the wrong one
        ({"a": 30, "b": 0}, {"a": 3, "b": 3}, {"b": 30}),
        ({"a": 30, "b": 10}, {"a": 3, "b": 0}, {"b": 0}),
        ({"a": 30, "b": 0}, {"a": 3, "b": 0}, {}),
        ({"a": 30}, {"a": 3, "b": 3}, {}),  # one without a known weight is not judged
        ({}, {"a": 1}, {}),
    ],
)
def test_a_ratio_that_differs_is_named(
    present: dict[str, int], wanted: dict[str, int], differing: dict[str, int | Fraction]
) -> None:
    """Each server off the scale of most of the others, with the weight that it should have on that scale."""
    assert off(present, wanted) == differing
