"""Run a plan on many hosts at once through Ansible: its connections, its become, its forks and its limits.

One playbook: a play that names this machine, one that copies the zipapp, one for each stage, one that removes it. The
plays are data, written as JSON; results come back line by line through a callback plugin, so that what was sampled is
kept whatever happens next. Ansible ends a playbook when every host of a play has failed; so this machine is in each
play, and has nothing to do in most.
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
from lbcheck.model.question import HERE, in_words
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.watch import Watch
from lbcheck.vantage import hearing, zipapp
from lbcheck.vantage.here import Begun, silently
from lbcheck.wire import jsonl

# What Ansible calls this machine for a run: no host of any inventory, for one may be called `localhost`, or `here`.
_ITSELF = f"lbcheck-{secrets.token_hex(8)}"
_CALLBACKS = Path(__file__).with_name("callback")
_PROGRAM = "lbcheck.pyz"
_CARRY = "carry"  # the task that copies the program
_STAGE = "stage "  # begins the names of the plays of stages; the rest is the stage's number
_ERRNO = re.compile(r"\[Errno [0-9]+\] ([^:\n]+)")  # as Python writes an error of the system
_END_S = 5.0  # for Ansible to end after a signal; it takes well below one
_PYTHON = (
    "{{ ansible_python_interpreter if not (ansible_python_interpreter | default('auto')).startswith('auto')"
    " else (ansible_facts.discovered_interpreter_python | default('python3')) }}"
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
        carry = [_itself_play(), *([_carry_play(hosts, program, remote)] if hosts else [])]
        stages = [_stage_play(number, stage, remote) for number, stage in enumerate(plan.stages) if stage.steps]
        tidy = [_tidy_play(hosts, remote)] if hosts else []
        ended = False
        try:
            # Closed before what follows: a run that is broken off has ended when its traces are removed.
            with closing(_play(Path(folder), carry + stages + tidy, inventories, _forks(plan))) as events:
                yield from _collect(plan, _announced(plan, events, begun))
            ended = True
        finally:
            if tidy and not ended:
                list(_play(Path(folder), [_itself_play(), *tidy], inventories))


def _itself_play() -> dict[str, Any]:
    """Return the play that adds this machine to the inventory; nothing is connected to, whatever `localhost` is."""
    itself = {
        "name": _ITSELF,
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,  # what runs here has the rights of whoever called lbcheck
    }
    task = {"name": "itself", "ansible.builtin.add_host": itself, "changed_when": False}
    return {"name": "itself", "hosts": "localhost", "gather_facts": False, "tasks": [task]}


def _called(host: str) -> str:
    """Return the name that Ansible has for where a step runs."""
    return _ITSELF if host == HERE else host


def _tasks_play(name: str, hosts: Sequence[str], *tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": ",".join(dict.fromkeys([*map(_called, hosts), _ITSELF])),
        "gather_facts": False,
        "any_errors_fatal": False,  # whatever the user's ansible.cfg says: a host that fails is one host
        "vars": {"lbcheck_hosts": [_called(host) for host in hosts]},
        "tasks": [{"name": name, "when": "inventory_hostname in lbcheck_hosts", **task} for task in tasks],
    }


def _carry_play(hosts: Sequence[str], program: Path, remote: str) -> dict[str, Any]:
    # A destination that ends in a slash is made, too: one call of a module less on each host.
    copy = {"src": str(program), "dest": f"{remote}/", "mode": "0600", "directory_mode": "0700"}
    return _tasks_play(_CARRY, hosts, {"ansible.builtin.copy": copy})


def _tidy_play(hosts: Sequence[str], remote: str) -> dict[str, Any]:
    return _tasks_play("tidy", hosts, {"ansible.builtin.file": {"path": remote, "state": "absent"}})


def _stage_play(number: int, stage: Stage, remote: str) -> dict[str, Any]:
    parts = {host: jsonl.line(Stage(stage.name, tuple(steps))) for host, steps in _by_host(stage).items()}
    play = _tasks_play(
        f"{_STAGE}{number}",
        list(parts),
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
        f"{{{{ {json.dumps([sys.executable, '-m', 'lbcheck', 'probe'])} if inventory_hostname == '{_ITSELF}' "
        f"else [lbcheck_python, {json.dumps(f'{remote}/{_PROGRAM}')}] }}}}"
    )
    # What Ansible itself puts on a host lies there too, so that the end of the folder is the end of it, Ctrl-C or not.
    play["environment"] = {"TMPDIR": remote}
    play["vars"] |= {
        "lbcheck_parts": {_called(host): _b64(part) for host, part in parts.items()},
        "lbcheck_python": _PYTHON,
        "lbcheck_argv": argv,
    }
    return play


def _by_host(stage: Stage) -> dict[str, list[Step]]:
    """Return a stage's steps by the host where they run."""
    found: dict[str, list[Step]] = {}
    for step in stage.steps:
        found.setdefault(step.at, []).append(step)
    return found


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
    playbook, mark = folder / "probe.json", secrets.token_hex(8)
    playbook.write_text(json.dumps(plays))
    environment = ansible_cli.environment(
        inventories,
        ANSIBLE_CALLBACK_PLUGINS=str(_CALLBACKS),
        ANSIBLE_STDOUT_CALLBACK="lbcheck_events",
        ANSIBLE_RETRY_FILES_ENABLED="false",
        LBCHECK_EVENTS_MARK=mark,
        **more,
    )
    command = ansible_cli.command("ansible-playbook", inventories, str(playbook))
    with (folder / "diagnostics").open("w+", errors="replace") as diagnostics:
        # In a session of its own: Ctrl-C reaches this process alone, which then ends that one.
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=diagnostics,
            encoding="utf-8",
            errors="replace",
            env=environment,
            start_new_session=True,
        )
        yield from _events(process, mark)
        if process.returncode not in (0, 2, 4):  # 2, 4: a host failed, or cannot be reached
            diagnostics.seek(0)
            raise MeasurementError(f"ansible-playbook failed: {ansible_cli.last_words(diagnostics.read())}")


