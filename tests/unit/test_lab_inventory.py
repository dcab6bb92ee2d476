"""What the lab makes of an inventory with which nothing is wrong (test_convergence.py has the others)."""

from typing import Any

from lab.inventory import Interface, WiredHost, Wiring, parse

NETWORKS = {
    "public": {"ipv4": "198.18.0.0/24", "ipv6": "2001:2::/64"},
    "backend": {"ipv4": "198.19.0.0/24", "ipv6": "2001:2:0:1::/64"},
}


def listing(hosts: dict[str, dict[str, Any]], networks: object = NETWORKS) -> dict[str, Any]:
    """Return what `ansible-inventory --list` says of hosts that all have the same networks."""
    return {"_meta": {"hostvars": {name: {"cluster_networks": networks} | own for name, own in hosts.items()}}}


def test_interface_is_named_after_its_network_and_has_its_prefix() -> None:
    """A host gets an interface for each network that it has addresses in, with the network's prefix length."""
    addresses = {"public": ["2001:2::21", "198.18.0.21"], "backend": ["198.19.0.21"]}
    assert parse(listing({"lb1": {"cluster_addresses": addresses}})) == Wiring(
        networks=("backend", "public"),
        hosts=(WiredHost("lb1", (Interface("public", "198.18.0.21/24"), Interface("backend", "198.19.0.21/24"))),),
    )


def test_interface_without_ipv4_has_its_first_ipv6_address() -> None:
    """A host's first address is its substrate's to give, whatever its family."""
    wiring = parse(listing({"lb1": {"cluster_addresses": {"public": ["2001:2::21", "2001:2::22"]}}}))
    assert wiring.hosts[0].interfaces == (Interface("public", "2001:2::21/64"),)
    assert wiring.ipv6


def test_networks_without_ipv6_need_none_of_the_kernel() -> None:
    """Where no network has it, a machine without IPv6 will do."""
    networks = {"public": {"ipv4": "198.18.0.0/24"}}
    assert not parse(listing({"lb1": {"cluster_addresses": {"public": ["198.18.0.21"]}}}, networks)).ipv6


def test_host_without_cluster_addresses_is_not_the_labs() -> None:
    """A host that the inventory only mentions is not stood up."""
    hosts: dict[str, dict[str, Any]] = {"lb1": {"cluster_addresses": {"public": ["198.18.0.21"]}}, "elsewhere": {}}
    assert [host.name for host in parse(listing(hosts)).hosts] == ["lb1"]
