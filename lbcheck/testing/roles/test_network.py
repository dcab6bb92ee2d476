"""Role network: every address of the inventory is where it belongs."""

import ipaddress

import pytest

from lbcheck.testing.fleet import Fleet, HostView


def test_a_host_has_every_address_that_the_inventory_gives_it(any_host: HostView, fleet: Fleet) -> None:
    """Those that its substrate gave it, and those that the role added."""
    given = set(fleet.reader.addresses(any_host.name))
    if not given:
        pytest.skip("the inventory gives this host no address")
    held = any_host.host.check_output("ip -oneline address show")
    assert given <= {str(ipaddress.ip_interface(line.split()[3]).ip) for line in held.splitlines()}
    assert "tentative" not in held


def test_what_was_added_comes_back_at_each_boot(any_host: HostView) -> None:
    """The unit that adds addresses and routes is enabled."""
    assert any_host.host.service("network-extras").is_enabled


def test_a_lab_has_no_way_out(any_host: HostView, fleet: Fleet) -> None:
    """Where there is a default route, it leads to a host of the lab."""
    if not fleet.question.lab:
        pytest.skip("no lab")
    known = {address for host in fleet.hosts("all") for address in fleet.reader.addresses(host)}
    for line in any_host.host.check_output("ip -4 route show default").splitlines():
        assert line.split()[2] in known
