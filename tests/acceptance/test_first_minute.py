"""README's "The answer, in one command" on bare Debian 12 and 13, as root and as an ordinary user."""

import json
import subprocess

import pytest

from .bare import Bare

CLONE = "git -c advice.detachedHead=false clone --quiet /source.bundle"
PROVE = "cd lbcheck; .venv/bin/lbcheck prove --format json"
WITHOUT_NAT = ["one port", "binding modes", "gains", "both families"]
# A user namespace in which no further one can be made; nothing of it reaches the machine's own setting.
REFUSE = (
    "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all"
)

# The package is taken off a layer over the system, which goes with the mounts of the shell that does it.
PURGE = """
mount -t tmpfs tmpfs /mnt
for one in usr var; do
    mkdir /mnt/$one /mnt/$one.work
    mount -t overlay overlay -o lowerdir=/$one,upperdir=/mnt/$one,workdir=/mnt/$one.work /$one
done
dpkg --purge $(dpkg-query --show --showformat='${Package} ' 'python3*-venv') >/dev/null
"""


@pytest.fixture(scope="module")
def clone(system: Bare, user: str) -> "subprocess.CompletedProcess[str]":
    """A fresh clone in the user's home, and what `make venv` said there."""
    return system.shell(user, f"{CLONE} lbcheck; cd lbcheck; make venv")


def test_make_venv_works(clone: "subprocess.CompletedProcess[str]") -> None:
    """With python3-venv alone: no sudo is called, no package asked for."""
    assert clone.returncode == 0, clone.stdout + clone.stderr


@pytest.mark.usefixtures("clone")
def test_a_second_make_venv_does_nothing(system: Bare, user: str) -> None:
    """What is there is left alone."""
    done = system.shell(user, "cd lbcheck; make venv")
    assert (done.returncode, done.stdout) == (0, "make: Nothing to be done for 'venv'.\n")


@pytest.mark.usefixtures("clone")
def test_prove_shows_what_it_can(system: Bare, user: str) -> None:
    """Four sections and a pass; the NAT's programs are not here, and their packages are named."""
    done = system.shell(user, PROVE)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    *sections, run = report["verdicts"]
    assert report["outcome"] == "pass"
    assert [section["subject"] for section in sections] == WITHOUT_NAT
    assert run["summary"].endswith("nat: there is no program ip (package iproute2), no nft (package nftables)")


@pytest.mark.usefixtures("clone")
def test_a_required_section_says_what_is_missing(system: Bare, user: str) -> None:
    """`--require nat` ends with 4."""
    done = system.shell(user, f"{PROVE} --require nat")
    assert (done.returncode, done.stdout) == (4, "")
    assert "cannot be shown here: nat: there is no program ip (package iproute2), no nft" in done.stderr


@pytest.mark.usefixtures("clone")
def test_where_user_namespaces_are_refused_it_says_how_to_allow_them(system: Bare, user: str) -> None:
    """Without any right and without user namespaces: 4, a sentence, and nothing that looks like a result."""
    within = "unshare --user --map-current-user --keep-caps"
    done = system.shell(user, f"cd lbcheck; {within} sh -ec '{REFUSE} .venv/bin/lbcheck prove'")
    assert (done.returncode, done.stdout) == (4, "")
    assert "this machine allows no namespaces of one's own" in done.stderr
    assert "let root allow them: sysctl user.max_user_namespaces=10000" in done.stderr


def test_without_python3_venv_its_package_is_named(system: Bare, user: str) -> None:
    """One sentence says what to install, and make fails."""
    done = system.shell("root", f"{PURGE}\nexec runuser --login {user} --command '{CLONE} again; cd again; make venv'")
    assert done.returncode == 2
    assert "install the package python3-venv (as root: apt-get install python3-venv)" in done.stderr
