"""Ten signals, to commands at work: each ends what it started, leaves nothing behind, and judges what it measured.

`python -m bench.signals 200` sends more of them, and prints how long each command took to end.
"""

import re
import signal

import pytest

from bench.signals import KINDS, trial

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
KIND = {kind.name: kind for kind in KINDS}
SENT = [
    ("spread", INT),
    ("spread", HUP),
    ("spread, silent counters", TERM),
    ("dns", TERM),
    ("fill", HUP),
    ("fill", KILL),
    ("failover", INT),
    ("run, beginning", TERM),
    ("run", KILL),
]


@pytest.mark.parametrize(("name", "number"), SENT, ids=[f"{name}-{number.name}" for name, number in SENT])
def test_a_signal_ends_all_that_was_started(name: str, number: signal.Signals) -> None:
    """No process, no file; no traceback and no pass; and a report, unless nothing was measured or nobody could write."""
    ended = trial(KIND[name], number)
    assert ended.faults == [], ended.output + ended.errors
    if number is KILL:
        assert ended.status == -KILL
    elif name == "run, beginning":
        assert ended.status == 128 + number
        assert ended.errors.endswith(f"interrupted by {number.name}: nothing was measured that could be judged\n")
    else:
        assert ended.status == 4
        assert "interrupted" in ended.output


def test_what_hosts_had_measured_when_the_signal_came_is_judged() -> None:
    """They end their step early, and report what they have before they are tidied."""
    ended = trial(KIND["run"], HUP)
    found = re.search(r"backend web: ([0-9,]+) requests to .*: web1 ([0-9]+), web2 ([0-9]+)", ended.output)
    assert found, ended.output + ended.errors
    requests, *answers = (int(number.replace(",", "")) for number in found.groups())
    assert requests == sum(answers) >= 20
