"""Changes under traffic: what a client sees of servers, VIPs and balancers that come, go, move and restart."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .cluster import ROOT, Cluster
from .test_broken_off import healed, other
from .test_converge import addresses, changes
from .traffic import CLIENTS, traffic

pytestmark = pytest.mark.lab

AT_AN_ADDRESS = 2 * CLIENTS  # the traffic's connections that are open there at any time
BALANCERS = ("--limit", "load_balancers", "--tags")
# The hosts and roles that a change of servers concerns.
SERVERS = ("--limit", "localhost,backends,load_balancers", "--tags", "network,nginx,haproxy")
LAB = ROOT / "inventory" / "lab"


def with_layer(cluster: Cluster, path: Path, variables: dict[str, Any]) -> Cluster:
    """Return the same lab with an inventory more, which overrides what the others say."""
    path.write_text(json.dumps({"all": variables}))
    return Cluster(cluster.instance, (*cluster.inventories, str(path)))


def grow(cluster: Cluster, *arguments: str) -> None:
    """Make of the standing lab what the inventories say, hosts and all (`make change`)."""
    inventories = [word for inventory in cluster.inventories for word in ("-i", inventory)]
    cluster.done("ansible-playbook", *inventories, "ansible/playbooks/grow.yml", *arguments)


@pytest.fixture
def vips(cluster: Cluster) -> list[str]:
    """The address at home on each of two balancers."""
    return [cluster.vip("lb1"), cluster.vip("lb2")]


@pytest.fixture
def other_servers(cluster: Cluster, tmp_path: Path) -> Cluster:
    """An inventory like the lab's, in which web2 is called shop2, web3 is gone, web4 is new, and web1 weighs 3."""
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "group_vars" / "all.yml").write_text((LAB / "group_vars" / "all.yml").read_text())
    hosts = (LAB / "hosts.yml").read_text()
    head, tail = hosts[: hosts.index("        web3:")], hosts[hosts.index("    nat_gateways:") :]
    web4 = f"        web4: {json.dumps({'cluster_addresses': addresses(14)})}\n"
    head = head.replace("web2:", "shop2:").replace("web1:", "web1:\n          cluster_weight: 3")
    (folder / "hosts.yml").write_text(head + web4 + tail)
    return Cluster(cluster.instance, (str(folder),))


def test_servers_come_go_and_change_without_a_loss(cluster: Cluster, other_servers: Cluster, vips: list[str]) -> None:
    """One is renamed, one goes, one comes, one gets another weight, and all of that back: each request is answered."""
    with traffic(cluster, *vips) as seen:
        try:
            grow(other_servers, *SERVERS)
            other_servers.settled()
            rows = other_servers.rows("lb1")
        finally:
            grow(cluster, *SERVERS)
            cluster.settled()
    assert seen.lost() == []
    assert seen.servers() == {"web1", "web2", "web3", "shop2", "web4"}
    assert (rows["web1"]["weight"], "web2" in rows, "web3" in rows) == ("3", False, False)


def test_a_restart_of_haproxy_costs_the_connections_open_on_it(cluster: Cluster, vips: list[str]) -> None:
    """Another process answers meanwhile, and no new connection is refused; the other balancer loses nothing."""
    of_lb1 = ("--limit", "lb1", "--tags", "haproxy")
    with healed(cluster, *of_lb1):
        began = cluster.on("lb1", "systemctl", "show", "--property=ActiveEnterTimestamp", "haproxy")
        with traffic(cluster, *vips) as seen:
            cluster.converge(*of_lb1, *other({"haproxy_hardening": False}))
        assert cluster.on("lb1", "systemctl", "show", "--property=ActiveEnterTimestamp", "haproxy") != began
    assert len(seen.lost(vips[0])) <= AT_AN_ADDRESS, seen.lost()
    assert seen.lost(vips[1]) == []
    assert seen.longest_s() < 1


@pytest.mark.slow
def test_a_balancer_that_fails_ends_the_play_before_the_next(cluster: Cluster, vips: list[str]) -> None:
    """A configuration that no balancer can run reaches the first alone; the next keeps its file, and loses nothing."""
    frontend = {"name": "www", "binds": ["203.0.113.99:80"], "backend": "web"}
    with healed(cluster, *BALANCERS, "haproxy"):
        written = cluster.on("lb2", "cat", "/etc/haproxy/haproxy.cfg")
        with traffic(cluster, *vips) as seen:
            ran = cluster.playbook(*BALANCERS, "haproxy", *other({"haproxy_frontends": [frontend]}))
        assert changes(ran.stdout)["lb1"][1] == 1
        assert changes(ran.stdout)["lb2"] == (0, 0)
        assert cluster.on("lb2", "cat", "/etc/haproxy/haproxy.cfg") == written
    assert seen.lost(vips[1]) == []


@contextmanager
def home(cluster: Cluster) -> Iterator[None]:
    """Afterwards every VIP is where the inventory says."""
    with healed(cluster, *BALANCERS, "keepalived"):
        yield


@pytest.mark.slow
def test_a_vip_that_gets_another_home_is_handed_over(cluster: Cluster, tmp_path: Path, vips: list[str]) -> None:
    """Two balancers exchange theirs: connections open on each are lost, once; new ones are answered throughout."""
    swapped = {
        "lb1": {"cluster_vips": [vips[1], "2001:2::102"]},
        "lb2": {"cluster_vips": [vips[0], "2001:2::101"]},
    }
    exchanged = with_layer(cluster, tmp_path / "exchanged.json", {"hosts": swapped})
    with home(cluster), traffic(cluster, *vips) as seen:
        exchanged.converge(*BALANCERS, "keepalived")
        exchanged.settled()
    for vip in vips:
        assert len(seen.lost(vip)) <= AT_AN_ADDRESS, seen.lost()
    assert seen.longest_s() < 1


@pytest.mark.slow
def test_a_vip_comes_before_dns_gives_it_and_goes_after(cluster: Cluster, tmp_path: Path) -> None:
    """Whoever follows DNS loses nothing: coming takes one converge; going takes two, with the TTL between them."""
    more = {"lb1": {"cluster_vips": ["198.18.0.101", "2001:2::101", "198.18.0.109"]}}
    larger = with_layer(cluster, tmp_path / "more.json", {"hosts": more})
    published = ("dig", "+short", "@198.18.0.53", "www.lab.test", "A")
    with home(cluster), traffic(cluster, "www.lab.test", keep=False) as seen:
        larger.converge("--tags", "keepalived,nsd")
        assert "198.18.0.109" in cluster.on("dns1", *published)
        assert larger.holds("lb1", "198.18.0.109")
        time.sleep(6)  # it is given, and asked
        cluster.converge("--tags", "nsd")
        assert "198.18.0.109" not in cluster.on("dns1", *published)
        time.sleep(6)  # its TTL is 5 s (cluster_ttl_s)
        cluster.converge(*BALANCERS, "keepalived")
        assert not cluster.holds("lb1", "198.18.0.109")
    assert seen.lost() == []
    assert seen.longest_s() < 1
