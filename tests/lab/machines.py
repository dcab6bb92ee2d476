"""The cluster in virtual machines, as tests see it: reached by ssh, as Vagrant's layer says."""

import shlex
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .cluster import ROOT, Cluster

# The kernel's own way (sysrq), once the command that gave it has come to its end.
POWER_OFF = "sleep 0.3; echo o >/proc/sysrq-trigger"


@dataclass
class Machines(Cluster):
    """A standing cluster of Vagrant's, beside no other."""

    layer: str = ""

    @cached_property
    def variables(self) -> dict[str, dict[str, Any]]:
        """Each machine's variables: how Ansible reaches it, and so do we."""
        machines: dict[str, dict[str, Any]] = yaml.safe_load(Path(self.layer).read_text(encoding="utf-8"))["machines"]
        return machines

    def entrance(self, host: str, words: tuple[str, ...]) -> list[str]:
        """Return the command that runs another one in a host, as root."""
        return [*self._ssh(host), f"sudo -- {shlex.join(words)}"]

    def _ssh(self, host: str, *options: str) -> list[str]:
        at = self.variables[host]
        return [
            *(shutil.which("ssh") or "ssh", "-i", at["ansible_ssh_private_key_file"], *self._options(host), *options),
            *("-p", str(at["ansible_port"]), f"{at['ansible_user']}@{at['ansible_host']}"),
        ]

    def halt(self, host: str) -> list[str]:
        """Return the command that cuts a machine's power: no process ends, no file is written, nobody says good-bye."""
        return self.words_on(host, "sh", "-c", f"({POWER_OFF}) >/dev/null 2>&1 &")

    def revive(self, host: str) -> None:
        """Start a halted machine again; what the roles have set up must last."""
        # The shared connection knows nothing of the machine's end, and would wait for an answer of the one before.
        self.command(*self._ssh(host, "-O", "exit"))
        self.done(shutil.which("vagrant") or "vagrant", "up", host)

    def _options(self, host: str) -> list[str]:
        # One connection for many commands: each new one takes two seconds of an emulated machine.
        shared = ["-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", f"ControlPath={self.sockets}/%C"]
        return [*shlex.split(self.variables[host]["ansible_ssh_common_args"]), *shared]

    @cached_property
    def sockets(self) -> Path:
        """The folder of the connections' sockets; their paths are short."""
        folder = Path(self.layer).parent / "cm"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder


def standing(layer: str) -> Machines:
    """Return the machines that a layer leads to."""
    return Machines("vagrant", (str(ROOT / "inventory" / "lab"), layer), layer)
