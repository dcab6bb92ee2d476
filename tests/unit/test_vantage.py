"""What Ansible says of a host that gave nothing, in one sentence."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from lbcheck.model.step import ErrorKind
from lbcheck.vantage import ansible
from lbcheck.vantage.ansible import reason
from lbcheck.vantage.callback import lbcheck_events

FULL = (
    "Module failed: Failed to replace '/tmp/lbcheck-1e/lbcheck.pyz' with b'/root/.ansible/tmp/x/.source.pyz': "
    "[Errno 28] No space left on device: b'/root/.ansible/tmp/x/.source.pyz' -> b'/tmp/lbcheck-1e/.ansible_tmpvke'"
)


def test_a_host_without_room_for_the_probe_is_said_so_in_a_few_words() -> None:
    """Which file Ansible replaces by which is nobody's business: the place is, and what the system said."""
    failure = reason({"event": "failed", "host": "client2", "task": "carry", "msg": FULL})
    assert failure.message == "client2: the probe could not be copied to /tmp: no space left on device"


def test_any_other_failure_keeps_ansibles_own_words() -> None:
    """What is not understood is passed on, with its host."""
    failure = reason({"event": "failed", "host": "web1", "task": "stage 0", "stderr": "[Errno 28] odd"})
    assert failure.message == "web1: [Errno 28] odd"


def test_a_host_that_cannot_be_reached_is_of_that_kind() -> None:
    """A verdict tells what could not be reached from what went wrong there."""
    gone = {"event": "unreachable", "host": "ghost1", "task": "carry", "msg": "no route"}
    assert reason(gone).kind is ErrorKind.UNREACHABLE


def test_this_machine_is_called_so() -> None:
    """What Ansible calls it is nobody's business."""
    event = {"event": "failed", "host": ansible._ITSELF, "task": "stage 0", "stderr": "no such program"}
    assert reason(event).message == "here: no such program"


def told(capsys: pytest.CaptureFixture[str], **result: object) -> dict[str, Any]:
    """Return the event that the callback writes of a task's result."""
    host, task = (SimpleNamespace(get_name=lambda name=name: name) for name in ("web1", "stage 0"))
    callback = lbcheck_events.CallbackModule()
    callback.v2_runner_on_ok(SimpleNamespace(_result=result, _host=host, _task=task))
    mark, brace, rest = capsys.readouterr().out.partition("{")
    assert mark == "m4rk"
    event: dict[str, Any] = json.loads(brace + rest)
    return event


def test_a_host_that_writes_without_end_is_a_failure_of_a_few_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it wrote goes no further than to Ansible."""
    monkeypatch.setenv("LBCHECK_EVENTS_MARK", "m4rk")
    event = told(capsys, stdout="x" * (lbcheck_events.MOST_OUTPUT + 1), stderr="e" * 10**6)
    assert "stdout" not in event
    assert reason(event).message == "web1: it wrote more than 67 MB"


def test_whatever_a_host_says_is_one_line_of_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a module gives what is no text, or a line end of another kind."""
    monkeypatch.setenv("LBCHECK_EVENTS_MARK", "m4rk")
    event = told(capsys, stdout="a\u2028b\nc", stderr=["x"], msg=None)
    assert (event["stdout"], event["stderr"]) == ("a\u2028b\nc", "['x']")
    assert "msg" not in event
