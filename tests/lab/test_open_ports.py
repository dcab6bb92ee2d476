"""A balancer as its neighbours see it: no port is open that the inventory does not know."""

import json
from collections.abc import Sequence

import pytest

from lbcheck.model.cluster import capacity_of
from lbcheck.testing.fleet import Fleet

from .cluster import Cluster

pytestmark = pytest.mark.lab

# Tries every TCP port of each address, and prints those that are not refused, with the error: null where one is open.
# A socket that was refused serves again; a port that is silent takes a second.
SCAN = """
import errno, json, socket, struct, sys

SECOND = struct.pack("ll", 1, 0)

def fresh(address):
    asking = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, SECOND)
    return asking

def scan(address):
    asking = fresh(address)
    for port in range(1, 65536):
        code = asking.connect_ex((address, port))
        if code != errno.ECONNREFUSED:
            yield port, errno.errorcode.get(code)
            asking.close()
            asking = fresh(address)
        if code in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return

print(json.dumps({address: dict(scan(address)) for address in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def fleet(cluster: Cluster) -> Fleet:
    """What the inventory says."""
    return Fleet(cluster.inventories)


def answers(cluster: Cluster, host: str, addresses: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Return address → {port: error} of the ports that do not refuse a host; those that are open have no error."""
    found: dict[str, dict[str, str | None]] = json.loads(
        cluster.on(host, "timeout", "300", "python3", "-c", SCAN, *addresses)
    )
    return found


def known(fleet: Fleet, balancer: str) -> set[str]:
    """Return a balancer's TCP ports: its frontends', its statistics page's, and ssh's where Ansible enters by it."""
    ports = {port for frontend in fleet.cluster.frontends for port in capacity_of(frontend).ports}
    if fleet.reader.var(balancer, "haproxy_stats_password", None):
        ports.add(int(fleet.reader.var(balancer, "haproxy_stats_port", 8404)))
    if fleet.reader.var(balancer, "ansible_connection", "ssh") == "ssh":
        ports.add(22)
    return {str(port) for port in ports}


def test_a_balancer_answers_at_no_port_that_the_inventory_does_not_know(cluster: Cluster, fleet: Fleet) -> None:
    """Every TCP port of each of its addresses, its VIPs too; a client scans the public side, a server the inner one."""
    balancer, client, server = (fleet.hosts(group)[0] for group in ("load_balancers", "clients", "backends"))
    vips = [vip.address for vip in fleet.cluster.vips if vip.home == balancer]
    addresses = [*fleet.reader.addresses(balancer), *vips]
    seen = answers(cluster, client, addresses)
    inner = [address for address in addresses if "ENETUNREACH" in seen[address].values()]
    seen |= answers(cluster, server, inner)
    assert seen == {address: dict.fromkeys(known(fleet, balancer)) for address in addresses}


def test_a_balancer_listens_for_no_datagrams(cluster: Cluster, fleet: Fleet) -> None:
    """By the kernel's own list: from outside a closed port and a silent one look alike."""
    for balancer in fleet.cluster.balancers:
        assert cluster.on(balancer.name, "ss", "-Hlnu") == ""
