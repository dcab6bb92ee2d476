"""Failover, measured where it counts: every client watches every VIP while something of lb1 fails."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from .cluster import Checked, Cluster
from .machines import Machines
from .table import add

pytestmark = pytest.mark.lab

WITHIN_S = 3.0  # what the roles' defaults promise
# An emulated machine runs a tenth as fast as its host: timers keep, but a process waits for its turn, twice on the way.
EMULATED_WITHIN_S = 6.0
Words = Callable[[Cluster], Sequence[str]]


def on_lb1(*words: str) -> Words:
    """Return what gives the command that runs this one on lb1."""
    return lambda cluster: cluster.words_on("lb1", *words)


# The interface that carries the VIP; its name differs between machines.
DOWN = 'ip link set "$(ip -o address show to "$0" | awk "{ print \\$2 }")" down'
# Added IPv6 addresses and routes go with a link that goes down.
UP = 'for link in /sys/class/net/*; do ip link set "${link##*/}" up; done; systemctl restart network-extras'


@dataclass(frozen=True)
class Fault:
    """What fails, how, and what puts it right again."""

    name: str
    command: Words
    heal: Callable[[Cluster], object]
    moves: bool = True  # the VIP, to lb2
    only_lab: str = ""  # why it can be had in the one-machine lab alone
    arguments: Sequence[str] = field(default=())


def _start(service: str) -> Callable[[Cluster], object]:
    return lambda cluster: cluster.on("lb1", "sh", "-c", f"systemctl reset-failed {service}; systemctl start {service}")


FAULTS = (
    Fault("HAProxy stopped", on_lb1("systemctl", "stop", "haproxy"), _start("haproxy")),
    Fault(
        "HAProxy killed, systemd starts it again",
        on_lb1("systemctl", "kill", "--signal=KILL", "haproxy"),
        lambda _: None,
        moves=False,
    ),
    Fault("keepalived stopped", on_lb1("systemctl", "stop", "keepalived"), _start("keepalived")),
    Fault("keepalived killed", on_lb1("systemctl", "kill", "--signal=KILL", "keepalived"), _start("keepalived")),
    Fault(
        "link of lb1 cut beyond it",
        lambda cluster: cluster.cut("lb1"),
        lambda cluster: cluster.join("lb1"),
        only_lab="a machine's wire is Vagrant's provider's: its interface goes down instead",
    ),
    Fault(
        "interface of lb1 down",
        lambda cluster: cluster.words_on("lb1", "sh", "-c", DOWN, cluster.vip("lb1")),
        lambda cluster: cluster.on("lb1", "sh", "-c", UP),
    ),
    Fault(
        "host lb1 halted",
        lambda cluster: cluster.halt("lb1"),
        lambda cluster: cluster.revive("lb1"),
        only_lab="Vagrant would have to start the machine again, which takes minutes",
    ),
)


@pytest.fixture(autouse=True)
def _pair(cluster: Cluster) -> Iterator[None]:
    """Before and after each test two balancers hold what is theirs."""
    if len(cluster.topology.balancers) < 2:
        pytest.skip("one balancer: there is nobody to fail over to")
    yield
    cluster.settled()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_clients_are_without_an_answer_for_3_s_at_most(
    cluster: Cluster, fault: Fault, request: pytest.FixtureRequest
) -> None:
    """Whatever of lb1 fails, its VIPs answer again within 3 s, and lb2's never stop; healed, all is as before."""
    emulated = isinstance(cluster, Machines)
    if emulated and fault.only_lab:
        pytest.skip(fault.only_lab)
    within_s = EMULATED_WITHIN_S if emulated else WITHIN_S
    arguments = ("--for", f"{within_s + 3:g}", "--within", f"{within_s:g}", *(("--timeout", "0.9") if emulated else ()))
    checked = None
    try:
        checked = cluster.watch(*fault.command(cluster), lead_s=30 if emulated else 4, arguments=arguments)
    finally:
        fault.heal(cluster)
    gaps = _gaps(cluster, checked)
    add(request.config, fault.name, gaps["lb1"], gaps["lb2"])
    assert checked.status == 0, checked.faults()
    if fault.moves:
        assert _answers_after(cluster, checked) == {"lb2"}


def _seen(cluster: Cluster, checked: Checked, home: str) -> list[dict[str, Any]]:
    """Return what clients saw of a balancer's VIPs."""
    vips = {vip.address for vip in cluster.topology.vips if vip.home == home}
    return [v["evidence"] for v in checked.report["verdicts"] if v["evidence"].get("address") in vips]


def _gaps(cluster: Cluster, checked: Checked) -> dict[str, list[float]]:
    """Return the longest gap of each client and VIP, by the VIP's home."""
    homes = [balancer.name for balancer in cluster.topology.balancers]
    return {home: [seen["gap_s"] for seen in _seen(cluster, checked, home)] for home in homes}


def _answers_after(cluster: Cluster, checked: Checked) -> set[str]:
    """Return who answered last for lb1's VIPs."""
    after = set()
    for seen in _seen(cluster, checked, "lb1"):
        names = [name for name in seen["balancers"] if name != "lb1"]
        after |= set(names) or {"lb1"}
    return after
