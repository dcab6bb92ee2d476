"""An inventory is read once a command: a real program in the place of `ansible-inventory` notes each call of it."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

LAB = str(Path(__file__).parents[2] / "inventory" / "lab")
TESTS = """
def test_both(topology, lbcheck_run):
    assert len(topology.balancers) == 2
    assert lbcheck_run("capacity").verdicts
"""
Calls = Callable[..., list[str]]


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    """Return what runs one of Python's modules and says how `ansible-inventory` was called meanwhile.

    It is run by this Python under another path, beside which lies an `ansible-inventory` that takes note.
    """
    programs, note = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    if sys.prefix != sys.base_prefix:  # a virtual environment
        shutil.copy(Path(sys.prefix, "pyvenv.cfg"), tmp_path)
        (tmp_path / "lib").symlink_to(Path(sys.prefix, "lib"))
    real = shutil.which("ansible-inventory", path=Path(sys.executable).parent) or shutil.which("ansible-inventory")
    noting = programs / "ansible-inventory"
    noting.write_text(f'#!/bin/sh\necho "$*" >>{note}\nexec {real} "$@"\n')
    noting.chmod(0o755)

    def run(*words: str) -> list[str]:
        command = [str(programs / "python"), "-m", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return note.read_text().splitlines()

    return run


@pytest.mark.parametrize(
    "words",
    [["run", "--plan"], ["capacity"], ["capacity", "--measure", "--plan"]],
    ids=" ".join,
)
def test_a_command_reads_its_inventory_once(words: list[str], calls: Calls) -> None:
    """Who is there and what is known of its capacity come out of one listing."""
    assert calls("lbcheck", *words, "-i", LAB) == [f"--list -i {LAB}"]


def test_a_limit_takes_one_call_more(calls: Calls) -> None:
    """Ansible alone knows which hosts a pattern matches, and with one it lists nobody else."""
    limited = calls("lbcheck", "topology", "-i", LAB, "--limit", "clients")
    assert limited == [f"--list -i {LAB}", f"--list --limit clients -i {LAB}"]


def test_a_session_of_pytest_reads_its_inventory_once(calls: Calls, tmp_path: Path) -> None:
    """The fixture `topology` and a prediction of capacity have one listing between them."""
    (tmp_path / "test_fleet.py").write_text(TESTS)
    assert len(calls("pytest", "-q", "-p", "no:cacheprovider", "--lbcheck-inventory", LAB, "test_fleet.py")) == 1
