"""The roles' own tests, as a user runs them on a fleet: `pytest --pyargs lbcheck.testing`."""

import subprocess

import pytest

from .cluster import Cluster

pytestmark = pytest.mark.lab


def checked(cluster: Cluster, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the roles' tests on the standing lab."""
    quietly = ("-q", "-p", "no:cacheprovider")
    inventories = [word for inventory in cluster.inventories for word in ("--lbcheck-inventory", inventory)]
    return cluster.command("python", "-m", "pytest", *quietly, "--pyargs", "lbcheck.testing", *inventories, *arguments)


def test_every_role_has_done_its_part(cluster: Cluster) -> None:
    """Services, sockets, configurations, kernel settings, VIPs, rules: on each host, nothing passed over."""
    ran = checked(cluster)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "skipped" not in ran.stdout


def test_a_fault_is_found_where_it_is(cluster: Cluster) -> None:
    """Nginx is stopped on one of three servers: the tests of nginx on that one fail, and no other."""
    with cluster.stopped("web2", "nginx"):
        ran = checked(cluster, "--hosts=web1,web2,dns1")
    cluster.settled()
    assert ran.returncode == 1
    assert "nginx on web2 is not running" in ran.stdout
    failed = [line for line in ran.stdout.splitlines() if line.startswith("FAILED")]
    assert all("nginx" in line and "web2" in line for line in failed)
