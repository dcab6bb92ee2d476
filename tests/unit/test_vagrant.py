"""What can be said of the virtual machines without starting one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import image
from lab.errors import LabError
from lab.image import Release
from lbcheck.errors import InventoryError
from lbcheck.loaders.ansible_inventory import listing, load
from vagrant import box
from vagrant.trial import SMALL, checks, not_tried, unchanged

ROOT = Path(__file__).parents[2]
RECAP = """
PLAY RECAP *********************************************************************
dns1                       : ok=9    changed=0    unreachable=0    failed=0    skipped=0
lb1                        : ok=12   changed={changed}    unreachable=0    failed=0    skipped=1
"""


@pytest.fixture
def lab() -> dict[str, dict[str, object]]:
    """Every host of the lab, with its variables."""
    hosts: dict[str, dict[str, object]] = listing([str(ROOT / "inventory" / "lab")])["_meta"]["hostvars"]
    return hosts


def test_all_machines_together_take_4_gb_at_most(lab: dict[str, dict[str, object]]) -> None:
    """The inventory gives each host memory, and all of it fits a machine of modest size."""
    assert sum(int(str(own["cluster_memory_mb"])) for own in lab.values()) <= 4096


def layered(tmp_path: Path, text: str) -> list[str]:
    """Return the lab's inventory with a layer of this text over it."""
    layer = tmp_path / "lab.yml"
    layer.write_text(f"plugin: vagrant_layer\nmachines:\n{text}", encoding="utf-8")
    return [str(ROOT / "inventory" / "lab"), str(layer)]


def test_a_layer_leads_to_its_machines_and_takes_the_others_away(tmp_path: Path) -> None:
    """What Vagrant has not made is in no group, so nothing misses it; a machine's variables beat the lab's own."""
    text = "  dns1: {ansible_connection: ssh}\n  web1: {ansible_connection: ssh, ansible_port: 2222}\n"
    found = listing(layered(tmp_path, text))
    hosts = found["_meta"]["hostvars"]
    assert sorted(hosts) == ["dns1", "web1"]
    assert hosts["web1"]["ansible_connection"] == "ssh"
    assert hosts["web1"]["ansible_port"] == 2222
    assert hosts["web1"]["cluster_addresses"]["public"][0].endswith(".11")
    assert found["backends"]["hosts"] == ["web1"]
    assert "clients" not in found or not found["clients"].get("hosts")


def test_the_small_trial_has_three_machines_and_says_what_it_does_not_try(tmp_path: Path) -> None:
    """A server behind a balancer, asked by a client; what that leaves out is named."""
    machines = SMALL.split(",")
    question = load(layered(tmp_path, "".join(f"  {name}: {{ansible_connection: ssh}}\n" for name in machines)))
    assert len(machines) == 3
    assert [len(backend.servers) for backend in question.cluster.backends] == [1, 1]
    assert [client.name for client in question.cluster.clients] == ["client1"]
    few = ["DNS (no resolver)", "failover (one balancer)", "NAT (no gateway)"]
    assert not_tried(question.cluster, small=True) == [*few, "a second provision", "a boot"]
    assert checks(question) == ["spread"]


def test_with_all_machines_nothing_is_left_out() -> None:
    """The whole inventory: every check of `lbcheck run`, failover and NAT besides."""
    question = load([str(ROOT / "inventory" / "lab")])
    assert not_tried(question.cluster, small=False) == []
    assert checks(question) == ["dns", "spread"]


def test_a_layer_of_another_inventory_is_refused(tmp_path: Path) -> None:
    """Nothing is made of a machine that no inventory has."""
    with pytest.raises(InventoryError, match=r"lab\.yml"):
        listing(layered(tmp_path, "  other1: {ansible_connection: ssh}\n"))


def test_another_release_makes_another_box() -> None:
    """A box is kept under what it is made of."""
    release = Release("debian", "bookworm")
    first = box.key(release)
    assert box.key(release) == first
    assert box.key(Release("debian", "trixie")) != first


@pytest.mark.parametrize("part", ["image.sh", "zip_bytecode.py"])
@pytest.mark.parametrize("key", [image.image_key, box.key])
def test_another_part_makes_another_image_and_box(
    key: Callable[[Release], str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of what the image is made of is never met by one that was kept."""
    release = Release("debian", "bookworm")
    first = key(release)
    changed = tmp_path / part
    original = next(path for path in image.MADE_OF if path.name == part)
    changed.write_text(original.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    monkeypatch.setattr(image, "MADE_OF", tuple(changed if path == original else path for path in image.MADE_OF))
    assert key(release) != first


def test_a_machine_without_a_known_kernel_is_refused() -> None:
    """A distribution or processor that nobody thought of is said, before anything is downloaded."""
    with pytest.raises(LabError, match="no kernel package is known for gentoo"):
        box.packages(Release("gentoo", "rolling"))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (RECAP.format(changed=0), True),
        (RECAP.format(changed=3), "not unchanged: lb1"),
        ("nothing of the kind", "no host was configured"),
    ],
)
def test_a_second_converge_is_read_by_its_recap(said: str, verdict: bool | str) -> None:
    """Every host counts, and silence is no proof."""
    assert unchanged(said) == verdict
