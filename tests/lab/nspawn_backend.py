"""A testinfra backend that enters the lab's hosts directly: a command takes milliseconds instead of an Ansible run.

pytest -p tests.lab.nspawn_backend --pyargs lbcheck.testing --lbcheck-inventory inventory/lab
"""

import os
from typing import Any

from testinfra.backend import BACKENDS
from testinfra.backend.base import BaseBackend, CommandResult


class NspawnBackend(BaseBackend):
    """Run commands in one host of a lab on this machine."""

    NAME = "nspawn"

    def __init__(self, name: str, **_: Any) -> None:
        super().__init__(name)
        instance = os.environ.get("LAB_INSTANCE") or "lab"
        self.enter = f"/run/lbcheck-lab/{instance}/hosts/{name}/enter"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command by the host's shell."""
        return self.run_local("%s sh -c %s", self.enter, self.get_command(command, *args))


BACKENDS["nspawn"] = f"{__name__}.NspawnBackend"  # as ansible_connection calls it
