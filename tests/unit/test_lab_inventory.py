"""What the lab makes of an inventory, and the sentences that it says about a wrong one."""

from typing import Any

import pytest

from lab.errors import LabError
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
    addresses = {"public": ["198.18.0.21", "2001:2::21"], "backend": ["198.19.0.21"]}
    assert parse(listing({"lb1": {"cluster_addresses": addresses}}), "lab") == Wiring(
        networks=("backend", "public"),
        hosts=(WiredHost("lb1", (Interface("public", "198.18.0.21/24"), Interface("backend", "198.19.0.21/24"))),),
    )


def test_interface_may_have_ipv6_only() -> None:
    """A host without an IPv4 address in a network has an interface there all the same."""
    wiring = parse(listing({"lb1": {"cluster_addresses": {"public": ["2001:2::21"]}}}), "lab")
    assert wiring.hosts[0].interfaces == (Interface("public", None),)


def test_host_without_cluster_addresses_is_not_the_labs() -> None:
    """A host that the inventory only mentions is not stood up."""
    hosts = {"lb1": {"cluster_addresses": {"public": ["198.18.0.21"]}}, "elsewhere": {}}
    assert [host.name for host in parse(listing(hosts), "lab").hosts] == ["lb1"]


def test_vip_of_several_hosts_own_is_refused_but_interface_and_vip_of_one_are_not() -> None:
    """One host may name an address twice (as its own and as a VIP): the address still belongs to one host."""
    own = {"cluster_addresses": {"public": ["198.18.0.21"]}, "cluster_vips": ["198.18.0.21"]}
    assert parse(listing({"lb1": own}), "lab").hosts[0].name == "lb1"


ONE = {"cluster_addresses": {"public": ["198.18.0.1"]}}


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ({}, "inventory lab: no host has cluster_addresses"),
        ({"a": {"cluster_addresses": {}}}, "host 'a' (lab) has no address: cluster_addresses is empty"),
        ({"a": {"cluster_addresses": {"public": []}}}, "host 'a' (lab) has no address in public"),
        ({"a": {"cluster_addresses": {"public": "198.18.0.1"}}}, "cluster_addresses.public has to be a list"),
        (
            {"a": {"cluster_addresses": {"public": ["198.18.0.300"]}}},
            "host 'a' (lab): '198.18.0.300' is not an address",
        ),
        ({"a": {"cluster_addresses": {"dmz": ["198.18.0.1"]}}}, "host 'a' (lab) has addresses in 'dmz', which is not"),
        (
            {"a": {"cluster_addresses": {"public": ["198.19.0.1"]}}},
            "host 'a' (lab): 198.19.0.1 lies outside public, 198",
        ),
        ({"a": {"cluster_addresses": {"public": ["2001:3::1"]}}}, "host 'a' (lab): 2001:3::1 lies outside public"),
        ({"a": {"cluster_addresses": {"public": ["198.18.0.0"]}}}, "is the network or broadcast address of public"),
        ({"a": ONE, "b": ONE}, "hosts 'a' and 'b' (lab) both have the address 198.18.0.1"),
        (
            {"a": ONE, "b": {"cluster_addresses": {"public": ["198.18.0.2"]}, "cluster_vips": ["198.18.0.1"]}},
            "both have",
        ),
        (
            {
                "a": {"cluster_addresses": {"public": ["198.18.0.2"]}, "cluster_nat": {"addresses": ["198.18.0.1"]}},
                "b": ONE,
            },
            "both have the address 198.18.0.1",
        ),
        ({"a_b": ONE}, "'a_b' is not a host name"),
    ],
)
def test_wrong_host_is_named(hosts: dict[str, dict[str, Any]], sentence: str) -> None:
    """What is wrong with a host is said in a sentence that names it, and is a mistake of the input (exit status 2)."""
    with pytest.raises(LabError) as caught:
        parse(listing(hosts), "lab")
    assert sentence in str(caught.value)
    assert caught.value.status == 2


@pytest.mark.parametrize(
    ("networks", "sentence"),
    [
        (None, "host 'a' (lab) has no cluster_networks"),
        ({"a name of many letters": {}}, "network 'a name of many letters' cannot name an interface"),
        ({"lo": {"ipv4": "198.18.0.0/24"}}, "network 'lo' cannot name an interface"),
        ({"public": "198.18.0.0/24"}, "cluster_networks.public has to say ipv4 and ipv6"),
        ({"public": {"ipv4": "198.18.0.1/24"}}, "cluster_networks.public: 198.18.0.1/24 has host bits set"),
    ],
)
def test_wrong_network_is_named(networks: object, sentence: str) -> None:
    """What is wrong with a network is said in a sentence that names it."""
    with pytest.raises(LabError) as caught:
        parse(listing({"a": ONE}, networks), "lab")
    assert sentence in str(caught.value)


def test_hosts_have_to_agree_on_the_networks() -> None:
    """Two hosts that mean different prefixes by one name cannot be wired to one bridge."""
    other = ONE | {"cluster_networks": {"public": {"ipv4": "198.18.0.0/16"}}}
    with pytest.raises(LabError, match=r"host 'b' .* has another cluster_networks.public"):
        parse(listing({"a": ONE, "b": other}), "lab")
