"""Roles nat_gateway, network and client: what is translated, what is routed."""

import json

import pytest
from testinfra.host import Host

from .cluster import Cluster

pytestmark = pytest.mark.lab


def seen_by_a_server(cluster: Cluster, client: str, *options: str) -> str:
    """Return the address from which a server sees a client that asks it directly."""
    answer = cluster.on(client, "curl", "--silent", *options, "http://direct.lab.test:8080/")
    source: str = json.loads(answer)["connection"]["source"]
    return source


def test_ipv4_of_a_subscriber_is_translated_and_ipv6_routed(cluster: Cluster) -> None:
    """A server sees a subscriber's IPv4 as one of its gateway's outside addresses, within its ports; IPv6 as it is."""
    if not cluster.topology.nat_gateways:
        pytest.skip("a part of the lab without a NAT gateway")
    for gateway, subscriber in zip(cluster.topology.nat_gateways, ("client2", "client3"), strict=True):
        address, port = seen_by_a_server(cluster, subscriber, "-4").rsplit(":", 1)
        assert address in gateway.addresses
        assert gateway.ports.low <= int(port) <= gateway.ports.high
    assert seen_by_a_server(cluster, "client2", "-6").startswith("[2001:2:0:64::2]")
    assert seen_by_a_server(cluster, "client1", "-4").startswith("198.18.0.31")


def test_the_rules_are_the_gateways_own(nat_gateway: Host, cluster: Cluster) -> None:
    """One table, of its own, with a pool and its ports; a limit on connections stands in for the stricter mapping."""
    [gateway] = [g for g in cluster.topology.nat_gateways if g.name == nat_gateway.check_output("hostname")]
    rules = nat_gateway.check_output("nft --numeric list table ip nat_gateway")
    assert f"{gateway.addresses[0]}" in rules
    assert f":{gateway.ports} persistent" in rules
    assert ("ct count over 64" in rules) == (gateway.name == "nat2")
    assert nat_gateway.service("nat-gateway").is_enabled
    assert nat_gateway.sysctl("net.ipv4.ip_forward") == 1


def test_no_host_has_a_way_out(client: Host) -> None:
    """There is no route to anything that is not the lab's: a subscriber's leads to its gateway, which has none."""
    routes = client.check_output("ip route show default").strip()
    assert routes in ("", "default via 100.64.0.1 dev subscribers", "default via 100.64.1.1 dev strict")


def test_the_ephemeral_ports_are_the_inventorys(client: Host) -> None:
    """The range that the model reads is the range that the kernel has, and TIME_WAIT is passed over as it says."""
    assert client.check_output("cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["40000", "40999"]
    assert client.sysctl("net.ipv4.tcp_tw_reuse") == 1
