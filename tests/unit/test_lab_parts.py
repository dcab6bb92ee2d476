"""The lab's pure parts: apt sources, names, times, and what a process is known by."""

import os
import re
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.image import source_lines
from lab.network import mac_address, port_name
from lab.progress import summary
from lab.state import current_instance, start_time

TARGETS = """\
Packages|Debian|http://mirror.example/debian/|bookworm|main|$(SIGNED_BY)
Translations|Debian|http://mirror.example/debian/|bookworm|main|$(SIGNED_BY)
Packages|Debian|http://mirror.example/debian/|bookworm|main|$(SIGNED_BY)
Packages|Debian|http://mirror.example/debian-security/|bookworm-security|main|/usr/share/keyrings/archive.gpg
Packages|Debian Backports|http://mirror.example/debian/|bookworm-backports|main|$(SIGNED_BY)
Packages|Debian|http://mirror.example/debian/|sid|main|$(SIGNED_BY)
Packages|Debian|cdrom://[Debian 12]/|bookworm|main|$(SIGNED_BY)
Packages|Somebody|https://packages.example/deb/|bookworm|main|/usr/share/keyrings/somebody.gpg
Packages||https://unsigned.example/deb/|bookworm|main|$(SIGNED_BY)
"""


def test_only_the_distributions_own_archives_make_the_image() -> None:
    """Other people's archives, backports, CDs and other releases are left out; each source stands once."""
    assert source_lines(TARGETS, "Debian", "bookworm", "bookworm") == [
        "deb http://mirror.example/debian/ bookworm main",
        "deb [signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian-security/ bookworm-security main",
    ]


def test_another_release_comes_from_the_same_archives() -> None:
    """A system of another release than the machine's is made of what the machine's archives have of it."""
    assert source_lines(TARGETS, "Debian", "bookworm", "trixie") == [
        "deb http://mirror.example/debian/ trixie main",
        "deb [signed-by=/usr/share/keyrings/archive.gpg] http://mirror.example/debian-security/ trixie-security main",
    ]


def test_a_hosts_successor_at_an_address_has_its_mac_address() -> None:
    """It follows from network and address; it is one station's, of nobody's range, and never two the same."""
    addresses = [(network, f"198.18.0.{last}/24") for network in ("public", "backend") for last in range(1, 255)]
    macs = {mac_address(network, address) for network, address in addresses}
    assert len(macs) == len(addresses)
    assert all(re.fullmatch(r"02(:[0-9a-f]{2}){5}", mac) for mac in macs)
    assert mac_address("public", "198.18.0.12/24") == mac_address("public", "198.18.0.12/24")


def test_port_names_fit_and_differ() -> None:
    """A port's name is an interface's (15 characters at most) and differs however alike the hosts' names are."""
    names = {port_name(f"a-very-long-host-name-{number}", "public") for number in range(1000)}
    assert len(names) == 1000
    assert max(map(len, names)) <= 15


def test_process_is_known_by_its_start() -> None:
    """A running process has a start time, which stays; one that is not there has none."""
    assert start_time(os.getpid()) == start_time(os.getpid()) is not None
    assert start_time(2**22 + 1) is None  # above the kernel's highest pid


def test_summary_adds_up(tmp_path: Path) -> None:
    """The phases' times are shown in their order, with their sum."""
    kept = tmp_path / "times"
    kept.write_text("image\t0.1\nhosts\t1.3\n", encoding="utf-8")
    assert summary(kept) == "image 0.1 s · hosts 1.3 s · together 1.4 s"


@pytest.mark.parametrize("name", ["A", "a b", "../x", "-a", "a" * 32])
def test_instance_name_that_could_name_something_else_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance's name becomes part of paths: anything but a plain word is refused."""
    monkeypatch.setenv("LAB_INSTANCE", name)
    with pytest.raises(LabError, match="LAB_INSTANCE"):
        current_instance()


def test_instance_is_lab_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name, or with an empty one, the instance is `lab`."""
    monkeypatch.setenv("LAB_INSTANCE", "")
    assert current_instance().name == "lab"
