"""What the inventory says the lab consists of: hosts, networks and addresses, checked. No I/O but `load`."""

import ipaddress
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import usage_error

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

INTERFACE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")  # IFNAMSIZ is 16, with the final NUL
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # a label of RFC 1123; it becomes the host's own name


@dataclass(frozen=True)
class Interface:
    """A host's interface, named after its network. `ipv4` is an address with its prefix length, if it has one."""

    network: str
    ipv4: str | None


@dataclass(frozen=True)
class WiredHost:
    """A host of the lab. IPv6 addresses and routes are not here: the role `network` sets them on every substrate."""

    name: str
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True)
class Wiring:
    """All that has to be stood up: networks, and the hosts in them."""

    networks: tuple[str, ...]
    hosts: tuple[WiredHost, ...]


def load(sources: Iterable[str]) -> Wiring:
    """Read the wiring from Ansible inventories, through `ansible-inventory`: every format and plugin works."""
    sources = list(sources)
    for source in sources:
        if not Path(source).exists() and "," not in source:
            raise usage_error(f"there is no inventory {source}")
    label = ", ".join(sources)
    beside = Path(sys.executable).with_name("ansible-inventory")
    command = [str(beside) if beside.exists() else "ansible-inventory", "--list"]
    for source in sources:
        command += ["-i", source]
    try:
        # Ansible only warns about a file that it cannot read, and goes on with the others: half a lab.
        environment = os.environ | {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", "ANSIBLE_NOCOLOR": "1"}
        result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except FileNotFoundError:
        raise usage_error("ansible-inventory is missing: `make venv` installs it") from None
    if result.returncode:
        raise usage_error(f"inventory {label} cannot be read: {_reason(result.stderr)}")
    return parse(json.loads(result.stdout), label)


def _reason(stderr: str) -> str:
    """Return what Ansible says is wrong: its plugins' warnings say what and where, its ERROR only that something is."""
    complaint = re.search(r"Failed to parse .*?plugin: (.+)", stderr) or re.search(r"ERROR[\]!]:? (.+)", stderr)
    place = re.search(r"Origin: (\S+:\d+:\d+)", stderr)
    said = complaint[1].strip() if complaint else "ansible-inventory gives no reason"
    return f"{said} ({place[1]})" if place else said


def parse(listing: Mapping[str, Any], label: str) -> Wiring:
    """Return the wiring that `ansible-inventory --list` describes; LabError names the host and what is wrong there."""
    hostvars: Mapping[str, Mapping[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
    members = {name: own for name, own in sorted(hostvars.items()) if "cluster_addresses" in own}
    if not members:
        raise usage_error(f"inventory {label}: no host has cluster_addresses")
    addresses = _Addresses(label)
    networks: dict[str, list[Network]] = {}
    for name, own in members.items():
        if not HOST_NAME.fullmatch(name):
            raise usage_error(f"inventory {label}: '{name}' is not a host name (lower case letters, digits and '-')")
        for network, prefixes in _networks(own, f"host '{name}' ({label})").items():
            if networks.setdefault(network, prefixes) != prefixes:
                raise usage_error(
                    f"host '{name}' ({label}) has another cluster_networks.{network} than the hosts before it"
                )
    hosts = tuple(_host(name, own, networks, addresses) for name, own in members.items())
    return Wiring(networks=tuple(sorted(networks)), hosts=hosts)


def _networks(own: Mapping[str, Any], where: str) -> dict[str, list[Network]]:
    declared = own.get("cluster_networks")
    if not isinstance(declared, Mapping) or not declared:
        raise usage_error(f"{where} has no cluster_networks")
    networks: dict[str, list[Network]] = {}
    for name, families in declared.items():
        if not INTERFACE_NAME.fullmatch(str(name)) or name == "lo":
            raise usage_error(
                f"{where}: network '{name}' cannot name an interface (15 letters, digits, '.', '_' or '-')"
            )
        if not isinstance(families, Mapping):
            raise usage_error(f"{where}: cluster_networks.{name} has to say ipv4 and ipv6")
        try:
            networks[name] = [
                ipaddress.ip_network(families[family]) for family in ("ipv4", "ipv6") if family in families
            ]
        except ValueError as error:
            raise usage_error(f"{where}: cluster_networks.{name}: {error}") from None
    return networks


class _Addresses:
    """Who has which address: each is one host's, whether it is an interface's, a VIP or a NAT's outside address."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.owners: dict[Address, str] = {}

    def take(self, text: object, host: str) -> Address:
        try:
            address = ipaddress.ip_address(str(text))
        except ValueError:
            raise usage_error(f"host '{host}' ({self.label}): '{text}' is not an address") from None
        if (owner := self.owners.setdefault(address, host)) != host:
            raise usage_error(f"hosts '{owner}' and '{host}' ({self.label}) both have the address {address}")
        return address


def _host(name: str, own: Mapping[str, Any], networks: Mapping[str, list[Network]], addresses: _Addresses) -> WiredHost:
    where = f"host '{name}' ({addresses.label})"
    declared = own["cluster_addresses"]
    if not isinstance(declared, Mapping) or not declared:
        raise usage_error(f"{where} has no address: cluster_addresses is empty")
    interfaces = []
    for network, texts in declared.items():
        if network not in networks:
            raise usage_error(f"{where} has addresses in '{network}', which is not one of cluster_networks")
        if not isinstance(texts, list) or not texts:
            raise usage_error(f"{where} has no address in {network}: cluster_addresses.{network} has to be a list")
        placed = [_place(addresses.take(text, name), network, networks[network], where) for text in texts]
        interfaces.append(Interface(network, next((one for one in placed if ":" not in one), None)))
    for text in _shared_addresses(own):
        addresses.take(text, name)
    return WiredHost(name, tuple(interfaces))


def _place(address: Address, name: str, prefixes: Iterable[Network], where: str) -> str:
    """Return the address with its network's prefix length; it has to lie in that network, and be a host's."""
    prefixes = list(prefixes)
    for prefix in prefixes:
        if address in prefix:
            if prefix.version == 4 and address in (prefix.network_address, prefix.broadcast_address):
                raise usage_error(f"{where}: {address} is the network or broadcast address of {name}, {prefix}")
            return f"{address}/{prefix.prefixlen}"
    raise usage_error(f"{where}: {address} lies outside {name}, {' and '.join(map(str, prefixes))}")


def _shared_addresses(own: Mapping[str, Any]) -> Iterator[object]:
    vips = own.get("cluster_vips")
    yield from vips if isinstance(vips, list) else ()
    nat = own.get("cluster_nat")
    outside = nat.get("addresses") if isinstance(nat, Mapping) else None
    yield from outside if isinstance(outside, list) else ()
