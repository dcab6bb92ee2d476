"""Run a plan on many hosts at once through Ansible: its connections, its become, its forks and its limits.

One playbook: a play that copies the zipapp, one for each stage, one that removes it. The plays are data, written as
JSON; results come back line by line through a callback plugin, so that what was sampled is kept whatever happens next.
On each host the program runs as long as its folder is there: who removes the folder ends it.
"""

import base64
import json
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lbcheck import ansible_cli
from lbcheck.model.plan import Plan, Stage
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.watch import Watch
from lbcheck.probing.stopping import Interrupted, Stopped, never
from lbcheck.vantage import keeper, zipapp
from lbcheck.vantage.here import Begun, silently
from lbcheck.wire import jsonl

_CALLBACKS = Path(__file__).with_name("callback")
_PROGRAM = "lbcheck.pyz"
# On a host: our folder; that of the program, which runs as long as it is there; and where Ansible puts its own, which
# belongs to who logs in and not to who runs the program.
_FOLDER, _PERMIT, _ANSIBLES = "{{ lbcheck_folder }}", "{{ lbcheck_folder }}/run", "{{ lbcheck_folder }}-ansible"
_ERRNO = re.compile(r"\[Errno [0-9]+\] ([^:\n]+)")  # as Python writes an error of the system
BETWEEN_S = 60.0  # for Ansible to begin a stage on every host
_PYTHON = (
    "{{ ansible_python_interpreter if not (ansible_python_interpreter | default('auto')).startswith('auto')"
    " else (ansible_facts.discovered_interpreter_python | default('python3')) }}"
)

Left = Callable[[Failure], None]
Remote = Mapping[str, str]  # host → the folder that is ours there


def unheard(_why: Failure) -> None:
    """Take no note of what could not be removed."""


def run(
    plan: Plan, inventories: Sequence[str], begun: Begun = silently, stop: Stopped = never, left: Left = unheard
) -> Generator[Sample, None, None]:
    """Yield the samples of every step as each host ends each stage; a host that cannot be reached gives failures.

    `begun` hears of each stage that begins. Once `stop` says so, the running steps end early, on every host, and no
    further stage begins. `left` hears of each host where something of ours could not be removed, and why.
    """
    program = zipapp.build()
    folder = Path(tempfile.mkdtemp(prefix="lbcheck-"))
    try:
        (folder / _PROGRAM).write_bytes(program)
        (folder / keeper.HERE).mkdir()
        remote = _folders(plan, folder)
        events = _announced(plan, _events(plan, inventories, folder, remote, stop), begun)
        yield from _collect(plan, events, lambda host, why: left(_by_hand(remote[host], why)))
    except Interrupted:  # the keeper goes on without us, and removes the folder
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _by_hand(folder: str, why: Failure) -> Failure:
    return Failure(why.kind, f"{why.message}; remove {folder}* there by hand")


def _folders(plan: Plan, here: Path) -> Remote:
    # Unguessable, so that nobody on a shared host can put something else in its place. Each host has its own, for two
    # hosts of an inventory may be one machine.
    name = f"/tmp/lbcheck-{secrets.token_hex(16)}"  # noqa: S108
    local = here / "localhost"
    local.mkdir()
    return {host: f"{name}-{number}" for number, host in enumerate(plan.hosts)} | {HERE: str(local)}


def _events(
    plan: Plan, inventories: Sequence[str], folder: Path, remote: Remote, stop: Stopped
) -> Generator[keeper.Event, None, None]:
    hosts = [host for host in plan.hosts if host != HERE]
    carry = [_carry_play(hosts, folder / _PROGRAM, remote)] if hosts else []
    stages = [_stage_play(number, plan, remote, folder) for number, stage in enumerate(plan.stages) if stage.steps]
    tidy = [_tidy_play(hosts, remote)] if hosts else []
    environment = ansible_cli.environment(
        inventories,
        ANSIBLE_CALLBACK_PLUGINS=str(_CALLBACKS),
        ANSIBLE_STDOUT_CALLBACK="lbcheck_events",
        ANSIBLE_RETRY_FILES_ENABLED="false",
        ANSIBLE_LOCAL_TEMP=str(folder),  # what Ansible forgets when it is killed goes with our folder
        **_forks(plan),
    )
    return keeper.events(
        keeper.Work(
            folder=folder,
            plays=carry + stages + tidy,
            inventories=inventories,
            environment=environment,
            hosts=hosts,
            tidy=lambda some, over: [_stop_play(some, remote, over)],
        ),
        stop,
    )


def _tasks_play(name: str, hosts: Sequence[str], remote: Remote, *tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": ",".join("localhost" if host == HERE else host for host in hosts),
        "gather_facts": False,
        "vars": {
            "lbcheck_folders": {"localhost" if host == HERE else host: remote[host] for host in hosts},
            "lbcheck_folder": "{{ lbcheck_folders[inventory_hostname] }}",
            "ansible_remote_tmp": _ANSIBLES,
        },
        "tasks": [{"name": name, **task} for task in tasks],
    }


def _carry_play(hosts: Sequence[str], program: Path, remote: Remote) -> dict[str, Any]:
    # A destination that ends in a slash is made, too: one call of a module less on each host.
    copy = {"src": str(program), "dest": f"{_PERMIT}/", "mode": "0600", "directory_mode": "0700"}
    return _tasks_play(keeper.CARRY, hosts, remote, {"ansible.builtin.copy": copy})


def _tidy_play(hosts: Sequence[str], remote: Remote) -> dict[str, Any]:
    return _tasks_play(keeper.TIDY, hosts, remote, _remove(_FOLDER, _ANSIBLES))


