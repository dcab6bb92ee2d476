"""`lbcheck prove`: predicted and measured in namespaces of its own, as root and as anybody, and nothing stays."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lbcheck.probing import namespace

from .fill_world import COMMAND, SETTINGS, session, started, until

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
SMALL = ("prove", "--connections", "70000")
LITTLE = ("prove", "--connections", "65536", "--format", "json")
WITHOUT_NAT = ["one port", "binding modes", "gains", "both families"]
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


def wait_for_workers(run: "subprocess.Popen[str]") -> None:
    """Wait until it measures: it has said what that takes, and its workers run."""
    assert run.stderr
    assert "connections need" in run.stderr.readline()
    until(lambda: len(session(run.pid)) >= 5, "its workers run")


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
        wait_for_workers(run)
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=60)
    assert run.returncode == 4
    assert "interrupted: judged by what was seen until then" in output
    assert "not taken: the run ended before" in output
    assert "Traceback" not in errors


def test_killed_half_way_it_leaves_nothing() -> None:
    """kill -9 on the command: its namespaces end with it, and every process in them."""
    with started(*SMALL) as run:
        wait_for_workers(run)
        run.kill()
        run.communicate(timeout=60)


def without(program: str) -> str:
    """Return the line of a script that takes a program away; skip where it is not there anyway."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not path:
        pytest.skip(f"{program} is not here anyway")
    return f"mount --bind /dev/null {Path(path).resolve()}"


def refused(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run `prove` where a system call is refused."""
    command = [sys.executable, "-m", "tests.socket.refusing", *words, *COMMAND, *LITTLE]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def shown(output: str) -> list[str]:
    """Return the subjects of a report, each a section but the last."""
    return [verdict["subject"] for verdict in json.loads(output)["verdicts"]]


def test_all_sections_are_shown_where_nothing_is_missing() -> None:
    """A machine with everything: no remark, and every section may be required."""
    asked = [
        word for key in ("one-port", "binding-modes", "gains", "both-families", "nat") for word in ("--require", key)
    ]
    with started(*LITTLE, *asked) as run:
        output, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert shown(output) == [*WITHOUT_NAT, "a small CGN", "the whole run"]
    assert "not shown" not in output


@pytest.mark.parametrize(("program", "package"), [("nft", "nftables"), ("ip", "iproute2")])
def test_without_a_program_its_section_is_left_out_and_its_package_named(program: str, package: str) -> None:
    """No verdict for the NAT, all else as ever, a pass; the last line says what would show it."""
    done = shell(f"{without(program)}; {' '.join((*COMMAND, *LITTLE))}")
    assert done.returncode == 0, done.stderr
    assert shown(done.stdout) == [*WITHOUT_NAT, "the whole run"]
    summary = json.loads(done.stdout)["verdicts"][-1]["summary"]
    assert summary.endswith(f"; not shown here: nat: there is no program {program} (package {package})")


def test_a_section_that_is_required_and_cannot_be_shown_ends_with_4() -> None:
    """Nothing is measured then, and the reason is said."""
    done = shell(f"{without('nft')}; {' '.join((*COMMAND, *LITTLE))} --require gains --require nat")
    assert (done.returncode, done.stdout) == (4, "")
    assert "what --require names cannot be shown here: nat: there is no program nft (package nftables)" in done.stderr


def test_a_section_that_does_not_exist_is_refused_with_the_list() -> None:
    """A typing error is no section that cannot be shown."""
    with started("prove", "--require", "nta") as run:
        _, errors = run.communicate(timeout=60)
    assert run.returncode == 2
    assert "'nta'" in errors
    assert "'one-port', 'binding-modes', 'gains', 'both-families', 'nat'" in errors


def test_without_ipv6_what_needs_it_is_left_out() -> None:
    """A kernel without IPv6 (no socket of that family) still shows the rest, and that is a pass."""
    done = refused("socket", "0", str(int(socket.AF_INET6)), "EAFNOSUPPORT")
    assert done.returncode == 0, done.stderr
    assert shown(done.stdout) == [*WITHOUT_NAT[:3], "the whole run"]
    assert "; not shown here: both-families, nat: IPv6 is off (" in json.loads(done.stdout)["verdicts"][-1]["summary"]


def test_a_kernel_without_nft_leaves_the_nat_out() -> None:
    """The program alone is no NAT: that is tried, not guessed, and what nft said is passed on."""
    done = refused("socket", "2", "12", "EPROTONOSUPPORT")  # NETLINK_NETFILTER
    assert done.returncode == 0, done.stderr
    assert shown(done.stdout) == [*WITHOUT_NAT, "the whole run"]
    assert "; not shown here: nat: nft -f - failed: " in json.loads(done.stdout)["verdicts"][-1]["summary"]


def test_what_the_kernel_refuses_is_an_obstacle() -> None:
    """No further network namespaces, as user.max_net_namespaces may say: no NAT, and the rest as ever."""
    done = refused("unshare", "0", str(namespace.NEW_NET), "ENOSPC")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["verdicts"][-1]["summary"]
    assert "; not shown here: nat: the kernel refuses it: unshare: No space left on device" in summary


def test_where_no_setting_can_be_made_nothing_is_shown() -> None:
    """A container's read-only /proc/sys: status 4 and a way on, for a proof that shows nothing is no pass."""
    read_only = "mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys"
    done = shell(f"{read_only}; {' '.join((*COMMAND, *LITTLE))}")
    assert (done.returncode, done.stdout) == (4, "")
    assert "nothing can be shown here: one-port, binding-modes, gains, both-families, nat: no setting" in done.stderr


def test_where_a_container_refuses_namespaces_it_says_how_to_allow_them() -> None:
    """As Docker's filter of system calls does it."""
    done = refused("unshare", "0", "any", "EPERM")
    assert (done.returncode, done.stdout) == (4, "")
    assert "this machine allows no namespaces of one's own (" in done.stderr
    assert "start the container with --privileged" in done.stderr


def test_where_the_kernel_refuses_user_namespaces_the_setting_is_named() -> None:
    """Without any right, and with user.max_user_namespaces at 0: status 4, and what root may set."""
    command = f"setpriv --bounding-set=-all --inh-caps=-all {' '.join((*COMMAND, *LITTLE))}"
    done = shell(f"echo 0 >/proc/sys/user/max_user_namespaces; {command}")
    assert (done.returncode, done.stdout) == (4, "")
    assert "let root allow them: sysctl user.max_user_namespaces=10000" in done.stderr


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
