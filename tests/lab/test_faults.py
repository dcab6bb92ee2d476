"""Faults planted in a real lab: each is called by its name, and nothing is cried where nothing is wrong."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from .cluster import ROOT, Cluster, until

pytestmark = pytest.mark.lab

SPREAD, DNS = ("--check", "spread"), ("--check", "dns")
RELOAD_NGINX = ("systemctl", "reload", "nginx")
RESTART_NSD = ("systemctl", "restart", "nsd")


@pytest.fixture(autouse=True)
def _healed(cluster: Cluster) -> Iterator[None]:
    """After each test the lab is as it was."""
    yield
    cluster.settled()


@pytest.mark.parametrize("run", [0, 1, 2, *(pytest.param(run, marks=pytest.mark.slow) for run in range(3, 10))])
def test_nothing_is_wrong_with_a_healthy_lab(cluster: Cluster, run: int) -> None:
    """With nothing planted every run passes."""
    checked = cluster.check()
    assert (checked.status, checked.faults()) == (0, "")


def test_a_stopped_backend_is_named(cluster: Cluster) -> None:
    """web1's nginx is stopped: both balancers say it is down, and its share is missing."""
    with cluster.stopped("web1", "nginx"):
        for balancer in ("lb1", "lb2"):
            until(lambda at=balancer: cluster.status(at, "web1").startswith("DOWN"), "web1 DOWN")  # type: ignore[misc]
        checked = cluster.check(*SPREAD)
    assert checked.status == 1
    assert "nginx on web1 is not running" in checked.faults("backend web")
    for balancer in ("lb1", "lb2"):
        assert f"{balancer} says server web1 is DOWN" in checked.faults(f"backend web at {balancer}")
        assert "server web1 answered 0 of 1,000 requests" in checked.faults(f"backend web at {balancer}")


def test_a_backend_in_drain_is_named(cluster: Cluster) -> None:
    """web2 is drained at lb1: lb1 fails and says so, lb2 passes."""
    cluster.haproxy("lb1", "set server web/web2 state drain")
    try:
        checked = cluster.check(*SPREAD)
    finally:
        cluster.haproxy("lb1", "set server web/web2 state ready")
    assert checked.status == 1
    assert "lb1 says server web2 is in drain" in checked.faults("backend web at lb1")
    assert (checked.verdict("backend web at lb2")["outcome"], checked.faults("backend web at lb2")) == ("pass", "")


def test_a_stopped_balancer_is_named_and_the_other_passes(cluster: Cluster) -> None:
    """HAProxy is stopped on lb1: the VIPs move, lb2's spread passes, the run fails naming lb1."""
    with cluster.stopped("lb1", "haproxy"):
        for vip in (vip for vip in cluster.topology.vips if vip.home == "lb1"):
            until(partial(cluster.holds, "lb2", vip.address), f"{vip.address} at lb2")
        checked = cluster.check(*SPREAD)
    assert checked.status == 1
    assert "HAProxy on lb1 is not running" in checked.faults("backend web at lb1")
    assert "lb2 answered instead" in checked.faults("backend web at lb1")
    assert (checked.verdict("backend web at lb2")["outcome"], checked.faults("backend web at lb2")) == ("pass", "")


def test_a_wrong_weight_on_one_balancer_is_named(cluster: Cluster) -> None:
    """lb2 gives web3 weight 1 instead of 2: lb2 fails, in numbers, and lb1 passes."""
    cluster.haproxy("lb2", "set server web/web3 weight 1")
    try:
        checked = cluster.check(*SPREAD)
    finally:
        cluster.haproxy("lb2", "set server web/web3 weight 2")
    assert checked.status == 1
    assert "lb2 gives server web3 weight 1; 2 is expected" in checked.faults("backend web at lb2")
    assert "server web3 answered 333 of 1,000" in checked.faults("backend web at lb2")
    assert (checked.verdict("backend web at lb1")["outcome"], checked.faults("backend web at lb1")) == ("pass", "")


def test_rotation_switched_off_is_named(cluster: Cluster) -> None:
    """NSD without round-robin: its own layer fails, whatever the resolver makes of it."""
    with cluster.edited("dns1", "/etc/nsd/nsd.conf.d/cluster.conf", "round-robin: yes", "round-robin: no", RESTART_NSD):
        checked = cluster.check(*DNS)
    assert checked.status == 1
    assert f"no rotation: {cluster.vip('lb1')} came first in all" in checked.faults(
        "www.lab.test A, authoritative dns1"
    )
    assert checked.verdict("www.lab.test A, getaddrinfo on client1")["outcome"] == "pass"


def test_a_vip_missing_from_dns_is_named(cluster: Cluster) -> None:
    """lb2's VIP is taken out of the zone: the address and its owner are named, at each layer."""
    vip, (zone, _) = cluster.vip("lb2"), _zone(cluster)
    record = next(line for line in cluster.on("dns1", "cat", zone).splitlines() if line.endswith(f" {vip}"))
    with cluster.edited("dns1", zone, record + "\n", "", RESTART_NSD):
        # The resolver gives what it holds until the records' time is over.
        until(lambda: vip not in cluster.on("client1", "getent", "ahostsv4", "www.lab.test"), "its TTL")
        checked = cluster.check(*DNS)
    assert checked.status == 1
    for layer in ("authoritative dns1", "resolver dns2", "getaddrinfo on client1"):
        assert f"{vip} (VIP of lb2) is missing from the answer" in checked.faults(f"www.lab.test A, {layer}")
    until(lambda: vip in cluster.on("client1", "getent", "ahostsv4", "www.lab.test"), "its TTL")