def _events(process: "subprocess.Popen[str]", mark: str) -> Iterator[dict[str, Any]]:
    """Yield what the callback wrote: it marks its lines. Other lines are Ansible's, and may repeat what a host said."""
    try:
        for line in process.stdout or ():
            if line.startswith(mark) and line.endswith("\n"):  # else Ansible was killed while it wrote
                yield json.loads(line.removeprefix(mark))
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


def _announced(plan: Plan, events: Iterator[dict[str, Any]], begun: Begun) -> Iterator[dict[str, Any]]:
    """Say which stage begins, when it does; pass on every other event."""
    for event in events:
        if event["event"] != "play":
            yield event
        elif event["play"].startswith(_STAGE):
            begun(plan.stages[int(event["play"].removeprefix(_STAGE))].name)


def _collect(plan: Plan, events: Iterator[dict[str, Any]]) -> Iterator[Sample]:
    """Turn events into samples; what is still missing at the end becomes failures."""
    waiting = {(n, host): steps for n, stage in enumerate(plan.stages) for host, steps in _by_host(stage).items()}
    reasons: dict[str, Failure] = {}
    for event in events:
        host = HERE if event["host"] == _ITSELF else event["host"]
        if event["event"] != "ok":
            reasons.setdefault(host, reason(event))
        number = event["task"].removeprefix(_STAGE)
        if number != event["task"] and (steps := waiting.pop((int(number), host), None)):
            samples = hearing.heard(steps, event.get("stdout", ""), ended=event["event"] == "ok")
            yield from samples
            if len(samples) < len(steps):
                waiting[int(number), host] = steps[len(samples) :]
                few = f"{in_words(host)}: it wrote {len(samples)} samples of {len(steps)}"
                reasons.setdefault(host, Failure(ErrorKind.INTERNAL, few))
    unknown = Failure(ErrorKind.INTERNAL, "the run ended before this was measured")
    for (_, host), steps in waiting.items():
        for step in steps:
            yield step.lost(reasons.get(host, unknown))


def reason(event: Mapping[str, Any]) -> Failure:
    """Return why a host gave no samples, from what Ansible says of a task: its host, and one short sentence."""
    host = in_words(HERE if event["host"] == _ITSELF else event["host"])
    kind = ErrorKind.UNREACHABLE if event["event"] == "unreachable" else ErrorKind.INTERNAL
    said = event.get("stderr") or event.get("module_stderr") or event.get("msg") or "no reason given"
    words = ansible_cli.last_words(str(said)).removeprefix("Task failed: ")
    if event["task"] == _CARRY and (error := _ERRNO.search(words)):
        words = f"the probe could not be copied to /tmp: {error[1].lower()}"
    return Failure(kind, f"{host}: {words}")
