"""Ansible's way into the hosts of the one-machine lab: by their namespaces, without a network or a daemon."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: nspawn
short_description: Run tasks in the hosts of the one-machine lab
description:
  - Enters a host's namespaces through the program that C(python -m lab up) leaves for each host.
author: lbcheck
options:
  remote_addr:
    description: The host's name in the lab.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
  instance:
    description: The lab that the host belongs to.
    default: lab
    env:
      - name: LAB_INSTANCE
    vars:
      - name: ansible_nspawn_instance
"""

STATE = Path("/run/lbcheck-lab")


class Connection(ConnectionBase):
    """Runs commands in a host and carries files to it and back."""

    transport = "nspawn"
    has_pipelining = True

    def _connect(self) -> Connection:
        if os.geteuid():
            raise AnsibleConnectionFailure("entering the lab's hosts needs root (try sudo)")
        name = self.get_option("remote_addr")
        folder = STATE / (self.get_option("instance") or "lab") / "hosts" / name
        if not _running(folder / "pid"):
            raise AnsibleConnectionFailure(f"host {name} is not running: `make lab-up` starts it")
        self._enter = str(folder / "enter")
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command line in the host's shell; return its status, output and errors."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        result = self._run(["sh", "-c", cmd], in_data)
        return result.returncode, result.stdout, result.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Write a file of this machine to the host."""
        super().put_file(in_path, out_path)
        if not Path(in_path).is_file():
            raise AnsibleFileNotFound(f"there is no file {in_path}")
        self._carry(['cat >"$1"', out_path], Path(in_path).read_bytes())

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Write a file of the host to this machine."""
        super().fetch_file(in_path, out_path)
        Path(out_path).write_bytes(self._carry(['cat <"$1"', in_path], None))

    def close(self) -> None:
        """There is nothing to close: each command enters anew."""
        self._connected = False

    def _carry(self, script: list[str], given: bytes | None) -> bytes:
        result = self._run(["sh", "-c", script[0], "sh", script[1]], given)
        if result.returncode:
            raise AnsibleConnectionFailure(f"{script[1]}: {result.stderr.decode(errors='replace').strip()}")
        return result.stdout

    def _run(self, argv: list[str], given: bytes | None) -> subprocess.CompletedProcess[bytes]:
        self._connect()  # a host can end between two tasks
        return subprocess.run(
            [to_bytes(self._enter), *map(to_bytes, argv)], input=given or b"", capture_output=True, check=False
        )


def _running(pid_file: Path) -> bool:
    """Return whether the host's first process is the one that was recorded: a pid alone may be anyone's by now."""
    try:
        pid, started = pid_file.read_text(encoding="ascii").split()
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (OSError, ValueError):
        return False
    return fields[0] not in "ZX" and fields[19] == started
