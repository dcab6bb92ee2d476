"""The box: a disk of Debian's or Ubuntu's packages for libvirt, built once, kept under a hash of what it is made of."""

import hashlib
import json
import platform
import shutil
import tarfile
import tempfile
from pathlib import Path

from lab import image
from lab.cache import locked, need_room
from lab.errors import LabError
from lab.image import Release
from lab.progress import Phase
from lab.system import run

CACHE = Path("/var/cache/lbcheck-box")
LATEST = CACHE / "latest.box"  # what the Vagrantfile looks for; its name leads to the key
CUSTOMISATION = Path(__file__).with_name("box.sh")  # after the image's own
DISK = Path(__file__).with_name("disk.sh")
NEEDED_BYTES = 2_500_000_000  # root file system, raw disk, disk and box lie side by side while it is built
# What a machine needs besides what a host of the one-machine lab has.
PACKAGES = ("udev", "kmod", "initramfs-tools", "openssh-server", "sudo")
KERNELS = {  # without drivers for hardware that no virtual machine has
    ("debian", "x86_64"): "linux-image-cloud-amd64",
    ("debian", "aarch64"): "linux-image-cloud-arm64",
    ("ubuntu", "x86_64"): "linux-image-virtual",
    ("ubuntu", "aarch64"): "linux-image-virtual",
}
METADATA = {"provider": "libvirt", "format": "qcow2", "virtual_size": 2}  # GB, as disk.sh makes it


def key(release: Release) -> str:
    """Return the name of the box that these packages, this release and these scripts make."""
    texts = [path.read_text(encoding="utf-8") for path in (*image.MADE_OF, CUSTOMISATION, DISK)]
    parts = [release.distribution, release.codename, platform.machine(), packages(release), image.OPTIONS, texts]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def packages(release: Release) -> list[str]:
    """Return all that is in the box; LabError where no kernel is known for this machine."""
    machine = platform.machine()
    try:
        kernel = KERNELS[release.distribution, machine]
    except KeyError:
        raise LabError(f"no kernel package is known for {release.distribution} on {machine}") from None
    return [*image.PACKAGES, *PACKAGES, kernel]


def ensure(current: Phase) -> Path:
    """Return the box; build it first unless it is there already."""
    release = image.machine_release()
    if platform.machine() != "x86_64":
        raise LabError("the box's boot loader is for x86-64; elsewhere use a public box: LAB_BOX=… vagrant up")
    name = key(release)
    box = CACHE / f"{name}.box"
    built = "reused"
    with locked(CACHE, current):
        if not box.exists():
            _build(release, box, current)
            built = "built"
        _point_to(box)
    current.say(f"{built} {name}, {box.stat().st_size // 1_000_000} MB")
    return box


def _point_to(box: Path) -> None:
    """Make `latest.box` name this box, in one step: whoever looks meanwhile finds the old or the new one."""
    new = LATEST.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.symlink_to(box.name)
    new.rename(LATEST)


def _build(release: Release, box: Path, current: Phase) -> None:
    for leftover in CACHE.glob("building-*"):  # the lock is ours: nobody is building there
        shutil.rmtree(leftover)
    need_room(CACHE, NEEDED_BYTES, "box")
    with tempfile.TemporaryDirectory(prefix="building-", dir=CACHE) as folder:
        root, disk, new = Path(folder, "root"), Path(folder, "box.img"), Path(folder, "box")
        current.say("installing packages")
        image.bootstrap(release, root, packages(release), [image.CUSTOMISATION, CUSTOMISATION])
        current.say("making the disk")
        # Mounts of its own: whatever happens, none is left.
        run(
            ["unshare", "--mount", "--propagation=private", str(DISK), str(root), str(disk)],
            doing="making the box's disk",
        )
        current.say("packing")
        metadata = Path(folder, "metadata.json")
        metadata.write_text(json.dumps(METADATA), encoding="utf-8")
        with tarfile.open(new, "w") as packed:
            for path in (metadata, disk):
                packed.add(path, path.name)
        new.chmod(0o644)
        new.rename(box)
