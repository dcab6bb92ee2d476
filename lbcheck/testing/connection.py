"""Testinfra's way into a host by Ansible's own connection plugin, inside this process: no run of Ansible a command."""

import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from lbcheck import ansible_cli
from lbcheck.errors import LbcheckError
from lbcheck.loaders.values import flag

_MARK = b"BECOME-SUCCESS-"  # Ansible's become plugins have this line printed before the command's own output


class ConnectionBackend(BaseBackend):  # type: ignore[misc]
    """Run commands by one connection of Ansible's, which is kept; its errors are Ansible's."""

    NAME = "ansible connection"

    def __init__(self, name: str, connection: Any) -> None:
        super().__init__(name)
        self._connection = connection

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command by the host's shell, as the user whom the inventory says."""
        line = shell = self.get_command(command, *args)
        if self._connection.become is not None:
            shell = self._connection.become.build_become_command(line, self._connection._shell)
        if self._connection.allow_executable:
            shell = f"/bin/sh -c {shlex.quote(shell)}"
        status, output, errors = self._connection.exec_command(shell, sudoable=True)
        return self.result(status, self.encode(line), _without_mark(output), errors)


def _without_mark(output: bytes) -> bytes:
    return output.partition(b"\n")[2] if output.lstrip(b"\r\n").startswith(_MARK) else output


def opener(inventories: Sequence[str]) -> Callable[[str], Host]:
    """Read inventories as Ansible's programs do; return what opens a connection to a host by its name there.

    Raises whatever Ansible raises, and LbcheckError where this process has loaded Ansible with another ansible.cfg.
    """
    os.environ |= ansible_cli.environment(inventories)
    from ansible.cli import CLI  # noqa: PLC0415 (Ansible reads ansible.cfg when it is first imported)
    from ansible.constants import CONFIG_FILE, DEFAULT_VAULT_IDENTITY_LIST  # noqa: PLC0415
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
    from ansible.plugins.loader import init_plugin_loader  # noqa: PLC0415
    from ansible.vars.manager import VariableManager  # noqa: PLC0415

    chosen = os.environ.get("ANSIBLE_CONFIG")
    if chosen and chosen != CONFIG_FILE:
        raise LbcheckError(f"this process has loaded Ansible with {CONFIG_FILE}; {chosen} is the fleet's")
    init_plugin_loader()
    loader = DataLoader()
    secrets = CLI.setup_vault_secrets(loader, [*DEFAULT_VAULT_IDENTITY_LIST], auto_prompt=False)
    loader.set_vault_secrets(secrets)
    inventory = InventoryManager(loader=loader, sources=[*inventories])
    manager = VariableManager(loader=loader, inventory=inventory)

    def opened(name: str) -> Host:
        variables = manager.get_vars(host=inventory.get_host(name))
        return Host(ConnectionBackend(name, _connection(variables, loader)))

    return opened


def _connection(variables: dict[str, Any], loader: Any) -> Any:
    """Return a host's connection with its options, shell and become plugin, from the host's templated variables."""
    from ansible.constants import DEFAULT_BECOME, DEFAULT_BECOME_METHOD, DEFAULT_TRANSPORT, config  # noqa: PLC0415
    from ansible.playbook.play_context import PlayContext  # noqa: PLC0415
    from ansible.plugins.loader import become_loader, connection_loader  # noqa: PLC0415
    from ansible.template import Templar  # noqa: PLC0415

    templar = Templar(loader=loader, variables=variables)

    def value(name: str, default: Any) -> Any:
        return templar.template(variables[name]) if name in variables else default

    def with_options(kind: str, plugin: Any) -> Any:
        names = config.get_plugin_vars(kind, plugin._load_name)
        plugin.set_options(var_options={name: value(name, None) for name in names if name in variables})
        return plugin

    name = value("ansible_connection", DEFAULT_TRANSPORT)
    # As Ansible's own task executor gives them: plugins may ask for any of these.
    given = {"new_stdin": None, "task_uuid": "", "ansible_playbook_pid": str(os.getpid())}
    connection = connection_loader.get(name, PlayContext(), **given)
    if connection is None:
        raise LbcheckError(f"Ansible has no connection plugin {name}")
    with_options("connection", connection)
    with_options("shell", connection._shell)
    if flag(value("ansible_become", DEFAULT_BECOME)):
        become = become_loader.get(value("ansible_become_method", DEFAULT_BECOME_METHOD))
        connection.set_become_plugin(with_options("become", become))
    return connection
