"""A fleet for testinfra: its hosts as the inventory describes them, and the way into each, as Ansible has it."""

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import testinfra
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host
from testinfra.utils.ansible_runner import get_ansible_config, get_ansible_host

from lbcheck import ansible_cli
from lbcheck.loaders import ansible_inventory
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.cluster import Cluster, Named
from lbcheck.model.question import Question
from lbcheck.plain import plain
from lbcheck.testing.connection import opener

Thing = TypeVar("Thing", bound=Named)
# The units that roles write or confine, on each host of a group.
UNITS = {
    "all": ("network-extras",),
    "dns_servers": ("nsd",),
    "resolvers": ("unbound",),
    "backends": ("nginx",),
    "load_balancers": ("haproxy", "keepalived"),
    "nat_gateways": ("nat-gateway",),
}


@dataclass(frozen=True)
class HostView:
    """A host by its name in the inventory, and testinfra's view of it."""

    name: str
    host: Host


@dataclass
class Fleet:
    """Everything that some inventories describe. `sudo`: enter as root also where the inventory says nothing of it."""

    inventories: tuple[str, ...]
    sudo: bool = False
    _views: dict[str, HostView] = field(default_factory=dict)

    @cached_property
    def listing(self) -> dict[str, Any]:
        """What `ansible-inventory --list` says."""
        return ansible_inventory.listing(self.inventories)

    @cached_property
    def reader(self) -> InventoryReader:
        """The listing, asked by lbcheck's names."""
        return InventoryReader(self.listing, ", ".join(self.inventories))

    @cached_property
    def question(self) -> Question:
        """How the fleet may be asked: whether it is a lab, how answers name who gave them."""
        return ansible_inventory.understand(self.listing, self.reader.where)

    @cached_property
    def cluster(self) -> Cluster:
        """Who is there, what is published, and what is known of each thing's capacity."""
        return with_capacity(self.question.cluster, self.reader)

    def hosts(self, group: str) -> Sequence[str]:
        """Return the hosts of one of lbcheck's groups."""
        return self.reader.hosts(group)

    def units(self, name: str) -> Sequence[str]:
        """Return the units that the roles have set up on a host; keepalived where there is an address to hold."""
        mine = [unit for group, units in UNITS.items() if name in self.hosts(group) for unit in units]
        return [unit for unit in mine if unit != "keepalived" or self.cluster.vips]

    def seen(self, name: str) -> HostView:
        """Return a host, entered by the same connection as Ansible's."""
        if name not in self._views:
            self._views[name] = HostView(name, self._enter(name))
        return self._views[name]

    def _enter(self, name: str) -> Host:
        host = get_ansible_host(get_ansible_config(), self.listing, name)
        if host is None:  # a connection that is Ansible's alone
            host = self._by_its_plugin(name) or self._by_a_run_for_each_command(name)
        if isinstance(host.backend, SshBackend) and not host.backend.controlpath:
            host.backend.controlpath = f"{self._sockets.name}/%%C"  # one connection for all commands
        host.backend.sudo = host.backend.sudo or self.sudo
        return host

    def _by_its_plugin(self, name: str) -> Host | None:
        """Return a host by a connection of this process; None, with a warning, where Ansible cannot be loaded here."""
        try:
            return self._open(name)
        except Exception as error:
            why = f"{name} is entered by a run of Ansible for each command, which takes about a second: {error}"
            warnings.warn(plain(why), stacklevel=2)
            return None

    def _by_a_run_for_each_command(self, name: str) -> Host:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # `ansible` of this virtual environment first
        inventories = ",".join(self.inventories)
        os.environ |= ansible_cli.environment(self.inventories, ANSIBLE_INVENTORY=inventories, PATH=path)
        return testinfra.get_host(f"ansible://{name}?force_ansible=True")

    @cached_property
    def _open(self) -> Callable[[str], Host]:
        return opener(self.inventories)

    @cached_property
    def _sockets(self) -> "tempfile.TemporaryDirectory[str]":
        return tempfile.TemporaryDirectory(prefix="lbcheck-")


def named(things: Iterable[Thing], name: str) -> Thing:
    """Return the one of this name."""
    return next(thing for thing in things if thing.name == name)


def runs(seen: HostView, service: str) -> None:
    """Fail unless a service is running now, and will be after a boot."""
    assert seen.host.service(service).is_running, f"{service} on {seen.name} is not running"  # noqa: S101
    assert seen.host.service(service).is_enabled, f"{service} on {seen.name} is not enabled"  # noqa: S101


def listening(seen: HostView) -> set[int]:
    """Return the TCP ports that have a listener."""
    sockets = seen.host.socket.get_listening_sockets()
    return {int(name.rpartition(":")[2]) for name in sockets if name.startswith("tcp://")}
