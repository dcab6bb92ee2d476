"""Run a plan on many hosts at once through Ansible: its connections, its become, its forks and its limits.

One playbook: a play that names this machine, one that copies the zipapp, one for each stage, one that removes it. The
plays are data, written as JSON; results come back line by line through a callback plugin, so that what was sampled is
kept whatever happens next. Ansible ends a playbook when every host of a play has failed; so this machine is in each
play, and has nothing to do in most. On each host the program runs as long as its folder is there: who removes the
folder ends it.
"""

import base64
import json
import re
import secrets
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lbcheck import ansible_cli
from lbcheck.model.plan import Plan, Stage
from lbcheck.model.question import HERE, in_words
from lbcheck.model.sockets import ReadSockets
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.watch import Watch
from lbcheck.probing.stopping import Interrupted, Stopped, never
from lbcheck.streams import say
from lbcheck.vantage import hearing, keeper, names, zipapp
from lbcheck.vantage.here import Begun, silently
from lbcheck.wire import jsonl

_PROGRAM = "lbcheck.pyz"
_OLD = "python"  # the task that fails where Python is too old for it
# On a host: our folder; that of the program, which runs as long as it is there; and where Ansible puts its own, which
# belongs to who logs in and not to who runs the program.
_FOLDER, _PERMIT, _ANSIBLES = "{{ lbcheck_folder }}", "{{ lbcheck_folder }}/run", "{{ lbcheck_folder }}-ansible"
_TOO_OLD = re.compile(  # as that task says it, or Ansible, whose modules need less, but not any
    r"^lbcheck: Python ([0-9.]+)|requires a minimum of Python version .*Current version: ([0-9.]+)"
    r"|^SyntaxError: (future feature annotations is not defined)$",  # the same, before it can say so
    re.MULTILINE,
)
_ERRNO = re.compile(r"\[Errno [0-9]+\] ([^:\n]+)")  # as Python writes an error of the system
BETWEEN_S = 60.0  # for Ansible to begin a stage on every host
_PYTHON = (
    "{{ ansible_python_interpreter if not (ansible_python_interpreter | default('auto')).startswith('auto')"
    " else (ansible_facts.discovered_interpreter_python | default('python3')) }}"
)

# Any Python can read it. It says its version, and fails, where that is below pyproject.toml's.
_IS_NEW = (
    "{{ lbcheck_python | quote }} -c "
    "'import sys; sys.version_info >= (3, 11) or exit(\"lbcheck: Python %d.%d\" % sys.version_info[:2])'"
)

Left = Callable[[Failure], None]
Remote = Mapping[str, str]  # host, as Ansible calls it → the folder that is ours there


def unheard(_why: Failure) -> None:
    """Take no note of what could not be removed."""


def run(
    plan: Plan, inventories: Sequence[str], begun: Begun = silently, stop: Stopped = never, left: Left = unheard
) -> Generator[Sample, None, None]:
    """Yield the samples of every step as each host ends each stage; a host that cannot be reached gives failures.

    `begun` hears of each stage that begins. Once `stop` says so, the running steps end early, on every host, and no
    further stage begins. `left` hears of each host where something of ours could not be removed, and why.
    """
    safe, refused = _addressable(plan)
    program = zipapp.build()
    folder = Path(tempfile.mkdtemp(prefix="lbcheck-"))
    try:
        (folder / _PROGRAM).write_bytes(program)
        (folder / keeper.HERE).mkdir()
        remote = _folders(safe, folder)
        # Closed before what follows: a run that is broken off has ended when its folder is removed.
        with closing(_events(safe, inventories, folder, remote, stop)) as events:
            told = _tidied(_announced(plan, _named(events), begun), remote, left)
            yield from collect(plan, told, refused)
    except Interrupted:  # the keeper goes on without us, and removes the folder
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _addressable(plan: Plan) -> tuple[Plan, dict[str, Failure]]:
    """Return the plan without hosts that Ansible must not hear of, and why it must not."""
    refused = {host: failure for host in plan.hosts if (failure := names.refusal(host))}
    stages = (Stage(stage.name, tuple(x for x in stage.steps if x.at not in refused)) for stage in plan.stages)
    return Plan(tuple(stages)), refused


