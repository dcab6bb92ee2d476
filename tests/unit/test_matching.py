"""Names and things that were counted are matched where they fit in one way only."""

from itertools import permutations, product

import pytest

from lbcheck.analysis.matching import Stretches, fitting, match, match_counts


def ways(fits: dict[str, list[str]]) -> list[dict[str, str]]:
    """Return every way, by trying all of them."""
    names, things = list(fits), sorted({thing for those in fits.values() for thing in those})
    tried = (dict(zip(names, chosen, strict=True)) for chosen in permutations(things, len(names)))
    return [way for way in tried if all(thing in fits[name] for name, thing in way.items())]


def test_different_counts_fit_in_one_way() -> None:
    """Nobody else asked: each name goes with the server that counted as many."""
    found = match_counts(fitting({"alpha": 100, "beta": 200}, {"web-2": 200, "web-1": 100, "web-3": 0}, 0, alone=True))
    assert found.certain
    assert found.found == {"alpha": "web-1", "beta": "web-2"}


def test_equal_counts_fit_in_two_ways() -> None:
    """Both ways are given, and they differ."""
    found = match_counts(fitting({"alpha": 100, "beta": 100}, {"web-1": 100, "web-2": 100}, 0, alone=True))
    assert not found.certain
    assert found.found != found.other
    assert {frozenset(found.found or ()), frozenset(found.other)} == {frozenset(("alpha", "beta"))}


@pytest.mark.parametrize(
    ("seen", "counted", "slack", "certain"),
    [
        ({"a": 100, "b": 101}, {"x": 100, "y": 101}, 0, True),
        ({"a": 100, "b": 101}, {"x": 100, "y": 101}, 1, False),  # one lost request explains the difference
        ({"a": 100, "b": 10}, {"x": 105, "y": 50}, 0, True),  # others asked, too: y is too small for a
        ({"a": 100, "b": 10}, {"x": 105, "y": 150}, 0, False),
        ({"a": 100}, {"x": 100, "y": 100}, 0, False),  # one of them has other clients
        ({"a": 100}, {"x": 100, "y": 99}, 0, True),
        ({"a": 100}, {"x": 98}, 2, True),
        ({"a": 100}, {"x": 97}, 2, False),
        ({"a": 100}, {"x": 102}, 2, True),
        ({"a": 100, "b": 103}, {"x": 100, "y": 103}, 2, True),
    ],
)
def test_what_others_asked_and_what_was_lost_leave_more_ways(
    seen: dict[str, int], counted: dict[str, int], slack: int, certain: bool
) -> None:
    """A balancer may count more than the clients, never less; the slack goes both ways."""
    alone = abs(sum(seen.values()) - sum(counted.values())) <= slack
    assert match_counts(fitting(seen, counted, slack, alone=alone)).certain is certain


def test_counts_that_are_too_small_fit_in_no_way() -> None:
    """A name without a server has no matching, and neither have two names with one server."""
    assert match_counts(fitting({"a": 100}, {"x": 99}, 0, alone=False)).found is None
    assert match({"a": ["x"], "b": ["x"]}).found is None
    assert match({}).found == {}


def test_each_way_is_one_and_none_is_missed() -> None:
    """Every choice of what fits, for three names and three things, against trying all ways."""
    pairs = [(name, thing) for name in "abc" for thing in "xyz"]
    for bits in product((False, True), repeat=len(pairs)):
        fits = {name: [t for (n, t), fit in zip(pairs, bits, strict=True) if fit and n == name] for name in "abc"}
        found, all_ways = match(fits), ways(fits)
        assert (found.found is not None) == bool(all_ways)
        assert found.certain == (len(all_ways) == 1)
        assert all(not way or way in all_ways for way in (found.found, found.other))
        assert found.other != found.found or not found.found


def test_stretches_are_matched_as_anything_else_is() -> None:
    """Every choice of stretches, for three names over four things, against trying all ways."""
    ends = [(start, end) for start in range(5) for end in range(start, 5)]
    for chosen in product(ends, repeat=3):
        stretches = Stretches("wxyz", dict(zip("abc", chosen, strict=True)))
        fits = {name: [*"wxyz"[start:end]] for name, (start, end) in stretches.ends.items()}
        found, all_ways = match_counts(stretches), ways(fits)
        assert (found.found is not None) == bool(all_ways)
        assert found.certain == (len(all_ways) == 1)
        assert all(not way or way in all_ways for way in (found.found, found.other))
        assert found.other != found.found or not found.found


def test_two_hundred_equal_servers_are_ambiguous() -> None:
    """Names that all fit every server take a moment, not a search through all ways."""
    seen, counted = ({f"{kind}{i}": 10 for i in range(200)} for kind in "ax")
    assert not match_counts(fitting(seen, counted, 0, alone=True)).certain
