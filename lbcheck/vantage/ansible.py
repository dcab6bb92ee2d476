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
from collections import deque
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
from lbcheck.streams import say
from lbcheck.vantage import hearing, names, zipapp
from lbcheck.vantage.here import Begun, silently
from lbcheck.wire import jsonl

_PROGRAM = "lbcheck.pyz"
_CARRY = "carry"  # the task that copies the program
_STAGE = "stage "  # begins the names of the plays of stages; the rest is the stage's number
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
        safe, refused = _addressable(plan)
        hosts = [host for host in safe.hosts if host != HERE]
        carry = [_carry_play(hosts, program, remote)] if hosts else []
        stages = [stage_play(number, stage, remote) for number, stage in enumerate(safe.stages) if stage.steps]
        tidy = [_tidy_play(hosts, remote)] if hosts else []
        untidy = set(hosts)  # a host where a task fails takes no part in what follows, nor in the play that tidies
        try:
            # Closed before what follows: a run that is broken off has ended when its traces are removed.
            with closing(_play(Path(folder), carry + stages + tidy, inventories, _forks(safe))) as events:
                failed: set[str] = set()
                yield from collect(plan, _announced(plan, _named(events, failed), begun), refused)
            untidy &= failed
        finally:
            if untidy:
                list(_play(Path(folder), [_tidy_play(sorted(untidy), remote)], inventories))


def _addressable(plan: Plan) -> tuple[Plan, dict[str, Failure]]:
    """Return the plan without hosts that Ansible must not hear of, and why it must not."""
    refused = {host: failure for host in plan.hosts if (failure := names.refusal(host))}
    stages = (Stage(stage.name, tuple(x for x in stage.steps if x.at not in refused)) for stage in plan.stages)
    return Plan(tuple(stages)), refused


def _itself_play() -> dict[str, Any]:
    """Return the play that adds this machine to the inventory; nothing is connected to, whatever `localhost` is."""
    itself = {
        "name": names.ITSELF,
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,  # what runs here has the rights of whoever called lbcheck
    }
    task = {"name": "itself", "ansible.builtin.add_host": itself, "changed_when": False}
    return {"name": "itself", "hosts": "localhost", "gather_facts": False, "tasks": [task]}


def _tasks_play(name: str, hosts: Sequence[str], *tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": ",".join(map(names.pattern, dict.fromkeys([*hosts, names.ITSELF]))),
        "gather_facts": False,
        "any_errors_fatal": False,  # whatever the user's ansible.cfg says: a host that fails is one host
        "vars": {"lbcheck_hosts": list(map(names.key, hosts))},
        # A group may have a host's name, and a pattern then means its hosts, too.
        "tasks": [{"name": name, "when": "inventory_hostname | b64encode in lbcheck_hosts", **task} for task in tasks],
    }


def _carry_play(hosts: Sequence[str], program: Path, remote: str) -> dict[str, Any]:
    # A destination that ends in a slash is made, too: one call of a module less on each host.
    copy = {"src": str(program), "dest": f"{remote}/", "mode": "0600", "directory_mode": "0700"}
    # By the second task Ansible has found the interpreter: copying needs it, and `raw` does not.
    play = _tasks_play(_CARRY, hosts, {"ansible.builtin.copy": copy}, {"name": _OLD, "ansible.builtin.raw": _IS_NEW})
    play["vars"] |= {"lbcheck_python": _PYTHON}
    return play


def _tidy_play(hosts: Sequence[str], remote: str) -> dict[str, Any]:
    return _tasks_play("tidy", hosts, {"ansible.builtin.file": {"path": remote, "state": "absent"}})


def stage_play(number: int, stage: Stage, remote: str) -> dict[str, Any]:
    """Return the play that runs a stage on all its hosts at once, each its own steps."""
    parts = {host: jsonl.line(Stage(stage.name, tuple(steps))) for host, steps in _by_host(stage).items()}
    play = _tasks_play(
        f"{_STAGE}{number}",
        list(parts),
        {
            "ansible.builtin.command": {
                "argv": "{{ lbcheck_argv }}",
                # In base64, for what is requested is text and never a template. The blank: before 2.19 Ansible reads
                # what begins with a brace as a dictionary, and would write that in Python's words.
                "stdin": " {{ lbcheck_parts[inventory_hostname | b64encode] | b64decode }}",
            },
            "check_mode": False,
            "changed_when": False,
        },
    )
    argv = (
        f"{{{{ {json.dumps([sys.executable, '-m', 'lbcheck', 'probe'])} if inventory_hostname == '{names.ITSELF}' "
        f"else [lbcheck_python, {json.dumps(f'{remote}/{_PROGRAM}')}] }}}}"
    )
    # What Ansible itself puts on a host lies there too, so that the end of the folder is the end of it, Ctrl-C or not.
    play["environment"] = {"TMPDIR": remote}
    play["vars"] |= {
        "lbcheck_parts": {names.key(host): _b64(part) for host, part in parts.items()},
        "lbcheck_python": _PYTHON,
        "lbcheck_argv": argv,
    }
    return play


