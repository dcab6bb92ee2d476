"""When a step asks gently, and when it gives up."""

import pytest

from lbcheck.model.requests import Request
from lbcheck.probing.http.patience import FAILING, FAILING_RATE, Patience


def patience(**more: float) -> Patience:
    """Return the patience of a step over four connections, from second 0 on."""
    settings = {"timeout_s": 5.0, "silence_s": 60.0, **more}
    return Patience(Request(url="http://x/", address="", requests=200, concurrency=4, **settings), 0.0)  # type: ignore[arg-type]


def test_failures_and_silence_are_bounded_in_all() -> None:
    """One silent server of four, the others answering: 48 timeouts of 5 s over four connections are 60 s."""
    step = patience()
    for number in range(48):
        assert step.given_up(float(number)) == ""
        step.failed(5.0)
        step.heard(float(number))
    assert step.silent_s == pytest.approx(60)
    assert step.given_up(50.0) == "given up after 60 s of failures and silence"


def test_no_limit_is_no_limit() -> None:
    """0 seconds stand for no bound."""
    step = patience(silence_s=0)
    step.failed(1e6)
    step.heard(10.0)
    assert (step.given_up(10.0), step.timeout_s) == ("", 5.0)


def test_one_operation_waits_no_longer_than_all_may() -> None:
    """A bound below the timeout takes its place."""
    assert patience(silence_s=2.0).timeout_s == 2.0


def test_who_never_answers_is_given_up_earlier() -> None:
    """Three timeouts without any answer; a single answer begins them anew."""
    step = patience()
    for _ in range(4):
        step.failed(0.0)
    assert step.given_up(15.0) == ""
    assert step.given_up(15.1) == "given up after 15.1 s without any answer"
    step.heard(15.0)
    assert step.given_up(15.1) == ""


def test_a_silence_without_failures_is_no_reason() -> None:
    """At one request an hour nothing is heard for long, and nothing is wrong."""
    assert patience().given_up(3600.0) == ""


@pytest.mark.parametrize(("rate", "then"), [(0.0, FAILING_RATE), (1000.0, FAILING_RATE), (5.0, 5.0)])
def test_after_many_failures_in_a_row_the_rest_is_gentle(rate: float, then: float) -> None:
    """An answer makes it as fast again as the step says."""
    step = patience(rate=rate)
    for _ in range(FAILING - 1):
        step.failed(0.0)
    assert step.rate == rate
    step.failed(0.0)
    assert step.rate == then
    step.heard(1.0)
    assert step.rate == rate
