"""Services under the rules of role hardening, told to read their configuration again."""

import pytest

from .cluster import Cluster

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("service", ["haproxy", "keepalived"])
def test_a_confined_service_reloads(cluster: Cluster, service: str) -> None:
    """A reload, which signals another user's processes and binds sockets again, succeeds, and leaves it running."""
    assert cluster.try_on("lb1", "systemctl", "reload", service) == 0
    cluster.settled()
    assert cluster.on("lb1", "systemctl", "is-active", service).strip() == "active"


def test_each_change_of_state_is_notified(cluster: Cluster) -> None:
    """The command of keepalived_notify ran, with keepalived's words, when a balancer's own addresses came."""
    assert f"INSTANCE {cluster.vip('lb1')} MASTER 254" in cluster.on(
        "lb1", "journalctl", "--no-pager", "-t", "keepalived-notify"
    )