def _by_host(stage: Stage) -> dict[str, deque[Step]]:
    """Return a stage's steps, in their order, by the names that Ansible has for where they run."""
    found: dict[str, deque[Step]] = {}
    for step in stage.steps:
        found.setdefault(names.called(step.at), deque()).append(step)
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
    if not plays:
        return
    playbook, mark = folder / "probe.json", secrets.token_hex(8)
    playbook.write_text(json.dumps([_itself_play(), *plays]))
    environment = ansible_cli.environment(inventories, LBCHECK_EVENTS_MARK=mark, **ansible_cli.EVENTS, **more)
    command = ansible_cli.command("ansible-playbook", inventories, str(playbook))
    with (folder / "diagnostics").open("w+", encoding="utf-8", errors="replace") as diagnostics:
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


def _named(events: Iterator[dict[str, Any]], failed: set[str]) -> Iterator[dict[str, Any]]:
    """Name each host whose Python is too old before anything is sent; the report, which names it again, comes late.

    Whatever fails on a host, it is one of `failed` from then on.
    """
    for event in events:
        if event["event"] == "failed":
            failed.add(event["host"])
        if event["event"] == "failed" and old_python(event):
            say(f"{reason(event).message}; the others go on")
        yield event


def _announced(plan: Plan, events: Iterator[dict[str, Any]], begun: Begun) -> Iterator[dict[str, Any]]:
    """Say which stage begins, when it does; pass on every other event."""
    for event in events:
        if event["event"] != "play":
            yield event
        elif event["play"].startswith(_STAGE):
            begun(plan.stages[int(event["play"].removeprefix(_STAGE))].name)


def collect(
    plan: Plan, events: Iterator[dict[str, Any]], refused: Mapping[str, Failure] = MappingProxyType({})
) -> Iterator[Sample]:
    """Turn events into samples; what is still missing at the end becomes failures."""
    waiting = [_by_host(stage) for stage in plan.stages]
    reasons = dict(refused)
    for event in events:
        host = event["host"]
        if event["event"] != "ok":
            reasons.setdefault(host, reason(event))
        if event["task"].startswith(_STAGE):
            yield from _heard(waiting[int(event["task"].removeprefix(_STAGE))].get(host, deque()), event, reasons)
    unknown = Failure(ErrorKind.INTERNAL, "the run ended before this was measured")
    for stage in waiting:
        for host, steps in stage.items():
            yield from (step.lost(reasons.get(host, unknown)) for step in steps)


def _heard(steps: deque[Step], event: Mapping[str, Any], reasons: dict[str, Failure]) -> list[Sample]:
    """Take off a host's steps of a stage those that it gave samples of; where steps are left, there is a reason."""
    asked = len(steps)
    samples = hearing.heard(steps, event.get("stdout", ""), ended=event["event"] == "ok") if steps else []
    for _ in samples:
        steps.popleft()
    if steps:
        few = f"{_in_words(event['host'])}: it wrote {len(samples)} samples of {asked}"
        reasons.setdefault(event["host"], Failure(ErrorKind.INTERNAL, few))
    return samples


def _in_words(called: str) -> str:
    return in_words(HERE if called == names.ITSELF else called)


def old_python(event: Mapping[str, Any]) -> str:
    """Return the version of a host's Python if a task failed because it is too old; empty: it did not."""
    said = "\n".join(str(event[key]) for key in ("stdout", "stderr", "module_stderr", "msg") if event.get(key))
    found = _TOO_OLD.search(said) if event["task"] in (_CARRY, _OLD) else None
    return (found[1] or found[2] or "older than 3.7").rstrip(".") if found else ""


def reason(event: Mapping[str, Any]) -> Failure:
    """Return why a host gave no samples, from what Ansible says of a task: its host, and one short sentence."""
    host = _in_words(event["host"])
    kind = ErrorKind.UNREACHABLE if event["event"] == "unreachable" else ErrorKind.INTERNAL
    if version := old_python(event):
        remedy = "set ansible_python_interpreter to a newer one there"
        return Failure(kind, f"{host}: its Python is {version}, and lbcheck needs 3.11 or newer: {remedy}")
    said = event.get("stderr") or event.get("module_stderr") or event.get("msg") or "no reason given"
    words = ansible_cli.last_words(str(said)).removeprefix("Task failed: ")
    if event["task"] == _CARRY and (error := _ERRNO.search(words)):
        words = f"the probe could not be copied to /tmp: {error[1].lower()}"
    return Failure(kind, f"{host}: {words}")
