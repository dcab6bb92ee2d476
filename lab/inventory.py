"""What the inventory says the lab consists of: hosts, networks and addresses. No I/O but `load`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.errors import usage_error


@dataclass(frozen=True)
class Interface:
    """A host's interface, named after its network, and its first address there with the prefix length: IPv4 if any."""

    network: str
    address: str


@dataclass(frozen=True)
class WiredHost:
    """A host of the lab. Further addresses and routes are not here: the role `network` sets them on every substrate."""

    name: str
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True)
class Wiring:
    """All that has to be stood up: networks, and the hosts in them. `ipv6`: whether any network has it."""

    networks: tuple[str, ...]
    hosts: tuple[WiredHost, ...]
    ipv6: bool = True


def load(sources: Sequence[str]) -> Wiring:
    """Read the wiring from Ansible inventories; LabError has every reason why they cannot be converged."""
    from lbcheck.errors import LbcheckError  # noqa: PLC0415 (no other command needs it, and each has to start fast)
    from lbcheck.loaders.ansible_inventory import written  # noqa: PLC0415
    from lbcheck.loaders.convergence import complaints  # noqa: PLC0415

    try:
        listing = written(sources)
        found = complaints(listing, ", ".join(sources))
    except LbcheckError as error:
        raise usage_error(str(error)) from None
    if found:
        raise usage_error("\nlab: ".join(found))
    return parse(listing)


def parse(listing: Mapping[str, Any]) -> Wiring:
    """Return the wiring that `ansible-inventory --list` describes, of an inventory with which nothing is wrong."""
    hostvars: Mapping[str, Mapping[str, Any]] = listing["_meta"]["hostvars"]
    members = {name: own for name, own in sorted(hostvars.items()) if "cluster_addresses" in own}
    networks: Mapping[str, Mapping[str, str]] = next(iter(members.values()))["cluster_networks"]
    return Wiring(
        networks=tuple(sorted(networks)),
        hosts=tuple(WiredHost(name, tuple(_interfaces(own, networks))) for name, own in members.items()),
        ipv6=any("ipv6" in families for families in networks.values()),
    )


def _interfaces(own: Mapping[str, Any], networks: Mapping[str, Mapping[str, str]]) -> list[Interface]:
    found = []
    for network, addresses in own["cluster_addresses"].items():
        first = next((address for address in addresses if ":" not in address), addresses[0])
        prefix = networks[network]["ipv6" if ":" in first else "ipv4"]
        found.append(Interface(network, f"{first}/{prefix.rpartition('/')[2]}"))
    return found