def _folders(plan: Plan, here: Path) -> Remote:
    # Unguessable, so that nobody on a shared host can put something else in its place. Each host has its own, for two
    # hosts of an inventory may be one machine.
    name = f"/tmp/lbcheck-{secrets.token_hex(16)}"  # noqa: S108
    local = here / "itself"
    local.mkdir()
    carried = {host: f"{name}-{number}" for number, host in enumerate(plan.hosts) if host != HERE}
    return {names.ITSELF: str(local)} | carried


def _events(
    plan: Plan, inventories: Sequence[str], folder: Path, remote: Remote, stop: Stopped
) -> Generator[keeper.Event, None, None]:
    hosts = [host for host in plan.hosts if host != HERE]
    carry = [_carry_play(hosts, folder / _PROGRAM, remote)] if hosts else []
    here = folder / keeper.HERE
    stages = [stage_play(number, plan, remote, here) for number, stage in enumerate(plan.stages) if stage.steps]
    tidy = [_tidy_play(hosts, remote)] if hosts else []
    if not stages:
        return
    mark = secrets.token_hex(8)
    environment = ansible_cli.environment(
        inventories,
        ANSIBLE_LOCAL_TEMP=str(folder),  # what Ansible forgets when it is killed goes with our folder
        LBCHECK_EVENTS_MARK=mark,
        **ansible_cli.EVENTS,
        **_forks(plan),
    )
    work = keeper.Work(
        folder=folder,
        plays=[_itself_play(), *carry, *stages, *tidy],
        inventories=inventories,
        environment=environment,
        mark=mark,
        hosts=hosts,
        tidy=lambda some, over: [_itself_play(), _stop_play(some, remote, over)],
    )
    yield from keeper.events(work, stop)


def _itself_play() -> dict[str, Any]:
    """Return the play that adds this machine to the inventory; nothing is connected to, whatever `localhost` is."""
    itself = {
        "name": names.ITSELF,
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "ansible_become": False,  # what runs here has the rights of whoever called lbcheck
    }
    task = {"name": keeper.ITSELF, "ansible.builtin.add_host": itself, "changed_when": False}
    return {"name": keeper.ITSELF, "hosts": "localhost", "gather_facts": False, "tasks": [task]}


def _tasks_play(name: str, hosts: Sequence[str], remote: Remote, *tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "hosts": ",".join(map(names.pattern, dict.fromkeys([*hosts, names.ITSELF]))),
        "gather_facts": False,
        "any_errors_fatal": False,  # whatever the user's ansible.cfg says: a host that fails is one host
        "vars": {
            "lbcheck_hosts": list(map(names.key, hosts)),
            "lbcheck_folders": {names.key(host): remote[host] for host in (*hosts, names.ITSELF)},
            "lbcheck_folder": "{{ lbcheck_folders[inventory_hostname | b64encode] }}",
            "ansible_remote_tmp": _ANSIBLES,
        },
        # A group may have a host's name, and a pattern then means its hosts, too.
        "tasks": [{"name": name, "when": "inventory_hostname | b64encode in lbcheck_hosts", **task} for task in tasks],
    }


def _carry_play(hosts: Sequence[str], program: Path, remote: Remote) -> dict[str, Any]:
    # A destination that ends in a slash is made, too: one call of a module less on each host.
    copy = {"src": str(program), "dest": f"{_PERMIT}/", "mode": "0600", "directory_mode": "0700"}
    # By the second task Ansible has found the interpreter: copying needs it, and `raw` does not.
    old = {"name": _OLD, "ansible.builtin.raw": _IS_NEW}
    play = _tasks_play(keeper.CARRY, hosts, remote, {"ansible.builtin.copy": copy}, old)
    play["vars"] |= {"lbcheck_python": _PYTHON}
    return play


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


