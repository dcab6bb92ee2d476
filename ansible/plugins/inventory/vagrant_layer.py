"""Ansible's layer over an inventory for virtual machines: how each is reached, and that the others are not there."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

DOCUMENTATION = """
name: vagrant_layer
short_description: The machines that Vagrant has made, over the inventory that they were made from
description:
  - Read after the inventory itself. Gives each machine the variables that lead to it, and takes the hosts that Vagrant
    has not made out of the inventory, so that a part of a cluster is a cluster of its own.
author: lbcheck
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [vagrant_layer]
  machines:
    description: Each machine's name, and its variables.
    type: dict
    required: true
"""


class InventoryModule(BaseInventoryPlugin):
    """Changes the inventories that were read before this one."""

    NAME = "vagrant_layer"

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Apply the layer that stands in the file `path`."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        machines: dict[str, dict[str, object]] = self.get_option("machines")
        if unknown := sorted(set(machines) - set(inventory.hosts)):
            raise AnsibleParserError(
                f"{path}: {', '.join(unknown)}: no host of an inventory before this one; give that one first (-i)"
            )
        for host in [host for name, host in inventory.hosts.items() if name not in machines]:
            inventory.remove_host(host)
        for name, variables in machines.items():
            for key, value in variables.items():
                inventory.set_variable(name, key, value)
