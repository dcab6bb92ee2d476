"""Run a plan on many hosts at once through Ansible: its connections, its become, its forks and its limits.

One playbook: a play that copies the zipapp, one for each stage, one that removes it. The plays are data, written as
JSON; results come back line by line through a callback plugin, so that what was sampled is kept whatever happens next.
"""

import base64
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lbcheck import ansible_cli
from lbcheck.errors import MeasurementError
from lbcheck.model.plan import Plan, Stage
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.watch import Watch
from lbcheck.vantage import zipapp
from lbcheck.vantage.here import Begun, silently
from lbcheck.wire import jsonl

_PROGRAM = "lbcheck.pyz"
_CARRY = "carry"  # the task that copies the program
_OLD = "python"  # the task that fails where Python is too old for it
_TOO_OLD = re.compile(  # as that task says it, or Ansible, whose modules need less, but not any
    r"^lbcheck: Python ([0-9.]+)|requires a minimum of Python version .*Current version: ([0-9.]+)"
    r"|^SyntaxError: (future feature annotations is not defined)$",  # the same, before it can say so
    re.MULTILINE,
)
_ERRNO = re.compile(r"\[Errno [0-9]+\] ([^:\n]+)")  # as Python writes an error of the system
_END_S = 5.0  # for Ansible to end after a signal; it takes well below one
_PYTHON = (
    "{{ ansible_python_interpreter if not (ansible_python_interpreter | default('auto')).startswith('auto')"
    " else (ansible_facts.discovered_interpreter_python | default('python3')) }}"
)

# Any Python can read it. It says its version, and fails, where that is below pyproject.toml's.
_IS_NEW = (
    "{{ lbcheck_python | quote }} -c "
    "'import sys; sys.version_info >= (3, 11) or exit(\"lbcheck: Python %d.%d\" % sys.version_info[:2])'"
)


def run(plan: Plan, inventories: Sequence[str], begun: Begun = silently) -> Generator[Sample, None, None]:
    """Yield the samples of every step as each host ends each stage; a host that cannot be reached gives failures.

    `begun` hears of each stage that begins.
    """
    with tempfile.TemporaryDirectory(prefix="lbcheck-") as folder:
        program = Path(folder, _PROGRAM)
        program.write_bytes(zipapp.build())
        # Unguessable, so that nobody on a shared host can put something else in its place.
        remote = f"/tmp/lbcheck-{secrets.token_hex(16)}"  # noqa: S108
        hosts = [host for host in plan.hosts if host != HERE]
        carry = [_carry_play(hosts, program, remote)] if hosts else []
        stages = [_stage_play(number, stage, remote) for number, stage in enumerate(plan.stages) if stage.steps]
        tidy = [_tidy_play(hosts, remote)] if hosts else []
        untidy = set(hosts)  # a host where a task fails takes no part in what follows, nor in the play that tidies
        try:
            # Closed before what follows: a run that is broken off has ended when its traces are removed.
            with closing(_play(Path(folder), carry + stages + tidy, inventories, _forks(plan))) as events:
                failed: set[str] = set()
                yield from _collect(plan, _announced(plan, _named(events, failed), begun))
            untidy &= failed
        finally:
            if untidy:
                list(_play(Path(folder), [_tidy_play(sorted(untidy), remote)], inventories))


def _tasks_play(name: str, hosts: Sequence[str], *tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": ",".join("localhost" if host == HERE else host for host in hosts),
        "gather_facts": False,
        "tasks": [{"name": name, **task} for task in tasks],
    }


def _carry_play(hosts: Sequence[str], program: Path, remote: str) -> dict[str, Any]:
    # A destination that ends in a slash is made, too: one call of a module less on each host.
    copy = {"src": str(program), "dest": f"{remote}/", "mode": "0600", "directory_mode": "0700"}
    # By the second task Ansible has found the interpreter: copying needs it, and `raw` does not.
    play = _tasks_play(_CARRY, hosts, {"ansible.builtin.copy": copy}, {"name": _OLD, "ansible.builtin.raw": _IS_NEW})
    return play | {"vars": {"lbcheck_python": _PYTHON}}


def _tidy_play(hosts: Sequence[str], remote: str) -> dict[str, Any]:
    return _tasks_play("tidy", hosts, {"ansible.builtin.file": {"path": remote, "state": "absent"}})


def _stage_play(number: int, stage: Stage, remote: str) -> dict[str, Any]:
    hosts = list(dict.fromkeys(step.at for step in stage.steps))
    parts = {host: jsonl.line(Stage(stage.name, tuple(x for x in stage.steps if x.at == host))) for host in hosts}
    parts = {"localhost" if host == HERE else host: part for host, part in parts.items()}
    play = _tasks_play(
        f"stage {number}",
        hosts,
        {
            "ansible.builtin.command": {
                "argv": "{{ lbcheck_argv }}",
                # In base64, for what is requested is text and never a template.
                "stdin": "{{ lbcheck_parts[inventory_hostname] | b64decode }}",
            },
            "check_mode": False,
            "changed_when": False,
        },
    )
    argv = (
        f"{{{{ {json.dumps([sys.executable, '-m', 'lbcheck', 'probe'])} if inventory_hostname == 'localhost' "
        f"else [lbcheck_python, {json.dumps(f'{remote}/{_PROGRAM}')}] }}}}"
    )
    # What Ansible itself puts on a host lies there too, so that the end of the folder is the end of it, Ctrl-C or not.
    play["environment"] = {"TMPDIR": remote}
    play["vars"] = {
        "lbcheck_parts": {host: _b64(part) for host, part in parts.items()},
        "lbcheck_python": _PYTHON,
        "lbcheck_argv": argv,
    }
    return play


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _forks(plan: Plan) -> Mapping[str, str]:
    """Return what lets Ansible be on all hosts at once, where that is needed: its own limit makes batches of them."""
    watching = any(isinstance(step, Watch) for stage in plan.stages for step in stage.steps)
    return {"ANSIBLE_FORKS": str(len(plan.hosts))} if watching else {}


