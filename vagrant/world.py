"""A libvirt daemon of one command's own, in namespaces of its own: no way out, and nothing stays of it.

Whatever a command starts in there (libvirt's daemon, dnsmasq, each machine's QEMU) is in one process namespace and
ends with the command, also when that is killed. The daemon's files are in a folder that goes, too. So virtual machines
can be tried on a machine that has no libvirt daemon, or that has one whose machines are nobody's business.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.system import run

# Where libvirt keeps things: nothing here is the machine's.
FOLDERS = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt")
# QEMU as root and without control groups or mounts of each machine's own: all of it is the world's already.
QEMU_CONF = """
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "logd"
"""
POOL = "<pool type='dir'><name>default</name><target><path>/var/lib/libvirt/images</path></target></pool>"
INTERRUPT_TIMEOUT_S = 30.0  # for a command to end after Ctrl-C, which it got as well
READY_TIMEOUT_S = 120.0  # the daemon answers in 2 s on an idle machine
URI = "qemu:///system"
PARENT, PREFIX = Path("/var/tmp"), "lbcheck-world-"  # noqa: S108 (a folder with a random name is made there)
INSIDE = "LBCHECK_WORLD"  # names the world's folder, in a world
ASK = ("virsh", "--quiet", "-c", URI)


def enter(command: Sequence[str]) -> int:
    """Run a command in a new world; return its exit status. Whatever happens, the world ends with it."""
    missing = [folder for folder in FOLDERS if not Path(folder).exists()]
    _clear_up_after_the_killed()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", dir=PARENT) as folder:
        for one in missing:
            Path(one).mkdir(parents=True)
        try:
            launch = [
                *("setpriv", "--pdeathsig=KILL", "unshare", "--net", "--ipc", "--mount", "--propagation=private"),
                *("--pid", "--fork", "--kill-child=KILL", "--mount-proc"),
                *(sys.executable, "-m", "vagrant", "inside", "--", *command),
            ]
            with subprocess.Popen(launch, env=os.environ | _environment(folder)) as process:
                return _wait(process)
        finally:
            for one in reversed(missing):
                with suppress(OSError):
                    Path(one).rmdir()


def _clear_up_after_the_killed() -> None:
    """Remove the folders of worlds whose first process could not."""
    for folder in PARENT.glob(f"{PREFIX}*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: str) -> dict[str, str]:
    return {
        INSIDE: folder,
        "VAGRANT_HOME": f"{folder}/vagrant",
        "VAGRANT_DOTFILE_PATH": f"{folder}/dot",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{folder}/ssh",
        "LAB_LIBVIRT_DRIVER": os.environ.get("LAB_LIBVIRT_DRIVER", "qemu"),
        "LAB_EMULATOR": str(Path(__file__).with_name("emulator.sh")),
        "VAGRANT_CHECKPOINT_DISABLE": "1",  # there is nobody to ask about news
    }


def _wait(process: "subprocess.Popen[bytes]") -> int:
    try:
        return process.wait()
    except KeyboardInterrupt:
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(INTERRUPT_TIMEOUT_S)
        process.kill()  # and with it everything in its process namespace
        raise


def inside(command: Sequence[str]) -> int:
    """As the first process of a new world: set it up, run the command, return its exit status.

    What ends without a parent is this process's to bury: libvirt waits for a machine until nothing of it is left.
    """
    folder = Path(os.environ[INSIDE])
    _mounts(folder)
    run(["ip", "link", "set", "lo", "up"])
    Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF, encoding="utf-8")
    Path("/var/lib/libvirt/images").mkdir()
    daemons = [_start("virtlogd", folder), _start("libvirtd", folder)]
    _wait_until_it_answers(daemons[-1], folder)
    for words in (("pool-define", "/dev/stdin"), ("pool-start", "default"), ("pool-autostart", "default")):
        run([*ASK, *words], given=POOL, doing="making libvirt's storage pool")
    process = subprocess.Popen(command, cwd=Path.cwd())
    # The terminal's Ctrl-C reaches the command, too: it clears up, and this world lasts until it has.
    signal.signal(signal.SIGINT, lambda *_: None)
    return _bury_until(process)


def _mounts(folder: Path) -> None:
    for one in FOLDERS:
        own = folder / one.strip("/").replace("/", "-")
        own.mkdir()
        run(["mount", "--bind", str(own), one])
    run(["mount", "-t", "tmpfs", "-o", "mode=755,size=64m", "tmpfs", "/run"])
    for name in ("lock", "libvirt"):
        Path("/run", name).mkdir()


def _start(daemon: str, folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / f"{daemon}.log").open("wb") as log:
        try:
            return subprocess.Popen([daemon], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        except FileNotFoundError:
            raise LabError(f"{daemon} is not installed: `lab/setup vagrant/packages.txt` installs it") from None


def _wait_until_it_answers(daemon: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while subprocess.run([*ASK, "list"], capture_output=True, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            said = (folder / "libvirtd.log").read_text(encoding="utf-8", errors="replace").strip()
            raise LabError(f"libvirtd does not answer: {said[-1000:] or 'it says nothing'}")
        time.sleep(0.2)


def _bury_until(process: "subprocess.Popen[bytes]") -> int:
    while True:
        pid, status = os.wait()
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode if process.returncode >= 0 else 128 - process.returncode
