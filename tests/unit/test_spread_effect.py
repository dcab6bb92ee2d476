"""How far each server is off what it is owed, and whether that matters."""

import random

from lbcheck.checks.spread import effect

EVEN = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}


def test_a_difference_of_less_than_half_of_the_smallest_fault_does_not_matter() -> None:
    """A weight 20 % off does not matter, one that is halved does, however many requests there are."""
    for times in (1, 100):
        slight = {"a": 80 * times, "b": 100 * times, "c": 100 * times}
        halved = {"a": 50 * times, "b": 100 * times, "c": 100 * times}
        assert not any(one.matters for one in effect.of(slight, EVEN, 0.5).values())
        assert effect.of(halved, EVEN, 0.5)["a"].matters
        assert effect.of(slight, EVEN, 0.2)["a"].matters


def test_an_interval_narrows_with_more_requests_and_holds_the_true_share() -> None:
    """In 300 seeded runs of draws, looked at after each 30, the true share is outside at some look in at most 5 %."""
    dice = random.Random(7)  # noqa: S311 (no secret)
    ever_outside = 0
    for _ in range(300):
        counts, outside = dict.fromkeys(EVEN, 0), False
        for draw in range(1, 301):
            counts[dice.choice("abc")] += 1
            if draw % 30 == 0:
                low, high = effect.of(counts, EVEN, 0.5)["a"].interval
                outside = outside or not low <= 1 / 3 <= high
        ever_outside += outside
    assert ever_outside <= 15
    few, many = ({"a": n, "b": n, "c": n} for n in (10, 1000))
    narrow, wide = (effect.of(counts, EVEN, 0.5)["b"].interval for counts in (many, few))
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


def test_who_is_owed_nothing_or_everything_has_no_effect() -> None:
    """A drained server, and a lone one."""
    assert set(effect.of({"a": 10, "b": 10}, {"a": 0.5, "b": 0.5, "c": 0.0}, 0.5)) == {"a", "b"}
    assert effect.of({"a": 10}, {"a": 1.0}, 0.5) == {}