def _stop_play(hosts: Sequence[str], remote: Remote, over: Path) -> dict[str, Any]:
    """Return the play that has steps end, waits until everybody has said what he had, and tidies."""
    wait = {
        "ansible.builtin.debug": {"msg": "over"},
        "until": f"{json.dumps(str(over))} is ansible.builtin.exists",
        "retries": 100,
        "delay": 0.1,
        "ignore_errors": True,
    }
    stop = {"name": keeper.STOP, **_remove(_PERMIT), "ignore_errors": True}
    return _tasks_play(keeper.TIDY, hosts, remote, stop, {"name": "wait", **wait}, _remove(_FOLDER, _ANSIBLES))


def _remove(*folders: str) -> dict[str, Any]:
    # Without a module of Python's, which takes ten times as long to begin. The names are ours: no shell minds them.
    return {"ansible.builtin.raw": f"rm -rf {' '.join(folders)}", "check_mode": False, "changed_when": False}


def _stage_play(number: int, plan: Plan, remote: Remote, folder: Path) -> dict[str, Any]:
    stage = replace(plan.stages[number], deadline_s=_deadline_s(plan.stages[number:]))
    hosts = list(dict.fromkeys(step.at for step in stage.steps))
    parts = {host: replace(stage, steps=tuple(x for x in stage.steps if x.at == host)) for host in hosts}
    if HERE in parts:
        parts["localhost"] = replace(parts.pop(HERE), permit=str(folder / keeper.HERE))
    play = _tasks_play(
        f"{keeper.STAGE}{number}",
        hosts,
        remote,
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
        f"else [lbcheck_python, lbcheck_folder + '/run/{_PROGRAM}'] }}}}"
    )
    # What a module leaves when it is killed goes with the folder.
    play["environment"] = {"TMPDIR": _FOLDER}
    play["vars"] |= {
        "lbcheck_parts": {host: _b64(jsonl.line(part)) for host, part in parts.items()},
        "lbcheck_python": _PYTHON,
        "lbcheck_argv": argv,
    }
    return play


def _deadline_s(stages: Sequence[Stage]) -> float:
    """Return by when a host may take for lost whoever began these stages, in seconds after the first one began."""
    return sum(max((_longest_s(stage, host) for host in {x.at for x in stage.steps}), default=0.0) for stage in stages)


def _longest_s(stage: Stage, host: str) -> float:
    return BETWEEN_S + sum(step.longest_s for step in stage.steps if step.at == host)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _forks(plan: Plan) -> Mapping[str, str]:
    """Return what lets Ansible be on all hosts at once, where that is needed: its own limit makes batches of them."""
    watching = any(isinstance(step, Watch) for stage in plan.stages for step in stage.steps)
    return {"ANSIBLE_FORKS": str(len(plan.hosts))} if watching else {}


def _announced(plan: Plan, events: Iterator[keeper.Event], begun: Begun) -> Iterator[keeper.Event]:
    """Say which stage begins, when it does; pass on every other event."""
    for event in events:
        if event["event"] != "play":
            yield event
        elif event["play"].startswith(keeper.STAGE):
            begun(plan.stages[int(event["play"].removeprefix(keeper.STAGE))].name)


def _collect(plan: Plan, events: Iterator[keeper.Event], left: Callable[[str, Failure], None]) -> Iterator[Sample]:
    """Turn events into samples; what is still missing at the end becomes failures."""
    waiting = {(n, host): list(stage.steps) for n, stage in enumerate(plan.stages) for host in plan.hosts}
    waiting = {key: [step for step in steps if step.at == key[1]] for key, steps in waiting.items()}
    lost, untidied = _Reasons(), _Reasons()
    for event in events:
        host = HERE if event["host"] == "localhost" else event["host"]
        for sample in _samples(event):
            waiting[int(event["task"].removeprefix(keeper.STAGE)), host].pop(0)
            yield sample
        if event["task"] == keeper.TIDY:
            untidied.last(host, event)
        elif event["task"] != keeper.STOP:
            lost.first(host, event)
    for host, why in untidied.items():
        left(host, why)
    unknown = Failure(ErrorKind.INTERNAL, "the run ended before this was measured")
    for (_, host), steps in waiting.items():
        for step in steps:
            yield step.lost(lost.get(host, unknown))


def _samples(event: keeper.Event) -> Iterator[Sample]:
    if event["task"].startswith(keeper.STAGE):
        yield from jsonl.samples(event.get("stdout", "").split("\n"))


class _Reasons(dict[str, Failure]):
    """Why something failed at a host."""

    def first(self, host: str, event: keeper.Event) -> None:
        """Keep the first failure."""
        if event["event"] != "ok":
            self.setdefault(host, reason(event))

    def last(self, host: str, event: keeper.Event) -> None:
        """Keep a failure that was not made good."""
        self.pop(host, None)
        if event["event"] != "ok":
            self[host] = reason(event)


def reason(event: Mapping[str, Any]) -> Failure:
    """Return why a host gave no samples, from what Ansible says of a task: its host, and one short sentence."""
    kind = ErrorKind.UNREACHABLE if event["event"] == "unreachable" else ErrorKind.INTERNAL
    said = event.get("stderr") or event.get("module_stderr") or event.get("msg") or "no reason given"
    words = ansible_cli.last_words(str(said)).removeprefix("Task failed: ")
    if event["task"] == keeper.CARRY and (error := _ERRNO.search(words)):
        words = f"the probe could not be copied to /tmp: {error[1].lower()}"
    return Failure(kind, f"{event['host']}: {words}")
