"""Role nat_gateway: what is translated, what is routed past it, and that nothing else is forwarded."""

import json
import re
from ipaddress import ip_address, ip_network

import pytest

from lbcheck.model.address import FAMILIES, Endpoint, Family, of_family
from lbcheck.model.cluster import capacity_of
from lbcheck.model.nat import MappingBehaviour
from lbcheck.testing.fleet import Fleet, HostView, named


def in_reach(fleet: Fleet, family: Family) -> Endpoint | None:
    """Return where a server that names connections can be asked without a balancer; None: nowhere."""
    for server in (server for backend in fleet.cluster.backends for server in backend.servers):
        public = of_family(fleet.reader.addresses(server.name, fleet.reader.public(server.name)), family)
        if public and server.name in fleet.hosts("backends"):
            return Endpoint(public[0], capacity_of(server).ports[0])
    return None


def seen_by(server: Endpoint, client: HostView) -> tuple[str, int]:
    """Return the address and port from which a server sees a client that asks it directly."""
    url = f"http://{server}/"
    source: str = json.loads(client.host.check_output(f"curl --silent {url}"))["connection"]["source"]
    host, _, number = source.rpartition(":")
    return host.strip("[]"), int(number)


def test_the_rules_are_the_inventorys(nat_gateway: HostView, fleet: Fleet) -> None:
    """One table, of its own, with the pool and its ports; a limit on connections stands in for the stricter mapping."""
    pool = named(fleet.cluster.nat_gateways, nat_gateway.name)
    rules = nat_gateway.host.check_output("nft --numeric list table inet nat_gateway")
    assert all(address in rules for address in (pool.addresses[0], pool.addresses[-1]))
    assert f":{pool.ports} persistent" in rules
    assert ("ct count over" in rules) == (capacity_of(pool).mapping is MappingBehaviour.ENDPOINT_INDEPENDENT)


def test_only_what_the_inside_opens_is_forwarded(nat_gateway: HostView, fleet: Fleet) -> None:
    """Everything is dropped but answers, and what comes from the clients behind it."""
    chain = nat_gateway.host.check_output("nft --numeric list chain inet nat_gateway forward")
    assert "hook forward priority 0; policy drop;" in chain
    inside = [
        ip_network(source) for source in re.findall(r"ct state 0x8 ip6? saddr (\S+) ip6? daddr != \1 accept", chain)
    ]
    assert chain.count("accept") == 1 + len(inside)
    behind = [a for client in fleet.cluster.clients if client.behind == nat_gateway.name for a in client.addresses]
    assert all(any(ip_address(address) in network for network in inside) for address in behind)


def test_the_gateway_forwards_now_and_at_each_boot(nat_gateway: HostView) -> None:
    """The unit that loads the rules is enabled, and the kernel forwards."""
    assert nat_gateway.host.service("nat-gateway").is_enabled
    assert nat_gateway.host.sysctl("net.ipv4.ip_forward") == 1


def test_a_server_sees_a_subscriber_as_its_gateway(client: HostView, fleet: Fleet) -> None:
    """IPv4 of a subscriber comes from its gateway's outside addresses and ports; anyone else's, and IPv6, as it is."""
    mine = named(fleet.cluster.clients, client.name)
    by_ipv4, by_ipv6 = (in_reach(fleet, family) if of_family(mine.addresses, family) else None for family in FAMILIES)
    if not (by_ipv4 or by_ipv6):
        pytest.skip("no server is in this client's reach")
    if by_ipv6:
        assert seen_by(by_ipv6, client)[0] in mine.addresses
    if not by_ipv4:
        return
    address, port = seen_by(by_ipv4, client)
    if mine.behind:
        pool = named(fleet.cluster.nat_gateways, mine.behind)
        assert address in pool.addresses
        assert pool.ports.low <= port <= pool.ports.high
    else:
        assert address in mine.addresses
