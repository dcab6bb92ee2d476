"""Failover, measured where it counts: every client watches every VIP while something of lb1 fails."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from .cluster import Checked, Cluster, until
from .machines import Machines
from .table import add

pytestmark = pytest.mark.lab

WITHIN_S = 3.0  # what the roles' defaults promise
# An emulated machine runs a tenth as fast as its host: timers keep, but a process waits for its turn, twice on the way.
EMULATED_WITHIN_S = 6.0
# At the usual pace, 240 connections a second, twelve emulated machines did nothing but answer the watch: gaps of 35 s.
GENTLY = ("--timeout", "0.9", "--rate", "16")
ASK = """
import http.client, sys, time
for address in sys.argv[1:]:
    connection = http.client.HTTPConnection(address, 80, timeout=1)
    try:
        connection.request("GET", "/")
        print(connection.getresponse().getheader("x-balancer"))
    except OSError:
        time.sleep(1)  # a SYN that nobody answers holds a mapping of a NAT for minutes: not many of them
        break
"""
Words = Callable[[Cluster], Sequence[str]]


def on_lb1(*words: str) -> Words:
    """Return what gives the command that runs this one on lb1."""
    return lambda cluster: cluster.words_on("lb1", *words)


# The interface that carries the VIP; its name differs between machines.
DOWN = 'ip link set "$(ip -o address show to "$0" | awk "{ print \\$2 }")" down'
# Added IPv6 addresses and routes go with a link that goes down.
UP = 'for link in /sys/class/net/*; do ip link set "${link##*/}" up; done; systemctl restart network-extras'
WIRE = "a machine's wire is Vagrant's provider's: its interface goes down instead"


@dataclass(frozen=True)
class Fault:
    """What fails, how, and what puts it right again."""

    name: str
    command: Words
    heal: Callable[[Cluster], object]
    moves: bool = True  # the VIP, to lb2
    only_lab: str = ""  # why it can be had in the one-machine lab alone
    before: Callable[[Cluster], object] = lambda _: None  # what has to have happened before
    slow: bool = False  # CI leaves it out: another fault is much like it


def _cut_off(cluster: Cluster, host: str) -> None:
    """Cut a host off, and wait until another one holds its VIP, too: it goes on holding it itself."""
    subprocess.run(cluster.cut(host), check=True)
    until(lambda: cluster.holds("lb2", cluster.vip(host)), f"lb2 stands in for {host}")


def _start(service: str) -> Callable[[Cluster], object]:
    return lambda cluster: cluster.on("lb1", "sh", "-c", f"systemctl reset-failed {service}; systemctl start {service}")


FAULTS = (
    Fault("HAProxy stopped", on_lb1("systemctl", "stop", "haproxy"), _start("haproxy")),
    Fault(
        "HAProxy killed, systemd starts it again",
        on_lb1("systemctl", "kill", "--signal=KILL", "haproxy"),
        lambda _: None,
        moves=False,
        slow=True,
    ),
    Fault("keepalived stopped", on_lb1("systemctl", "stop", "keepalived"), _start("keepalived"), slow=True),
    Fault(
        "keepalived killed, systemd starts it again",
        on_lb1("systemctl", "kill", "--signal=KILL", "keepalived"),
        lambda _: None,
    ),
    Fault(
        "link of lb1 cut beyond it",
        lambda cluster: cluster.cut("lb1"),
        lambda cluster: subprocess.run(cluster.join("lb1"), check=True),
        only_lab=WIRE,
    ),
    Fault(
        "and joined again: both hold its VIPs",
        lambda cluster: cluster.join("lb1"),
        lambda _: None,
        before=lambda cluster: _cut_off(cluster, "lb1"),
        moves=False,
        only_lab=WIRE,
        slow=True,
    ),
    Fault(
        "interface of lb1 down",
        lambda cluster: cluster.words_on("lb1", "sh", "-c", DOWN, cluster.vip("lb1")),
        lambda cluster: cluster.on("lb1", "sh", "-c", UP),
        slow=True,
    ),
    Fault(
        "host lb1 halted",
        lambda cluster: cluster.halt("lb1"),
        lambda cluster: cluster.revive("lb1"),
    ),
)


@pytest.fixture(autouse=True)
def _pair(cluster: Cluster) -> Iterator[None]:
    """Before and after each test two balancers hold what is theirs."""
    if len(cluster.topology.balancers) < 2:
        pytest.skip("one balancer: there is nobody to fail over to")
    yield
    cluster.settled()
    for balancer in cluster.topology.balancers:
        for address in balancer.addresses:
            until(partial(cluster.holds, balancer.name, address), f"{address} at {balancer.name}")
    # Holding an address is not enough: clients, and the gateways before them, must have heard whose it is.
    for client in cluster.topology.clients:
        until(partial(_answered_from_home, cluster, client.name), f"every VIP answers {client.name} from home")


def _answered_from_home(cluster: Cluster, client: str) -> bool:
    """Return whether each VIP's own balancer answers a client."""
    addresses = [vip.address for vip in cluster.topology.vips]
    entrance = cluster.entrance(client, ("python3", "-c", ASK, *addresses))
    return cluster.command(*entrance).stdout.split() == [vip.home for vip in cluster.topology.vips]


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, marks=pytest.mark.slow) if fault.slow else fault for fault in FAULTS],
    ids=[fault.name.replace(" ", "-") for fault in FAULTS],
)
def test_clients_are_without_an_answer_for_3_s_at_most(
    cluster: Cluster, fault: Fault, request: pytest.FixtureRequest
) -> None:
    """Whatever of lb1 fails, its VIPs answer again within 3 s, and lb2's never stop; healed, all is as before."""
    emulated = isinstance(cluster, Machines)
    if emulated and fault.only_lab:
        pytest.skip(fault.only_lab)
    within_s, lead_s = (EMULATED_WITHIN_S, 30.0) if emulated else (WITHIN_S, 4.0)
    arguments = ("--for", f"{within_s + 3:g}", "--within", f"{within_s:g}", *(GENTLY if emulated else ()))
    try:
        fault.before(cluster)
        checked = cluster.watch(*fault.command(cluster), lead_s=lead_s, arguments=arguments)
    finally:
        fault.heal(cluster)
    gaps = _gaps(cluster, checked)
    add(request.config, fault.name, gaps["lb1"], gaps["lb2"])
    assert checked.status == 0, checked.faults()
    if fault.moves:
        assert all("lb2" in seen["balancers"] for seen in _seen(cluster, checked, "lb1"))


def _seen(cluster: Cluster, checked: Checked, home: str) -> list[dict[str, Any]]:
    """Return what clients saw of a balancer's VIPs."""
    vips = {vip.address for vip in cluster.topology.vips if vip.home == home}
    return [v["evidence"] for v in checked.report["verdicts"] if v["evidence"].get("address") in vips]


def _gaps(cluster: Cluster, checked: Checked) -> dict[str, list[float]]:
    """Return the longest gap of each client and VIP, by the VIP's home."""
    homes = [balancer.name for balancer in cluster.topology.balancers]
    return {home: [seen["gap_s"] for seen in _seen(cluster, checked, home)] for home in homes}
