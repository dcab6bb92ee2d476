"""What a signal means, and by when a step on a host has ended whatever happens."""

import signal

import pytest

from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.fill import Fill
from lbcheck.model.requests import Request
from lbcheck.model.step import Step
from lbcheck.model.watch import LONGEST_S, Route, Watch
from lbcheck.probing.stopping import Hearing, Interrupted

ROUTES = (Route("http://www.lab.test/", "198.18.0.101"),)


def test_the_first_signal_is_a_question() -> None:
    """Whoever asks is told, and nothing is broken off."""
    signals = Hearing()
    assert not signals()
    signals.hear(signal.SIGTERM)
    assert signals()
    assert signals.number == signal.SIGTERM


def test_the_second_signal_ends_the_command() -> None:
    """Its exit status is what a shell gives for that signal."""
    signals = Hearing()
    signals.hear(signal.SIGHUP)
    with pytest.raises(Interrupted, match="SIGINT") as ended:
        signals.hear(signal.SIGINT)
    assert ended.value.exit_status == 130


def test_what_does_not_ask_is_broken_off() -> None:
    """A page of counters has no part of a result: there is nothing to wait for."""
    signals = Hearing()
    with pytest.raises(Interrupted), signals.broken_off(0.0):
        signals.hear(signal.SIGINT)
    assert signals()


def test_what_begins_after_a_signal_is_broken_off_at_once() -> None:
    """The signal came between two steps; what sees to itself goes on all the same."""
    signals = Hearing()
    signals.hear(signal.SIGINT)
    with pytest.raises(Interrupted), signals.broken_off(60.0):
        pytest.fail("it began")
    with signals.broken_off(None):
        assert signals()


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        # Four at once, each answered just in time: ten a second are not to be had.
        (Request(url="http://a/", address="", requests=100, rate=10.0, timeout_s=2.0, silence_s=30.0), 50 + 30),
        (Request(url="http://a/", address="", requests=100, rate=1.0, timeout_s=2.0, silence_s=30.0), 100 + 30),
        (Resolve(name="a", rdtype="A", queries=10, timeout_s=2.0), 20 + 60),
        (Watch(routes=ROUTES, interval_s=0.05, for_s=15.0), 15.5 + 60),
        (Watch(routes=ROUTES, interval_s=0.05, for_s=15.0, until_told=True), LONGEST_S + 0.5 + 60),
        (Fill(endpoints=(Endpoint("127.0.0.1", 80),), limit=100, rate=50.0, hold_s=7.0, timeout_s=3.0), 2 + 10 + 60),
        (Fill(endpoints=(Endpoint("127.0.0.1", 80),), ports=PortRange(1, 600), timeout_s=3.0), 2 + 3 + 60),
    ],
)
def test_a_step_ends_by_its_planned_time_and_patience(step: Step, seconds: float) -> None:
    """Nothing that answers in time is cut short; what nobody wants any more ends at last."""
    assert step.longest_s == pytest.approx(seconds)
