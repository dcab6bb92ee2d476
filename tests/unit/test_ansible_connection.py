"""Hosts whose connection is Ansible's alone: they are entered by its plugin, inside the process that tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lbcheck.testing.fleet import Fleet

PLUGIN = """
import subprocess
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = '''
name: cellar
short_description: runs commands here
description: It marks each host by a variable.
options:
  mark:
    description: what the host is marked by
    vars: [{name: cellar_mark}]
'''


class Connection(ConnectionBase):
    transport = "cellar"

    def _connect(self):
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "MARK": self.get_option("mark")}
        ran = subprocess.run(["sh", "-c", cmd], input=in_data or b"", capture_output=True, env=environment)
        return ran.returncode, ran.stdout, ran.stderr

    def put_file(self, in_path, out_path): ...
    def fetch_file(self, in_path, out_path): ...
    def close(self): ...
"""
BECOME = """
from ansible.plugins.become import BecomeBase

DOCUMENTATION = '''
name: hat
short_description: becomes nobody else
description: It puts on a hat.
options:
  become_user:
    description: whose
    vars: [{name: ansible_become_user}]
'''


class BecomeModule(BecomeBase):
    name = "hat"

    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        return f"HAT={self.get_option('become_user')} " + self._build_success_command(cmd, shell)
"""
INVENTORY = """
all:
  vars: {ansible_connection: cellar, depth: 7, cellar_mark: "{{ inventory_hostname }} at {{ depth }}"}
  children:
    clients:
      hosts:
        one:
        two: {depth: 8, ansible_become: true, ansible_become_method: hat, ansible_become_user: ada}
"""
ASKING = """
import sys
from lbcheck.testing.fleet import Fleet

fleet = Fleet((sys.argv[1],))
for name in ("one", "two"):
    host = fleet.seen(name).host
    print(host.backend.NAME, host.check_output("echo %s $MARK, $HAT", "it's"), host.run("echo no >&2; exit 3"), sep="|")
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """An inventory with plugins of its own, which its ansible.cfg names."""
    for name, text in (("connection/cellar.py", PLUGIN), ("become/hat.py", BECOME), ("hosts.yml", INVENTORY)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "ansible.cfg").write_text("[defaults]\nconnection_plugins = connection\nbecome_plugins = become\n")
    return tmp_path / "hosts.yml"


def test_a_command_goes_by_the_connection_that_the_inventory_says(inventory: Path) -> None:
    """With the host's own options, templated, as the user whom it becomes; status and both outputs come back."""
    environment = {**os.environ, "ANSIBLE_CONFIG": ""}
    del environment["ANSIBLE_CONFIG"]
    ran = subprocess.run(
        [sys.executable, "-c", ASKING, inventory], capture_output=True, text=True, env=environment, check=False, cwd="/"
    )
    assert ran.returncode == 0, ran.stderr
    one, two = ran.stdout.splitlines()
    assert one.startswith("ansible connection|it's one at 7,|")
    assert two.startswith("ansible connection|it's two at 8, ada|")
    for line in (one, two):
        assert "exit_status=3" in line
        assert "no\\n" in line


def test_where_ansible_cannot_be_loaded_each_command_is_a_run_of_it(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a plugin of the user's is broken: it is said once a host."""
    (inventory.parent / "connection" / "cellar.py").write_text("raise ValueError('the cellar is flooded')\n")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    fleet = Fleet((str(inventory),))
    with pytest.warns(UserWarning, match="one is entered by a run of Ansible for each command"):
        assert fleet.seen("one").host.backend.NAME == "ansible"
