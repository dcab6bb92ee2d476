"""Tuple capacity in a real lab: predicted and measured are equal, and where they are not it is said why."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .cluster import BIN, ROOT, Cluster, until

pytestmark = pytest.mark.lab


def products(report: dict[str, Any]) -> list[tuple[str, str, int, int | None]]:
    """Return (path, hop, predicted, measured) of each product."""
    return [
        (verdict["subject"], step["hop"], step["predicted"], step["measured"])
        for verdict in report["verdicts"]
        for step in verdict["evidence"]["steps"]
    ]


def test_predicted_is_measured_twice_in_a_row(cluster: Cluster) -> None:
    """Every hop that is filled holds what was predicted, to the connection, and again right afterwards."""
    first, second = cluster.measure(), cluster.measure()
    assert (first.status, first.faults(), second.status, second.faults()) == (0, "", 0, "")
    assert products(first.report) == products(second.report)
    measured = {(path, hop): held for path, hop, _, held in products(first.report) if held is not None}
    assert {hop for _, hop in measured} == {"client → VIP", "subscriber → NAT → service", "balancer → server"}
    assert {path for path, _ in measured} == {"frontend www", "frontend stream", "NAT nat1", "NAT nat2"}
    assert "ran out of source ports" in first.said
    assert "its log says 'no free ports'" in first.said
    assert "IPv6 beside it" in first.said


def test_a_run_before_leaves_no_port_taken(cluster: Cluster) -> None:
    """`lbcheck run`, and `capacity --measure` at once: what was just asked over leaves every port to be filled."""
    checked, measured = cluster.check("--check", "spread"), cluster.measure()
    assert (checked.status, checked.faults(), measured.status, measured.faults()) == (0, "", 0, "")


def test_a_nat_with_a_port_less_is_found(cluster: Cluster) -> None:
    """nat1 gives out 63 ports instead of 64: a connection less to each endpoint, at each address."""
    rules = ("/etc/nat-gateway.nft", "40000-40063", "40000-40062", ("systemctl", "reload", "nat-gateway"))
    with cluster.edited("nat1", *rules):
        checked = cluster.measure()
    assert checked.status == 1
    assert "198.18.0.41: 256 predicted, 252 held; it ended by silence" in checked.faults("NAT nat1")
    assert checked.verdict("NAT nat2")["outcome"] == "pass"


def test_half_of_a_pool_is_missed(cluster: Cluster) -> None:
    """nat1 translates to one of its two outside addresses: all its subscribers together hold half."""
    rules = ("/etc/nat-gateway.nft", "198.18.0.41-198.18.0.42", "198.18.0.41", ("systemctl", "reload", "nat-gateway"))
    with cluster.edited("nat1", *rules):
        checked = cluster.measure()
    assert checked.status == 1
    assert "198.18.0.42: 256 predicted, 0 held" in checked.faults("NAT nat1")
    assert checked.verdict("NAT nat2")["outcome"] == "pass"


def test_a_frozen_server_holds_nothing(cluster: Cluster) -> None:
    """web2's nginx is stopped by a signal: the kernel there goes on taking connections, and nobody accepts them."""
    with frozen(cluster, "web2"):
        checked = cluster.measure()
    assert checked.status == 1
    assert "1,200 predicted, 800 held" in checked.faults("frontend stream")
    assert "400 more wait in the queue of web2's listener" in checked.faults("frontend stream")


@contextmanager
def frozen(cluster: Cluster, host: str) -> Iterator[None]:
    """Stop a server's processes by SIGSTOP for a while."""
    cluster.on(host, "systemctl", "kill", "--signal=STOP", "nginx")
    try:
        yield
    finally:
        cluster.on(host, "systemctl", "kill", "--signal=CONT", "nginx")
        cluster.settled()


def test_a_dead_server_is_told_from_exhausted_ports(cluster: Cluster) -> None:
    """web2's nginx is stopped: the balancers say DOWN, and that is no lack of ports."""
    with cluster.stopped("web2", "nginx"):
        for balancer in ("lb1", "lb2"):
            until(partial(_is_down, cluster, balancer), f"web2 DOWN at {balancer}")
        checked = cluster.measure()
    assert checked.status == 1
    assert "lb1 says server web2 is DOWN" in checked.faults("frontend stream")
    assert "that is no lack of ports" in checked.faults("frontend stream")
    cluster.settled()


def _is_down(cluster: Cluster, balancer: str) -> bool:
    return cluster.status(balancer, "web2").startswith("DOWN")


def test_an_interrupted_measurement_leaves_nothing(cluster: Cluster) -> None:
    """Ctrl-C while connections are held: exit status 4, and no connection or process of it stays on a client."""

    def held(client: str) -> bool:
        return bool(cluster.on(client, "ss", "-Htn", "state", "established").strip())

    with cluster.checking("--measure", command="capacity") as measuring:
        until(lambda: held("client1"), "connections at client1")
        measuring.interrupt()
        ended = measuring.ended()
    assert ended.status == 4
    for client in ("client1", "client2", "client3"):
        until(lambda at=client: not held(at), f"no connection at {client}")  # type: ignore[misc]
        assert "lbcheck" not in cluster.on(client, "ps", "-eo", "args")


@pytest.mark.slow
def test_growth_is_as_predicted(cluster: Cluster) -> None:
    """Five things are added to the standing lab, one after the other; each gains what was predicted."""
    try:
        cluster.done(str(ROOT / "lab" / "growth"))
        reports = sorted(map(str, Path(ROOT, "build", "growth").glob("*.json")))
        assert len(reports) == 6
        cluster.done(str(BIN / "lbcheck"), "compare", *reports)
    finally:
        cluster.done("python", "-m", "lab", "up", "-i", cluster.inventories[0])
        cluster.converge()
        cluster.settled()
