"""An inventory that is a program: it ends with the command that wanted it."""

import signal
from pathlib import Path

import pytest

from .fill_world import started, until


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("deaf", ["", "trap '' TERM; "])
def test_it_ends_with_an_interrupted_command(tmp_path: Path, deaf: str, number: signal.Signals) -> None:
    """Ansible waits for it without end, and left it behind; what it started ends, too, and what hears no SIGTERM."""
    begun, program = tmp_path / "begun", tmp_path / "inventory.sh"
    program.write_text(f"#!/bin/sh\n{deaf}touch {begun}\nsleep 300; sleep 300\n")
    program.chmod(0o755)
    with started("topology", "-i", str(program)) as run:
        until(begun.exists, "the program runs")
        run.send_signal(number)
        output, errors = run.communicate(timeout=10)
    said = f"lbcheck: interrupted by {number.name}: nothing was measured that could be judged\n"
    assert (run.returncode, output, errors) == (128 + number, "", said)
