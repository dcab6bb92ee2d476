"""What Ansible is told of hosts, and what it says of one that gave nothing, in one sentence."""

import base64
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind
from lbcheck.vantage import names
from lbcheck.vantage.ansible import BETWEEN_S, reason, stage_play
from lbcheck.vantage.callback import lbcheck_events
from lbcheck.wire import jsonl

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


@pytest.mark.parametrize("name", ["web1", "web1.example.com", "web_2-b", "1", "_"])
def test_a_plain_name_is_its_own_pattern(name: str) -> None:
    """Ansible takes it for the host of that name before it looks for anything else."""
    assert names.pattern(name) == name


@pytest.mark.parametrize(
    "name",
    ["!c9", "&c9", "a,b", "web[0:2]", "~.*", "*", "fe80::1", "My VM (1)", "a\u2028b", "é", "-x", "a\n", "\ud800"],
)
def test_any_other_name_is_matched_by_an_expression_of_letters_without_meaning(name: str) -> None:
    """Nothing in it is a separator, a bracket or a modifier; it matches that name, and no longer or shorter one."""
    said = names.pattern(name)
    assert re.fullmatch(r"~[\\0-9A-Za-z]+", said)
    expression = re.compile(said[1:])  # as Ansible does it
    assert expression.match(name)
    assert not any(
        expression.match(other) for other in (f"{name}x", f"x{name}", f"{name}\n", name[:-1], name.upper() + "!")
    )


@pytest.mark.parametrize("name", ["{{ x }}", "a{{b", "{% x %}", "{# x #}"])
def test_a_name_with_a_template_in_it_is_refused(name: str) -> None:
    """The sentence has the name, and what to do."""
    failure = names.refusal(name)
    assert failure
    assert failure.message.startswith(f"host '{name}': its name is a template")


@pytest.mark.parametrize("name", ["web1", "{web}", "a}}b", "%", "here"])
def test_other_braces_are_no_template(name: str) -> None:
    """Nobody else is refused."""
    assert names.refusal(name) is None


def test_a_name_in_a_plays_variables_is_encoded() -> None:
    """As the filter b64encode encodes it."""
    assert base64.b64decode(names.key("é!")).decode() == "é!"


@pytest.mark.parametrize(
    ("event", "version"),
    [
        ({"task": "python", "stderr": "lbcheck: Python 3.9\n"}, "3.9"),
        ({"task": "python", "stdout": "lbcheck: Python 2.7\r\n", "msg": "non-zero return code"}, "2.7"),
        (
            {
                "task": "carry",
                "msg": "ansible-core requires a minimum of Python version 3.8. Current version: 3.7.3 (x)",
            },
            "3.7.3",
        ),
        (
            {"task": "carry", "module_stderr": "  File …\nSyntaxError: future feature annotations is not defined\n"},
            "older than 3.7",
        ),
    ],
)
def test_a_host_whose_python_is_too_old_is_named_with_the_remedy(event: dict[str, str], version: str) -> None:
    """As the probe's own look says it, or Ansible, whose modules could not run there."""
    failure = reason({"event": "failed", "host": "web1", **event})
    remedy = "set ansible_python_interpreter to a newer one there"
    assert failure.message == f"web1: its Python is {version}, and lbcheck needs 3.11 or newer: {remedy}"


def given(*hosts: str) -> dict[str, Stage]:
    """Return what each host is given of a stage with a step for each of these, by its name."""
    steps = tuple(CountLogLines(at=host, server="", path="/log", token="x") for host in hosts)
    plan = Plan((Stage(StageName.BEFORE, ()), Stage(StageName.AFTER, steps)))
    play = stage_play(1, plan, {names.called(host): f"/tmp/{host}" for host in (*hosts, HERE)}, Path("/permit"))
    assert play["name"] == "stage 1"
    parts = {
        base64.b64decode(key).decode(): base64.b64decode(part) for key, part in play["vars"]["lbcheck_parts"].items()
    }
    return {host: jsonl.parse(Stage, part.decode()) for host, part in parts.items()}


def test_what_runs_on_this_machine_needs_a_permit_of_its_own() -> None:
    """No program is carried here, whose folder would be one."""
    assert {host: part.permit for host, part in given(HERE, "web1").items()} == {names.ITSELF: "/permit", "web1": ""}


def test_hosts_that_are_called_as_this_machine_often_is_are_hosts() -> None:
    """The program is carried there, its folder is the permit, and each has its own steps."""
    parts = given("localhost", "here", HERE)
    assert {host: part.permit for host, part in parts.items()} == {"localhost": "", "here": "", names.ITSELF: "/permit"}
    assert [step.at for step in parts["here"].steps] == ["here"]


def test_every_host_of_a_stage_has_the_deadline_of_the_slowest() -> None:
    """Whoever has less to do goes on as long, for the stages after it."""
    one, two = (CountLogLines(server="", path="/log", token="x").longest_s * number for number in (1, 2))
    assert {part.deadline_s for part in given("web1", "web2").values()} == {BETWEEN_S + one}
    assert {part.deadline_s for part in given("web1", "web2", "web1").values()} == {BETWEEN_S + two}


def test_this_machine_is_called_so() -> None:
    """What Ansible calls it is nobody's business."""
    event = {"event": "failed", "host": names.ITSELF, "task": "stage 0", "stderr": "no such program"}
    assert reason(event).message == "here: no such program"


def told(capsys: pytest.CaptureFixture[str], **result: object) -> dict[str, Any]:
    """Return the event that the callback writes of a task's result."""
    host, task = (
        SimpleNamespace(get_name=lambda name=name: name, action="ansible.builtin.command")
        for name in ("web1", "stage 0")
    )
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
