"""Role client: how names are resolved, and source ports given out, where probes run."""

import pytest

from lbcheck.model.cluster import capacity_of
from lbcheck.testing.fleet import Fleet, HostView, named


def test_clients_resolve_through_the_resolvers(client: HostView, fleet: Fleet) -> None:
    """Names are resolved by the system's own way, through the cluster's resolvers, to every address."""
    if not fleet.cluster.resolvers:
        pytest.skip("the inventory has no resolvers")
    asks = client.host.file("/etc/resolv.conf").content_string
    for resolver in fleet.cluster.resolvers:
        assert any(address in asks for address in resolver.addresses)
    for name in fleet.cluster.names:
        assert set(client.host.addr(name.name).ipv4_addresses) == set(name.of_family(4))
        found = client.host.addr(name.name).ipv6_addresses
        # Of a name that has IPv4 alone glibc gives that, in the form of IPv6.
        assert {address for address in found if not address.startswith("::ffff:")} == set(name.of_family(6))


def test_the_ephemeral_ports_are_the_inventorys(client: HostView, fleet: Fleet) -> None:
    """The range that the model reads is the range that the kernel has, and TIME_WAIT is passed over as it says."""
    opening = capacity_of(named(fleet.cluster.clients, client.name)).opening
    found = client.host.check_output("cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/net/ipv4/tcp_tw_reuse")
    low, high, reuse = found.split()
    assert (low, high) == (str(opening.ports.low), str(opening.ports.high))
    assert (reuse == "1") == opening.tw_reuse
