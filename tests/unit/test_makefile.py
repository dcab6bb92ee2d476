"""What the Makefile would do, by its own account (`make -n`), and what it says where it cannot."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A clone's Makefile and what it makes .venv/ of, without .venv/."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Call make in a folder."""
    return subprocess.run(["make", "-C", str(folder), *words], capture_output=True, text=True, check=False)


def test_the_virtual_environment_takes_no_package_of_the_lab(fresh: Path) -> None:
    """`make venv` calls pip, and neither the lab's installer nor root."""
    said = make(fresh, "-n", "venv").stdout
    assert ".venv/bin/pip install" in said
    assert "lab/setup" not in said
    assert "sudo" not in said


@pytest.mark.parametrize("target", ["lab-up", "converge", "verify", "growth", "failover", "test", "box", "bench"])
def test_what_needs_the_lab_installs_its_packages_first(fresh: Path, target: str) -> None:
    """On a bare machine Python comes with them, and the virtual environment is made by it."""
    said = make(fresh, "-n", target).stdout
    assert -1 < said.index("lab/setup lab/packages.txt") < said.index("-m venv")


def test_a_second_make_venv_does_nothing(fresh: Path) -> None:
    """The stamp of a finished environment is newer than what it was made of."""
    (fresh / ".venv").mkdir()
    (fresh / ".venv" / ".complete").touch()
    assert "Nothing to be done" in make(fresh, "venv").stdout


def test_without_what_makes_environments_its_package_is_named(fresh: Path) -> None:
    """Where Python is missing or comes without venv, one sentence says what to install."""
    done = make(fresh, "venv", "PYTHON=/nowhere/python3")
    assert done.returncode == 2
    assert "install the package python3-venv (as root: apt-get install python3-venv)" in done.stderr
    assert len(done.stderr.splitlines()) == 2  # the sentence, and make's own word that it failed
