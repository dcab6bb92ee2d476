"""`lbcheck prove`: predicted and measured in namespaces of its own, as root and as anybody, and nothing stays."""

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .fill_world import COMMAND, SETTINGS, session, started, until

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
SMALL = ("prove", "--connections", "70000")
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()


def settings() -> dict[str, str]:
    """Return the settings of the network that the argument changes in its own."""
    return {name: Path(name).read_text() for name in SETTINGS}


def shell(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script as root of a user and mount namespace of its own; skip where there is none."""
    within = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are not allowed here")
    return subprocess.run([*within, "sh", "-ec", script], capture_output=True, text=True, check=False, timeout=60)


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every measurement of a report."""
    return [step for verdict in document["verdicts"] for step in verdict["evidence"].get("steps", [])]


def test_all_is_as_predicted() -> None:
    """Every row measured to the connection, a pass, JSON by its schema; this machine's settings are as before."""
    before = settings()
    with started(*SMALL, "--format", "json") as run:
        output, errors = run.communicate(timeout=120)
    document = json.loads(output)
    jsonschema.validate(document, SCHEMA)
    assert run.returncode == 0, errors
    assert document["outcome"] == "pass"
    measured = rows(document)
    assert len(measured) == 44
    assert [row["measured"] for row in measured] == [row["predicted"] for row in measured]
    assert measured[2]["measured"] == 70_000
    assert settings() == before


def test_anybody_may_run_it() -> None:
    """As an ordinary user: the same argument, as text with bars, in a user namespace."""
    if NOBODY and subprocess.run([*NOBODY, *COMMAND, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("no other user may read this installation")
    with started(*SMALL, before=NOBODY) as run:
        output, errors = run.communicate(timeout=120)
    assert run.returncode == 0, output + errors
    assert "in user, PID and network namespaces of its own" in output
    assert "64,512 =     64,512  ████" in output
    assert "gained by one outside address +64, by IPv6 +96" in output


def test_ctrl_c_judges_what_was_seen() -> None:
    """Interrupted, it says which rows it has, and ends with status 4; no process of it stays."""
    with started(*SMALL) as run:
        until(lambda: len(session(run.pid)) >= 5, "its workers run")
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 4
    assert "interrupted: judged by what was seen until then" in output
    assert "not measured, the run ended before" in output
    assert "Traceback" not in errors


def test_killed_half_way_it_leaves_nothing() -> None:
    """kill -9 on the command: its namespaces end with it, and every process in them."""
    with started(*SMALL) as run:
        until(lambda: len(session(run.pid)) >= 5, "its workers run")
        run.kill()
        run.communicate(timeout=60)


@pytest.mark.parametrize("program", ["nft", "ip"])
def test_a_missing_program_is_named_with_its_package(program: str) -> None:
    """Without nft or ip there is no small CGN; the rest is measured, and the package is named."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{program} is not here anyway")
    asking = (
        "from lbcheck.probing.small_cgn import small_cgn, NatPool; from lbcheck.model.address import PortRange; "
        "small_cgn(NatPool('cgn', ('198.18.0.101',), PortRange(1, 9))).__enter__()"
    )
    done = shell(f'mount --bind /dev/null {Path(path).resolve()}; {sys.executable} -c "{asking}"')
    assert f"(packages iproute2, nftables): no {program}" in done.stderr


MINE = (
    "from lbcheck.probing import namespace\n"
    "with namespace.inside(lambda say: say('here')) as (kind, lines): print(kind, *lines)"
)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("max_user_namespaces", "root's PID and network namespaces, for a user namespace is not allowed here here"),
        ("max_net_namespaces", "this machine allows no namespaces of one's own"),
    ],
)
def test_where_namespaces_are_not_allowed_it_says_so(setting: str, said: str) -> None:
    """Root needs no user namespace, and says which it has; without any there is a sentence, not a measurement."""
    done = shell(f'echo 0 >/proc/sys/user/{setting}; {sys.executable} -c "{MINE}"')
    assert said in done.stdout + done.stderr
