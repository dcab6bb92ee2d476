"""Services under the rules of role hardening, told to read their configuration again."""

import subprocess

import pytest

from .cluster import ROOT, Cluster

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


_KEEP = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
for _ in range(2):
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    print(answer.status, answer.will_close, flush=True)
    sys.stdin.readline()
"""


def test_a_connection_that_is_kept_is_answered_once_more(cluster: Cluster) -> None:
    """A reload closes no connection on which a request may be on its way: the next answer says that it is the last."""
    words = cluster.words_on("client1", "python3", "-c", _KEEP, cluster.vip("lb1"))
    with subprocess.Popen(
        words, env=cluster.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdin is not None
        assert asking.stdout.readline() == "200 False\n"
        cluster.on("lb1", "systemctl", "reload", "haproxy")
        cluster.settled()
        output, _ = asking.communicate("\n\n")
    assert output == "200 True\n"