def stage_play(number: int, plan: Plan, remote: Remote, here: Path) -> dict[str, Any]:
    """Return the play that runs a stage of a plan on all its hosts at once, each its own steps.

    `here`: the folder without which steps on this machine do not go on.
    """
    stage = replace(plan.stages[number], deadline_s=_deadline_s(plan.stages[number:]))
    parts = {host: replace(stage, steps=tuple(steps)) for host, steps in _by_host(stage.steps).items()}
    if names.ITSELF in parts:
        parts[names.ITSELF] = replace(parts[names.ITSELF], permit=str(here))
    play = _tasks_play(
        f"{keeper.STAGE}{number}",
        list(parts),
        remote,
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
        f"else [lbcheck_python, lbcheck_folder + '/run/{_PROGRAM}'] }}}}"
    )
    # What a module leaves when it is killed goes with the folder.
    play["environment"] = {"TMPDIR": _FOLDER}
    play["vars"] |= {
        "lbcheck_parts": {names.key(host): _b64(jsonl.line(part)) for host, part in parts.items()},
        "lbcheck_python": _PYTHON,
        "lbcheck_argv": argv,
    }
    return play


def _deadline_s(stages: Sequence[Stage]) -> float:
    """Return by when a host may take for lost whoever began these stages, in seconds after the first one began."""
    return sum(max(map(_longest_s, _by_host(stage.steps).values()), default=0.0) for stage in stages)


def _longest_s(steps: Iterable[Step]) -> float:
    return BETWEEN_S + sum(step.longest_s for step in steps)


def _by_host(steps: Iterable[Step]) -> dict[str, deque[Step]]:
    """Return steps, in their order, by the names that Ansible has for where they run."""
    found: dict[str, deque[Step]] = {}
    for step in steps:
        found.setdefault(names.called(step.at), deque()).append(step)
    return found


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _forks(plan: Plan) -> Mapping[str, str]:
    """Return what lets Ansible be on all hosts at once, where that is needed: its own limit makes batches of them."""
    watching = any(isinstance(step, Watch | ReadSockets) for stage in plan.stages for step in stage.steps)
    return {"ANSIBLE_FORKS": str(len(plan.hosts))} if watching else {}


def _named(events: Iterator[keeper.Event]) -> Iterator[keeper.Event]:
    """Name each host whose Python is too old before anything is sent; the report, which names it again, comes late."""
    for event in events:
        if event["event"] == "failed" and old_python(event):
            say(f"{reason(event).message}; the others go on")
        yield event


def _announced(plan: Plan, events: Iterator[keeper.Event], begun: Begun) -> Iterator[keeper.Event]:
    """Say which stage begins, when it does; pass on every other event."""
    for event in events:
        if event["event"] != "play":
            yield event
        elif event["play"].startswith(keeper.STAGE):
            begun(plan.stages[int(event["play"].removeprefix(keeper.STAGE))].name)


def _tidied(events: Iterator[keeper.Event], remote: Remote, left: Left) -> Iterator[keeper.Event]:
    """Pass on what is not about tidying; in the end, say where that failed and was not made good."""
    stayed: dict[str, Failure] = {}
    for event in events:
        host = event["host"]
        if event["task"] == keeper.TIDY:
            stayed.pop(host, None)
            if event["event"] != "ok":
                stayed[host] = _by_hand(remote[host], reason(event))
        elif event["task"] != keeper.STOP:
            yield event
    for why in stayed.values():
        left(why)


def _by_hand(folder: str, why: Failure) -> Failure:
    return Failure(why.kind, f"{why.message}; remove {folder}* there by hand")


def collect(
    plan: Plan, events: Iterator[keeper.Event], refused: Mapping[str, Failure] = MappingProxyType({})
) -> Iterator[Sample]:
    """Turn events into samples; what is still missing at the end becomes failures."""
    waiting = [_by_host(stage.steps) for stage in plan.stages]
    reasons = dict(refused)
    for event in events:
        host = event["host"]
        if event["event"] != "ok":
            reasons.setdefault(host, reason(event))
        if event["task"].startswith(keeper.STAGE):
            steps = waiting[int(event["task"].removeprefix(keeper.STAGE))].get(host, deque())
            yield from _heard(steps, event, reasons)
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
    found = _TOO_OLD.search(said) if event["task"] in (keeper.CARRY, _OLD) else None
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
    if event["task"] == keeper.CARRY and (error := _ERRNO.search(words)):
        words = f"the probe could not be copied to /tmp: {error[1].lower()}"
    return Failure(kind, f"{host}: {words}")
