"""The playbook: the second time it changes nothing, and one entry in the inventory is all that a new host takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .cluster import ROOT, Cluster

pytestmark = pytest.mark.lab


def changes(output: str) -> dict[str, tuple[int, int]]:
    """Return host → (changed, failed) of a playbook's recap."""
    found = re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+) +unreachable=\d+ +failed=(\d+)", output, re.MULTILINE)
    return {host: (int(changed), int(failed)) for host, changed, failed in found}


def test_the_second_converge_changes_nothing(cluster: Cluster) -> None:
    """Also where the image's package lists are two hours old: nothing is looked for outside."""
    for host in cluster.hosts:
        cluster.on(host, "find", "/var/lib/apt", "/var/cache/apt", "-exec", "touch", "-d", "2 hours ago", "{}", "+")
    assert set(changes(cluster.converge()).values()) == {(0, 0)}


def test_a_host_compiles_a_module_once(cluster: Cluster) -> None:
    """What its Python has compiled of one of Ansible's modules, it does not compile again."""

    def kept_after_a_call() -> str:
        cluster.done("ansible", "-i", cluster.inventories[0], "client1", "-m", "ansible.builtin.command", "-a", "true")
        return cluster.on("client1", "ls", "-l", "--full-time", "/run/zip-bytecode")

    first = kept_after_a_call()
    assert len(first.splitlines()) > 1
    assert kept_after_a_call() == first


def test_a_dry_run_on_a_converged_lab_changes_nothing(cluster: Cluster) -> None:
    """`--check` finds everything as it should be."""
    assert set(changes(cluster.converge("--check")).values()) == {(0, 0)}


@pytest.fixture
def bare() -> Iterator[Cluster]:
    """Another lab, stood up and never converged."""
    lab = Cluster("bare")
    try:
        lab.done("python", "-m", "lab", "up")
        yield lab
    finally:
        lab.done("python", "-m", "lab", "down")


@pytest.mark.slow
def test_a_dry_run_on_bare_hosts_ends_without_failure(bare: Cluster) -> None:
    """`--check` says what would change, and stumbles over nothing that is not there yet."""
    assert {failed for _, failed in changes(bare.converge("--check")).values()} == {0}


def addresses(last: int) -> dict[str, list[str]]:
    """Return a new host's addresses on both sides."""
    return {
        "public": [f"198.18.0.{last}", f"2001:2::{last}"],
        "backend": [f"198.19.0.{last}", f"2001:2:0:1::{last}"],
    }


@pytest.fixture
def grown(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """The same lab with a fourth backend and a third balancer: an entry each, nothing else."""
    web4 = {"cluster_addresses": addresses(14)}
    lb3 = {"cluster_addresses": addresses(23), "cluster_vips": ["198.18.0.105", "2001:2::105"]}
    children = {"backends": {"hosts": {"web4": web4}}, "load_balancers": {"hosts": {"lb3": lb3}}}
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"all": {"children": children}}))
    larger = Cluster(cluster.instance, (*cluster.inventories, str(more)))
    inventories = [word for inventory in larger.inventories for word in ("-i", inventory)]
    try:
        larger.done("python", "-m", "lab", "up", *inventories)
        larger.converge()
        larger.settled()
        yield larger
    finally:
        cluster.done("python", "-m", "lab", "up", "-i", str(ROOT / "inventory" / "lab"))
        cluster.converge("--tags", "nsd,unbound,haproxy,keepalived")  # the others knew nothing of the new hosts
        cluster.settled()


def test_a_new_backend_and_a_new_balancer_are_one_entry_each(grown: Cluster) -> None:
    """The new server is answered by, the new VIP is published and answers, and every share follows."""
    checked = grown.check()
    assert (checked.status, checked.faults()) == (0, "")
    servers = checked.verdict("backend web at lb3")["evidence"]["servers"]
    assert servers["web4"]["expected_share"] == pytest.approx(0.2)
    assert servers["web4"]["client"] > 0
