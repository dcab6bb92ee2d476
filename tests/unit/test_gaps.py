"""From attempts to gaps: the arithmetic, by table."""

import pytest

from lbcheck.model.watch import Gap, Route
from lbcheck.probing.http.gaps import KEPT, Attempt, gaps, seen

ROUTE = Route("http://www.lab.test/", "198.18.0.101")


def attempts(marks: str) -> list[Attempt]:
    """Return one attempt a tenth of a second: a digit is the balancer that answered, x nobody."""
    return [
        Attempt(number / 10, 0.01, "timeout" if mark == "x" else "", "" if mark == "x" else f"lb{mark}")
        for number, mark in enumerate(marks)
    ]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("", []),
        ("1111", []),
        ("1x1", [Gap(0.0, 0.2, 1, before="lb1", after="lb1")]),
        ("11xxx2", [Gap(0.1, 0.5, 3, before="lb1", after="lb2")]),
        ("1xx", [Gap(0.0, 0.2, 2, back=False, before="lb1")]),
        ("xx1", [Gap(0.0, 0.2, 2, after="lb1")]),
        ("xxx", [Gap(0.0, 0.2, 3, back=False)]),
        ("1x1x2", [Gap(0.0, 0.2, 1, before="lb1", after="lb1"), Gap(0.2, 0.4, 1, before="lb1", after="lb2")]),
    ],
)
def test_a_gap_lasts_from_the_last_answered_start_to_the_next(marks: str, expected: list[Gap]) -> None:
    """A gap is bounded by the starts of the answered attempts around it, or by the watch's own edges."""
    assert gaps(attempts(marks)) == expected


def test_attempts_count_in_the_order_of_their_starts() -> None:
    """An attempt that times out ends after later ones were answered, and stays where it began."""
    shuffled = sorted(attempts("11xx22"), key=lambda attempt: not attempt.error)
    assert seen(ROUTE, shuffled) == seen(ROUTE, attempts("11xx22"))


def test_what_is_seen_is_aggregated() -> None:
    """Counts by error and balancer, the first answer, the longest pause between two starts."""
    late = [Attempt(2.0, 0.3, "", "lb2")]
    found = seen(ROUTE, attempts("x11x") + late)
    assert (found.attempts, found.errors, found.balancers) == (5, {"timeout": 2}, {"lb1": 2, "lb2": 1})
    assert (found.first_answer_s, found.pause_s, found.slowest_s) == (0.1, 1.7, 0.3)


def test_of_many_gaps_the_longest_are_kept() -> None:
    """A sample stays small, whoever flaps."""
    found = seen(ROUTE, attempts("1x" * 50 + "1xxx1"))
    assert len(found.gaps) == KEPT
    assert max(gap.seconds for gap in found.gaps) == pytest.approx(0.4)
