"""Roles haproxy and keepalived: who balances, and where the VIPs are."""

import pytest
from testinfra.host import Host

from .cluster import Cluster

pytestmark = pytest.mark.lab


def test_haproxy_runs_now_and_at_each_boot(load_balancer: Host) -> None:
    """HAProxy is running, enabled, and listens in both families."""
    assert load_balancer.service("haproxy").is_running
    assert load_balancer.service("haproxy").is_enabled
    assert load_balancer.socket("tcp://0.0.0.0:80").is_listening
    assert load_balancer.socket("tcp://:::80").is_listening
    assert load_balancer.socket("tcp://0.0.0.0:9000").is_listening


def test_the_ephemeral_ports_are_the_inventorys(load_balancer: Host) -> None:
    """The range that the model reads is the range that the kernel has."""
    assert load_balancer.check_output("cat /proc/sys/net/ipv4/ip_local_port_range").split() == ["40000", "40199"]


def test_the_configuration_is_what_haproxy_accepts(load_balancer: Host) -> None:
    """What was installed passes HAProxy's own check without a warning."""
    checked = load_balancer.run("haproxy -c -f /etc/haproxy/haproxy.cfg")
    assert checked.succeeded
    assert "WARNING" not in checked.stderr


def test_statistics_are_for_readers_and_orders_for_root(load_balancer: Host) -> None:
    """The statistics socket is of level user; the admin socket is root's."""
    assert load_balancer.file("/run/haproxy/stats.sock").group == "haproxy"
    assert load_balancer.file("/run/haproxy/admin.sock").mode == 0o600


def test_each_vip_is_at_home_on_exactly_one_balancer(cluster: Cluster) -> None:
    """Two balancers, active both: each holds its own VIPs and not the other's."""
    for vip in cluster.topology.vips:
        holders = [lb.name for lb in cluster.topology.balancers if cluster.holds(lb.name, vip.address)]
        assert holders == [vip.home]


def test_keepalived_has_the_rights_that_it_needs(load_balancer: Host) -> None:
    """Keepalived runs, and its journal has no complaint about rights or scripts."""
    assert load_balancer.service("keepalived").is_running
    assert load_balancer.service("keepalived").is_enabled
    journal = load_balancer.check_output("journalctl --no-pager -u keepalived")
    for complaint in ("not permitted", "Permission denied", "SECURITY VIOLATION", "Unknown keyword"):
        assert complaint not in journal
