"""Role keepalived: where the VIPs are."""

import pytest

from lbcheck.testing.fleet import Fleet, HostView, runs


def test_keepalived_runs_now_and_at_each_boot(load_balancer: HostView, fleet: Fleet) -> None:
    """Keepalived is running, and enabled."""
    if not fleet.cluster.vips:
        pytest.skip("the inventory has no cluster_vips")
    runs(load_balancer, "keepalived")


def test_keepalived_has_the_rights_that_it_needs(load_balancer: HostView) -> None:
    """Its journal since it was started has no complaint about rights, scripts or its configuration."""
    journal = load_balancer.host.check_output("journalctl --no-pager --boot -u keepalived")
    for complaint in ("not permitted", "Permission denied", "SECURITY VIOLATION", "Unknown keyword"):
        assert complaint not in journal


def test_each_vip_is_at_home_on_exactly_one_balancer(fleet: Fleet) -> None:
    """Each balancer holds its own VIPs and nobody else's."""
    balancers = [fleet.seen(balancer.name) for balancer in fleet.cluster.balancers]
    held = {lb.name: lb.host.check_output("ip -oneline address show") for lb in balancers}
    for vip in fleet.cluster.vips:
        assert [name for name, addresses in held.items() if f" {vip.address}/" in addresses] == [vip.home]
