"""A testinfra backend that enters the lab's hosts directly: a command takes milliseconds instead of an Ansible run."""

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host


class NspawnBackend(BaseBackend):
    """Run commands in one host of a lab on this machine."""

    NAME = "nspawn"

    def __init__(self, instance: str, name: str) -> None:
        super().__init__(name)
        self.enter = f"/run/lbcheck-lab/{instance}/hosts/{name}/enter"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command by the host's shell."""
        return self.run_local("%s sh -c %s", self.enter, self.get_command(command, *args))


def host_of(instance: str, name: str) -> Host:
    """Return testinfra's view of a host."""
    return Host(NspawnBackend(instance, name))
