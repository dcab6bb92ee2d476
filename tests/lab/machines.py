"""The cluster in virtual machines, as tests see it: reached by ssh, as Vagrant's layer says."""

import shlex
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from .cluster import ROOT, Cluster


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
        at = self.variables[host]
        return [
            *(shutil.which("ssh") or "ssh", "-i", at["ansible_ssh_private_key_file"], *self._options(host)),
            *("-p", str(at["ansible_port"]), f"{at['ansible_user']}@{at['ansible_host']}"),
            f"sudo -- {shlex.join(words)}",
        ]

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