def _play(
    folder: Path,
    plays: Sequence[Mapping[str, Any]],
    inventories: Sequence[str],
    more: Mapping[str, str] = MappingProxyType({}),
) -> Generator[dict[str, Any], None, None]:
    """Run the plays and yield the callback's events."""
    playbook = folder / "probe.json"
    playbook.write_text(json.dumps(plays))
    environment = ansible_cli.environment(inventories, **ansible_cli.EVENTS, **more)
    command = ansible_cli.command("ansible-playbook", inventories, str(playbook))
    with (folder / "diagnostics").open("w+") as diagnostics:
        # In a session of its own: Ctrl-C reaches this process alone, which then ends that one.
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=diagnostics, text=True, env=environment, start_new_session=True
        )
        yield from _events(process)
        if process.returncode not in (0, 2, 4):  # 2, 4: a host failed, or cannot be reached
            diagnostics.seek(0)
            raise MeasurementError(f"ansible-playbook failed: {ansible_cli.last_words(diagnostics.read())}")


def _events(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    try:
        for line in process.stdout or ():
            if line.startswith("{"):
                yield json.loads(line)
        process.wait()
    finally:
        _end(process)
        if process.stdout:
            process.stdout.close()


def _end(process: "subprocess.Popen[str]") -> None:
    """End it with all its children, as Ctrl-C would: Ansible's modules then clear up after themselves."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_END_S)


def _named(events: Iterator[dict[str, Any]], failed: set[str]) -> Iterator[dict[str, Any]]:
    """Name each host whose Python is too old before anything is sent; the report, which names it again, comes late.

    Whatever fails on a host, it is one of `failed` from then on.
    """
    for event in events:
        if event["event"] == "failed":
            failed.add(event["host"])
        if event["event"] == "failed" and old_python(event):
            sys.stderr.write(f"lbcheck: {reason(event).message}; the others go on\n")
        yield event


def _announced(plan: Plan, events: Iterator[dict[str, Any]], begun: Begun) -> Iterator[dict[str, Any]]:
    """Say which stage begins, when it does; pass on every other event."""
    for event in events:
        if event["event"] != "play":
            yield event
        elif event["play"].startswith("stage "):
            begun(plan.stages[int(event["play"].removeprefix("stage "))].name)


def _collect(plan: Plan, events: Iterator[dict[str, Any]]) -> Iterator[Sample]:
    """Turn events into samples; what is still missing at the end becomes failures."""
    waiting = {(n, host): list(stage.steps) for n, stage in enumerate(plan.stages) for host in plan.hosts}
    waiting = {key: [step for step in steps if step.at == key[1]] for key, steps in waiting.items()}
    reasons: dict[str, Failure] = {}
    for event in events:
        host = HERE if event["host"] == "localhost" else event["host"]
        if event["event"] != "ok":
            reasons.setdefault(host, reason(event))
        if event["task"].startswith("stage "):
            steps = waiting[int(event["task"].removeprefix("stage ")), host]
            for sample in jsonl.samples(event.get("stdout", "").split("\n")):
                steps.pop(0)
                yield sample
    unknown = Failure(ErrorKind.INTERNAL, "the run ended before this was measured")
    for (_, host), steps in waiting.items():
        for step in steps:
            yield step.lost(reasons.get(host, unknown))


def old_python(event: Mapping[str, Any]) -> str:
    """Return the version of a host's Python if a task failed because it is too old; empty: it did not."""
    said = "\n".join(str(event[key]) for key in ("stdout", "stderr", "module_stderr", "msg") if event.get(key))
    found = _TOO_OLD.search(said) if event["task"] in (_CARRY, _OLD) else None
    return (found[1] or found[2] or "older than 3.7").rstrip(".") if found else ""


def reason(event: Mapping[str, Any]) -> Failure:
    """Return why a host gave no samples, from what Ansible says of a task: its host, and one short sentence."""
    kind = ErrorKind.UNREACHABLE if event["event"] == "unreachable" else ErrorKind.INTERNAL
    if version := old_python(event):
        remedy = "set ansible_python_interpreter to a newer one there"
        return Failure(kind, f"{event['host']}: its Python is {version}, and lbcheck needs 3.11 or newer: {remedy}")
    said = event.get("stderr") or event.get("module_stderr") or event.get("msg") or "no reason given"
    words = ansible_cli.last_words(str(said)).removeprefix("Task failed: ")
    if event["task"] == _CARRY and (error := _ERRNO.search(words)):
        words = f"the probe could not be copied to /tmp: {error[1].lower()}"
    return Failure(kind, f"{event['host']}: {words}")
