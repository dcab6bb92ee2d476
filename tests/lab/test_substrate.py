"""The one-machine substrate: what `up` stands up, and that `down` leaves nothing of it behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lab.state import Instance, locked

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]
INSTANCE = Instance("test-substrate")
INVENTORY = """
all:
  vars:
    cluster_networks: {{wire: {{ipv4: 198.18.7.0/24, ipv6: "2001:2:0:7::/64"}}}}
    cluster_frontends: [{{name: www, url: "http://www.lab.test/", backend: web}}]
    cluster_backends: [{{name: web, port: 8080}}]
  hosts:
{hosts}
  children:
    load_balancers: {{hosts: {{right: }}}}
    backends: {{hosts: {{right: }}}}
"""
LEFT = '    left: {cluster_addresses: {wire: [198.18.7.1, "2001:2:0:7::1"]}}\n'
RIGHT = '    right: {cluster_addresses: {wire: [198.18.7.2, "2001:2:0:7::2"]}}\n'


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the lab on this file's instance."""
    with started(*arguments) as process:
        output, errors = process.communicate(timeout=300)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def started(*arguments: str) -> "subprocess.Popen[str]":
    """Start a command of the lab on this file's instance."""
    return subprocess.Popen(
        [sys.executable, "-m", "lab", *arguments],
        cwd=ROOT,
        env=os.environ | {"LAB_INSTANCE": INSTANCE.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def leader(host: str) -> int:
    """Return the first process of a host."""
    return int((INSTANCE.hosts / host / "pid").read_text(encoding="ascii").split()[0])


def namespace(pid: int, kind: str) -> str:
    """Return what names a process's namespace, for as long as it lives."""
    return str(Path(f"/proc/{pid}/ns/{kind}").readlink())


def processes() -> set[Path]:
    """Return the processes that run now."""
    return set(Path("/proc").glob("[0-9]*"))


def namespaces_of(pids: set[Path]) -> set[str]:
    """Return every namespace that one of these processes is in."""
    names = set()
    for path in [link for pid in pids for link in pid.glob("ns/*")]:
        with suppress(OSError):
            names.add(str(path.readlink()))
    return names


def settings() -> dict[str, str]:
    """Return every sysctl of the machine that one can write; those that count something cannot be written."""
    values = {}
    for path in Path("/proc/sys").rglob("*"):
        with suppress(OSError):
            if path.is_file() and path.stat().st_mode & 0o200:
                values[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    return values


def footprint() -> dict[str, object]:
    """Return everything on the machine that carries the instance's name, and the machine's own interfaces."""
    mark = f"lbcheck-lab/{INSTANCE.name}"
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            commands.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return {
        "processes": [command for command in commands if mark in command],
        "mounts": [line for line in mounts if mark in line],
        "groups": [str(path) for path in Path("/sys/fs/cgroup").rglob(f"lbcheck-lab-{INSTANCE.name}")],
        "records": [str(path) for path in Path("/run/lbcheck-lab").glob(f"{INSTANCE.name}*")],
        "interfaces": [line.split()[0] for line in links.splitlines()],
    }


@pytest.fixture
def inventory(tmp_path: Path) -> Iterator[Path]:
    """An inventory of two hosts; whatever a test stands up of it is taken away."""
    path = tmp_path / "hosts.yml"
    path.write_text(INVENTORY.format(hosts=LEFT + RIGHT), encoding="utf-8")
    yield path
    lab("down")


def test_down_leaves_nothing_behind(inventory: Path) -> None:
    """After `down` no process, namespace, mount, control group or record of the lab is there; no sysctl has changed."""
    before, set_before = footprint(), settings()
    assert lab("up", "-i", str(inventory)).returncode == 0
    ours = {namespace(leader(host), kind) for host in ("left", "right") for kind in ("net", "mnt", "pid", "uts", "ipc")}
    assert footprint()["interfaces"] == before["interfaces"]
    running = processes()
    assert lab("down").returncode == 0
    assert footprint() == before
    # Of those that ran before: the kernel gives a namespace's number to the next one, which may be anyone's.
    assert not ours & namespaces_of(running)
    set_after = settings()
    # A setting that is new belongs to a kernel module that was loaded; none that was there may differ.
    changed = {name for name, value in set_before.items() if name in set_after and set_after[name] != value}
    assert {name for name in changed if "/random/" not in name and not name.endswith("ns_last_pid")} == set()


def test_hosts_are_ready_and_reach_each_other(inventory: Path) -> None:
    """Every unit of a host is up, it is called by its name, and it reaches the other; it has no way out."""
    assert lab("up", "-i", str(inventory)).returncode == 0
    assert lab("shell", "left", "systemctl", "is-system-running").stdout == "running\n"
    assert lab("shell", "left", "hostname").stdout == "left\n"
    assert lab("shell", "left", "ping", "-c1", "-W2", "198.18.7.2").returncode == 0
    assert "default" not in lab("shell", "left", "ip", "route").stdout
    assert lab("shell", "left", "sysctl", "-w", "net.ipv4.ip_nonlocal_bind=1").returncode == 0
    assert lab("shell", "left", "sysctl", "-w", "kernel.pid_max=65536").returncode != 0


def test_up_starts_only_what_is_missing(inventory: Path) -> None:
    """A host whose first process was killed is started again; the other stays as it is."""
    assert lab("up", "-i", str(inventory)).returncode == 0
    left, right = leader("left"), leader("right")
    os.kill(left, signal.SIGKILL)
    while Path(f"/proc/{left}").exists():
        time.sleep(0.01)
    assert lab("status").stdout == "left\tdown\nright\tup\n"
    assert "2 up, 1 started" in lab("up", "-i", str(inventory)).stderr
    assert leader("right") == right
    assert lab("shell", "left", "ping", "-c1", "-W2", "198.18.7.2").returncode == 0


def test_host_that_left_the_inventory_is_taken_away(inventory: Path) -> None:
    """`up` follows the inventory in both directions."""
    assert lab("up", "-i", str(inventory)).returncode == 0
    inventory.write_text(INVENTORY.format(hosts=RIGHT), encoding="utf-8")
    assert "1 up, 1 removed" in lab("up", "-i", str(inventory)).stderr
    inventory.write_text(INVENTORY.format(hosts=LEFT + RIGHT), encoding="utf-8")
    assert "2 up, 1 started" in lab("up", "-i", str(inventory)).stderr
    assert lab("shell", "left", "ping", "-c1", "-W2", "198.18.7.2").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize(
    "after_s", [0.0, pytest.param(0.3, marks=pytest.mark.slow), 0.6, pytest.param(0.9, marks=pytest.mark.slow)]
)
def test_interrupted_up_is_cleaned_up(inventory: Path, how: signal.Signals, after_s: float) -> None:
    """Wherever `up` is stopped, by Ctrl-C or for good, `down` leaves nothing, and says so the second time."""
    before = footprint()
    with started("up", "-i", str(inventory)) as process:
        while not INSTANCE.root.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(after_s)  # moments spread over the work, whichever they meet on this machine
        process.send_signal(how)
        _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert lab("down").returncode == 0
    assert footprint() == before
    again = lab("down")
    assert again.returncode == 0
    assert "nothing of 'test-substrate' is standing" in again.stderr


def test_two_at_once_are_refused(inventory: Path) -> None:
    """While one command works on the lab, another says which process that is, and changes nothing."""
    with locked(INSTANCE):
        refused = lab("up", "-i", str(inventory))
    assert refused.returncode == 1
    assert f"(process {os.getpid()})" in refused.stderr
    assert not footprint()["groups"]