def test_a_backend_with_anothers_name_is_named(cluster: Cluster) -> None:
    """web2 answers as web1: HAProxy's count and web2's own log convict it."""
    with cluster.edited("web2", "/etc/nginx/nginx.conf", "web2", "web1", RELOAD_NGINX):
        checked = cluster.check(*SPREAD)
    assert checked.status == 1
    assert "server web2 logged 500 requests of this run, and 0 answers name it: its answers carry the name of web1" in (
        checked.faults("backend web")
    )


def test_a_stopped_nsd_is_named(cluster: Cluster) -> None:
    """NSD is stopped: dns1 refuses, and says so in the report."""
    with cluster.stopped("dns1", "nsd"):
        checked = cluster.check(*DNS)
    assert checked.status == 1
    assert f"{cluster.address('dns1')}:53 refuses" in checked.faults("www.lab.test A, authoritative dns1")
    until(lambda: cluster.try_on("client1", "getent", "ahostsv4", "www.lab.test") == 0, "www.lab.test resolves again")


def test_vips_that_rule_9_pins_are_named(cluster: Cluster, tmp_path: Path) -> None:
    """Two VIPs that share unequally many bits with client1's address: getaddrinfo undoes the rotation, by rule 9."""
    pinned = {"lb1": "198.18.0.128", "lb2": "198.18.0.192"}
    balancers = {name: {"cluster_vips": [address]} for name, address in pinned.items()}
    names = [{"name": "pinned.lab.test", "gives": "vips"}]
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps({"cluster_names": names, "cluster_frontends": []}))
    hosts = {"all": {"children": {"load_balancers": {"hosts": balancers}}}}
    (tmp_path / "hosts.json").write_text(json.dumps(hosts))
    zone, last = _zone(cluster)
    records = "\n".join([last, *(f"pinned.lab.test. 5 IN A {address}" for address in pinned.values())])
    route = ("ip", "route", "replace", "198.18.0.0/24", "dev", "public", "src")
    with cluster.edited("dns1", zone, last, records, RESTART_NSD):
        cluster.on("client1", "ip", "address", "add", "198.18.0.201/24", "dev", "public")
        cluster.on("client1", *route, "198.18.0.201")
        try:
            checked = cluster.check(*DNS, inventories=[str(tmp_path / "hosts.json")])
        finally:
            cluster.on("client1", *route, cluster.address("client1"))
            cluster.on("client1", "ip", "address", "delete", "198.18.0.201/24", "dev", "public")
    assert checked.status == 1
    faults = checked.faults("pinned.lab.test A, getaddrinfo on client1")
    assert "RFC 6724, rule 9: 198.18.0.192 shares 28 leading bits with the source 198.18.0.201/24" in faults
    assert checked.verdict("pinned.lab.test A, getaddrinfo on client2")["outcome"] == "pass"
    assert checked.faults().count("\n") == 0


def _zone(cluster: Cluster) -> tuple[str, str]:
    """Return the zone's file on dns1, and its last line."""
    file = cluster.on("dns1", "grep", "-rl", cluster.vip("lb2"), "/etc/nsd").split()[0]
    return file, cluster.on("dns1", "cat", file).splitlines()[-1]


def test_a_reload_during_the_run_is_inconclusive(cluster: Cluster) -> None:
    """HAProxy on lb1 is reloaded between the two readings: its counters began again, and nothing is concluded."""
    asked = cluster.requests("lb1")
    with cluster.checking(*SPREAD, "--requests", "2000", "--rate", "500") as run:
        until(lambda: cluster.requests("lb1") > asked, "the probe's first requests at lb1")
        cluster.on("lb1", "systemctl", "reload", "haproxy")
        checked = run.ended()
    assert checked.status == 3
    assert "HAProxy on lb1 was reloaded" in checked.faults("backend web at lb1")
    assert (checked.verdict("backend web at lb2")["outcome"], checked.faults("backend web at lb2")) == ("pass", "")


def test_an_interrupted_run_leaves_nothing_behind(cluster: Cluster) -> None:
    """Ctrl-C while clients send: the report says so, and no program of ours runs or lies on any host."""
    with cluster.checking("--requests", "5000", "--rate", "200") as run:
        until(lambda: cluster.try_on("client1", "pgrep", "-f", "/tmp/lbcheck-") == 0, "the probe on client1")
        run.interrupt()
        checked = run.ended()
    assert checked.status == 4
    assert checked.verdict("the whole run")["outcome"] == "unmeasured"
    assert "Traceback" not in checked.said
    ours = ("find", "/tmp", "-maxdepth", "1", "-name", "lbcheck*", "-o", "-name", "ansible*")
    for host in cluster.hosts:
        until(lambda at=host: cluster.try_on(at, "pgrep", "-f", "/tmp/lbcheck-") == 1, f"{host} quiet")  # type: ignore[misc]
        until(lambda at=host: cluster.on(at, *ours) == "", f"{host}'s /tmp as it was")  # type: ignore[misc]


def test_a_host_that_cannot_be_reached_is_named(cluster: Cluster) -> None:
    """A client that is not there could not be asked from: unmeasured, by its name, and the rest is judged."""
    inventory = str(ROOT / "tests" / "lab" / "ghost.json")
    checked = cluster.check(*SPREAD, inventories=[inventory])
    assert checked.status == 4
    assert "ghost1: host ghost1 is not running" in checked.faults("backend web")
    assert (checked.verdict("backend web at lb1")["outcome"], checked.faults("backend web at lb1")) == ("pass", "")
