"""What `vagrant up` says before it starts anything that cannot end well: a sentence, and a way on."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Mounts of one command's own, over what it shall not find.
HIDE = {
    "providers": "mount -t tmpfs none /usr/share/vagrant-plugins/plugins.d",
    "box": "mkdir -p /var/cache/lbcheck-box && mount -t tmpfs none /var/cache/lbcheck-box",
    "kvm": "mount -t tmpfs none /dev && mknod /dev/null c 1 3 && mknod /dev/urandom c 1 9 && mknod /dev/zero c 1 5",
    "daemon": "mkdir -p /run/libvirt && mount -t tmpfs none /run/libvirt",
    "memory": "mount --bind {meminfo} /proc/meminfo",
}
EMULATED = {"LAB_LIBVIRT_DRIVER": "qemu"}
PUBLIC_BOX = {"LAB_BOX": "debian/bookworm64"}
A_DAEMON = {"LIBVIRT_DEFAULT_URI": "qemu:///system"}


@pytest.mark.lab
@pytest.mark.parametrize(
    ("hidden", "settings", "sentence"),
    [
        (
            "providers",
            {},
            "there is nothing here that runs machines. On Debian and Ubuntu: apt install ",
        ),
        ("box", EMULATED, "the box is missing: `make box` makes it"),
        ("kvm", PUBLIC_BOX, "this machine has no /dev/kvm: LAB_LIBVIRT_DRIVER=qemu emulates the processor"),
        ("daemon", EMULATED | PUBLIC_BOX, "libvirt's daemon does not run: `systemctl start libvirtd`"),
        ("memory", EMULATED | PUBLIC_BOX | A_DAEMON, "12 machines take 17472 MB, and 2000 MB are free. LAB_LIMIT="),
        ("memory", {"LAB_LIMIT": "dns1,nobody"}, "LAB_LIMIT names nobody; the inventory has dns1, dns2, lb1,"),
    ],
)
def test_what_is_missing_is_said_before_a_machine_is_made(
    tmp_path: Path, hidden: str, settings: dict[str, str], sentence: str
) -> None:
    """One sentence that names it and says what to do; nothing is started, and no backtrace is shown."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 24000000 kB\nMemAvailable: 2048000 kB\n", encoding="utf-8")
    script = f"{HIDE[hidden].format(meminfo=meminfo)} && exec vagrant up --provider=libvirt"
    folders = {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "LIBVIRT_", "VAGRANT_"))}
    ran = subprocess.run(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", script],
        cwd=ROOT,
        env=kept | folders | {"VAGRANT_CHECKPOINT_DISABLE": "1"} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"lab: {sentence}" in ran.stderr
    assert ran.returncode == 1
    assert ".rb:" not in ran.stdout + ran.stderr
    assert not list((tmp_path / "dot").glob("machines/*/*/id"))
