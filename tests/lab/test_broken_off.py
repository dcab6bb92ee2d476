"""Green is true: a converge that was killed is made good by the next, and what a host cannot run is a failure."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from .cluster import ROOT, Cluster
from .test_converge import changes

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Case:
    """A file: what makes it another one, the task that writes it, and how a host tells that it runs that one."""

    host: str
    tag: str
    task: str
    variables: dict[str, Any]
    look: str  # a command in the host
    said: str  # what its output has then, and not before


VIPS = ["198.18.0.101", "2001:2::101", "198.18.0.109"]  # lb1's, and one more
CASES = {
    "haproxy.cfg": Case(
        "lb1",
        "haproxy",
        "Write the configuration",
        {"haproxy_maxconn": 7999},
        "echo show info | python3 -c 'import socket, sys; s = socket.socket(1); s.connect(sys.argv[1]);"
        " s.sendall(sys.stdin.buffer.read()); print(s.recv(65536).decode())' /run/haproxy/admin.sock",
        "\nMaxconn: 7999\n",
    ),
    "haproxy's drop-in": Case(
        "lb1",
        "haproxy",
        "Write the drop-in",
        {"haproxy_hardening": False},
        "cat /proc/$(systemctl show --value --property=MainPID haproxy)/status",
        "NoNewPrivs:\t0\n",
    ),
    "haproxy's ephemeral ports": Case(
        "lb1",
        "haproxy",
        "Write the kernel's settings",
        {"haproxy_ephemeral_ports": "40000-40198"},
        "cat /proc/sys/net/ipv4/ip_local_port_range",
        "40198",
    ),
    "keepalived.conf": Case(
        "lb1",
        "keepalived",
        "Write the configuration",
        {"keepalived_instances": [{"name": "lb1", "router_id": 1, "priority": 254, "owner": True, "addresses": VIPS}]},
        "ip -oneline address show",
        "198.18.0.109/",
    ),
    "nginx.conf": Case(
        "web1",
        "nginx",
        "Write the configuration",
        {"nginx_identity": "another"},
        "curl --silent http://127.0.0.1:8081/",
        '"server": "another"',
    ),
    "the zone": Case(
        "dns1",
        "nsd",
        "Write the zones",
        {"cluster_ttl_s": 7},
        "dig +noall +answer @198.18.0.53 www.lab.test A",
        "\t7\tIN\tA",
    ),
    "NSD's configuration": Case(
        "dns1", "nsd", "Write the configuration", {"nsd_addresses": ["127.0.0.1"]}, "ss -Hlnu", "127.0.0.1:53"
    ),
    "Unbound's configuration": Case(
        "dns2", "unbound", "Write the configuration", {"unbound_addresses": ["127.0.0.2"]}, "ss -Hlnu", "127.0.0.2:53"
    ),
    "further addresses": Case(
        "client1",
        "network",
        "Write the script that adds addresses and routes",
        {
            "network_addresses": [
                {"address": one, "beside": "198.18.0.31"} for one in ("2001:2::31/64", "198.18.0.39/32")
            ]
        },
        "ip -oneline address show",
        "198.18.0.39/32",
    ),
    "the NAT's rules": Case(
        "nat1",
        "nat_gateway",
        "Write the rules",
        {"nat_gateway_ports": "40000-40062"},
        "nft list ruleset",
        "40000-40062",
    ),
    "the NAT's settings": Case(
        "nat1",
        "nat_gateway",
        "Write the kernel's settings",
        {"nat_gateway_tcp_timeout_close": 11},
        "cat /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close",
        "11\n",
    ),
    "the clients' ephemeral ports": Case(
        "client1",
        "client",
        "Write the kernel's settings",
        {"client_ephemeral_ports": "40000-40998"},
        "cat /proc/sys/net/ipv4/ip_local_port_range",
        "40998",
    ),
}
QUICK = ("haproxy.cfg",)  # the others take as long each


def of(case: Case) -> tuple[str, ...]:
    """Return what keeps a converge to a case's host and role."""
    return ("--limit", case.host, "--tags", case.tag)


def other(variables: dict[str, Any]) -> tuple[str, str]:
    """Return what gives a converge other variables than the inventory has."""
    return ("--extra-vars", json.dumps(variables))


@contextmanager
def healed(cluster: Cluster, *arguments: str) -> Iterator[None]:
    """Afterwards everything is as the inventory says."""
    try:
        yield
    finally:
        cluster.converge(*arguments)
        cluster.settled()


def break_off(cluster: Cluster, task: str, *arguments: str) -> int:
    """Converge, and be killed when a task has been done; return ansible-playbook's end.

    Killed, it leaves its temporary files on this machine.
    """
    with tempfile.TemporaryDirectory() as left:
        return cluster.playbook(
            *arguments,
            ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "tests" / "lab" / "callbacks"),
            ANSIBLE_CALLBACKS_ENABLED="break_off",
            ANSIBLE_LOCAL_TEMP=left,
            BREAK_OFF_AFTER=task,
        ).returncode


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_converge_that_was_killed_is_made_good_by_the_next(cluster: Cluster, name: str) -> None:
    """Killed right after a file was written: the next run writes nothing, and yet the host runs what the file says."""
    case = CASES[name]
    changed = (*of(case), *other(case.variables))
    with healed(cluster, *of(case)):
        assert break_off(cluster, case.task, *changed) == -9
        assert case.said not in cluster.on(case.host, "sh", "-c", case.look)
        cluster.converge(*changed)
        assert case.said in cluster.on(case.host, "sh", "-c", case.look)
        assert changes(cluster.converge(*changed)) == {case.host: (0, 0)}


def test_a_configuration_that_haproxy_cannot_run_fails_each_converge(cluster: Cluster) -> None:
    """It is valid, but binds an address that the host does not have: HAProxy's own words, the next time, too."""
    frontend = {"name": "www", "binds": ["203.0.113.99:80"], "backend": "web"}
    case = CASES["haproxy.cfg"]
    with healed(cluster, *of(case)):
        for _ in range(2):
            ran = cluster.playbook(*of(case), *other({"haproxy_frontends": [frontend]}))
            assert changes(ran.stdout)["lb1"][1] == 1
            said = " ".join(ran.stdout.split())  # Ansible breaks lines
            assert "HAProxy does not run what was written: [ALERT]" in said
            assert "cannot bind socket (Cannot assign requested address) for [203.0.113.99:80]" in said


def test_without_an_address_keepalived_is_stopped_and_holds_nothing(cluster: Cluster) -> None:
    """It is not started at a boot either, and a second converge changes nothing."""
    case = CASES["keepalived.conf"]
    none = (*of(case), *other({"keepalived_instances": []}))
    with healed(cluster, *of(case)):
        cluster.converge(*none)
        assert not cluster.holds("lb1", cluster.vip("lb1"))
        assert cluster.try_on("lb1", "systemctl", "is-active", "keepalived") != 0
        assert cluster.try_on("lb1", "systemctl", "is-enabled", "keepalived") != 0
        assert changes(cluster.converge(*none)) == {"lb1": (0, 0)}
