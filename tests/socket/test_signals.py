"""Ten signals, to commands at work: each ends what it started, leaves nothing behind, and judges what it measured.

`python -m bench.signals 200` sends more of them, and prints how long each command took to end.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.signals import KINDS, trial, world
from lbcheck.model.plan import Stage, StageName
from lbcheck.model.requests import Request
from lbcheck.vantage import zipapp
from lbcheck.wire import jsonl

from .fill_world import until

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
    """No process and no file stays; no traceback, no pass; what was measured is judged, unless nobody could."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"these tests were started to ignore {number.name}")
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
    ended = trial(KIND["run"], TERM)
    found = re.search(r"backend web: ([0-9,]+) requests to .*: web1 ([0-9]+), web2 ([0-9]+)", ended.output)
    assert found, ended.output + ended.errors
    requests, *answers = (int(number.replace(",", "")) for number in found.groups())
    assert requests == sum(answers) >= 20


def test_what_was_started_to_ignore_a_signal_ignores_it(tmp_path: Path) -> None:
    """`nohup lbcheck … &` outlives its terminal; another signal ends it."""
    with world(tmp_path) as around:
        words = [sys.executable, "-m", "lbcheck", "spread", around.web, "--requests", "100000", "--rate", "100"]
        command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            until(lambda: around.heard["web"] >= 20, "it measures")
            run.send_signal(HUP)
            already = around.heard["web"]
            until(lambda: around.heard["web"] >= already + 100, "it goes on")
            run.send_signal(TERM)
            output, _ = run.communicate(timeout=20)
    assert run.returncode == 4
    assert "interrupted" in output


@contextmanager
def hosts(folder: Path, script: str, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give an inventory of hosts on this machine, and an environment with a program before all others of its name."""
    (folder / "bin").mkdir()
    program = folder / "bin" / name
    program.write_text(script)
    program.chmod(0o755)
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    with world(folder) as around:
        yield around.inventory(), os.environ | {"PATH": path, "HOME": str(folder), "TMPDIR": str(folder)}


def measured(inventory: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run a short spread to its end."""
    words = [sys.executable, "-m", "lbcheck", "run", "-i", inventory, "--requests", "40"]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_what_could_not_be_removed_is_said_and_is_no_pass(tmp_path: Path) -> None:
    """A folder that stays on a host has its host, its path and the reason in the report."""
    script = """#!/bin/sh
case "$*" in *-ansible) echo "rm: cannot remove '$2': Device or resource busy" >&2; exit 1;; esac
exec /bin/rm "$@"
"""
    with hosts(tmp_path, script, "rm") as (inventory, environment):
        ran = measured(inventory, environment)
    busy = r"left behind: client1: rm: cannot remove '/tmp/(lbcheck-[0-9a-f]{32}-)[0-9]': Device or resource busy; "
    found = re.search(busy + r"remove /tmp/lbcheck-[0-9a-f]{32}-[0-9]\* there by hand", ran.stdout)
    assert found, ran.stdout + ran.stderr
    for stayed in Path("/tmp").glob(f"{found[1]}*"):
        shutil.rmtree(stayed)
    assert ran.returncode == 4


def test_a_host_where_the_program_fails_is_tidied_all_the_same(tmp_path: Path) -> None:
    """Ansible passes over hosts that failed; nothing of ours stays there."""
    log = tmp_path / "log"
    script = f"""#!/bin/sh
case "$1" in *.pyz) cat >/dev/null; echo "$1" >>{log}; echo "out of order" >&2; exit 3;; esac
exec {sys.executable} "$@"
"""
    with hosts(tmp_path, script, "python-of-hosts") as (inventory, environment):
        Path(inventory).write_text(
            Path(inventory).read_text().replace(json.dumps(sys.executable), f'"{tmp_path}/bin/python-of-hosts"')
        )
        ran = measured(inventory, environment)
    assert "client1: out of order" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 4
    assert "left behind" not in ran.stdout
    programs = {Path(line) for line in log.read_text().split()}
    assert programs
    assert not [program for program in programs if program.parent.parent.exists()]


@contextmanager
def carried(folder: Path, url: str, deadline_s: float) -> Iterator[tuple[Path, "subprocess.Popen[bytes]"]]:
    """Run a long step as on a host: the program in a folder of its own, called by a shell in a session of its own."""
    program = folder / "lbcheck-0" / "run" / "lbcheck.pyz"
    program.parent.mkdir(parents=True)
    program.write_bytes(zipapp.build())
    step = Request(url=url, address="", requests=100_000, rate=100.0)
    stage = folder / "stage"
    stage.write_text(jsonl.line(Stage(StageName.TRAFFIC, (step,), deadline_s)))
    words = f"{sys.executable} {program} <{stage} >{folder}/samples; true"
    with subprocess.Popen(["sh", "-c", words], start_new_session=True) as shell:
        yield program, shell


def test_a_step_ends_at_its_deadline_and_removes_its_folder(tmp_path: Path) -> None:
    """Nobody tidies: the host does it itself, and what was measured until then is written."""
    with world(tmp_path) as around, carried(tmp_path, around.web, 2.0) as (program, shell):
        assert shell.wait(timeout=60) == 0
    assert not program.parent.parent.exists()
    assert '"server":"web1"' in (tmp_path / "samples").read_text()


def test_a_step_ends_when_whoever_asked_is_gone(tmp_path: Path) -> None:
    """The shell that waits for it is killed, as with a connection that is lost: its folder goes long before that."""
    with world(tmp_path) as around, carried(tmp_path, around.web, 3600.0) as (program, shell):
        until(lambda: around.heard["web"] >= 20, "it measures")
        shell.kill()
        until(lambda: not program.parent.parent.exists(), "the folder is gone")
        already = around.heard["web"]
        until(lambda: _still(lambda: around.heard["web"], 0.5), f"nobody asks any more, {already} requests")


def _still(count: Callable[[], int], seconds: float) -> bool:
    before = count()
    time.sleep(seconds)
    return count() == before
