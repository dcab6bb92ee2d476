"""A host: a systemd-nspawn container over the shared image, its changes in memory, in its own network namespace."""

import json
import os
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lab import cgroup, network
from lab.errors import LabError
from lab.inventory import WiredHost
from lab.state import Instance, start_time
from lab.system import mounts_below

NSPAWN_STATE = Path("/run/systemd/nspawn")
READY_TIMEOUT_S = 120.0  # ten hosts are ready in 3 s on two idle cores
# What nspawn takes away where the network namespace is made by someone else, and services need: keepalived its VIPs and
# raw VRRP packets, nftables its tables, HAProxy and keepalived their priority.
CAPABILITIES = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE"

# $1 the host's control group, $2 where cgroup v2 is, $3 the other namespaces' files, then the program.
# nspawn sees cgroup v2 alone; what it writes outside the host goes to memory that ends with it. The other namespaces'
# files are unmounted: this copy of the mounts would keep those namespaces alive when they are taken away.
LAUNCH = """
echo $$ >"$1/cgroup.procs"
[ "$2" = /sys/fs/cgroup ] || mount --bind "$2" /sys/fs/cgroup
[ -z "$3" ] || umount $3
mount -t tmpfs -o size=16m tmpfs /run/systemd/nspawn
mount -t tmpfs -o size=16m tmpfs /tmp
shift 3
exec "$@"
"""

ENTER = """#!/bin/sh
# Runs a command in host {name}, with no more rights than the host itself has. Written by `lab up`.
exec nsenter --target {leader} --mount --uts --ipc --net --pid --cgroup --root --wd -- \\
    setpriv --bounding-set=-all{capabilities} --inh-caps=-all -- \\
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root USER=root LOGNAME=root \\
    SHELL=/bin/bash LANG=C.UTF-8 TERM="${{TERM:-dumb}}" "$@"
"""


@dataclass
class Start:
    """A host on its way up: its supervisor, and the socket that systemd says on when it is ready."""

    host: WiredHost
    process: subprocess.Popen[bytes]
    notify: socket.socket
    leader: int = 0
    ready: bool = False


def folder(instance: Instance, host: str) -> Path:
    """Return the folder that holds what is recorded about a host."""
    return instance.hosts / host


def console(instance: Instance, host: str) -> Path:
    """Return the file with what a host wrote to its console."""
    return folder(instance, host) / "console.log"


def running(instance: Instance, host: str) -> bool:
    """Return whether a host is up: it became ready once, and its first process is still the same."""
    with suppress(OSError, ValueError):
        pid, started = (folder(instance, host) / "pid").read_text(encoding="ascii").split()
        return start_time(int(pid)) == started
    return False


def same(instance: Instance, host: WiredHost, image: Path) -> bool:
    """Return whether a host stands as it is wanted now: with these interfaces, over this image."""
    with suppress(OSError):
        return (folder(instance, host.name) / "host.json").read_text(encoding="utf-8") == _description(host, image)
    return False


def _description(host: WiredHost, image: Path) -> str:
    return json.dumps(asdict(host) | {"image": str(image)})


def remove(instance: Instance, name: str) -> None:
    """Take a host away, whatever there is of it."""
    cgroup.clear(cgroup.of_host(instance, name))
    network.detach(instance, name)
    shutil.rmtree(folder(instance, name), ignore_errors=True)


def start(instance: Instance, hosts: Iterable[WiredHost], image: Path) -> None:
    """Start hosts, all at once, and wait until each is ready; one that is not, for whatever reason, is taken away."""
    starts: list[Start] = []
    try:
        for host in hosts:
            starts.append(_launch(instance, host, image))
        _wait(instance, starts, image)
    finally:
        for one in starts:
            one.notify.close()
            if one.ready:
                one.process.returncode = 0  # it outlives us, which is no mistake
            else:
                remove(instance, one.host.name)
                one.process.wait()


def _launch(instance: Instance, host: WiredHost, image: Path) -> Start:
    NSPAWN_STATE.mkdir(parents=True, exist_ok=True)
    group = cgroup.of_host(instance, host.name)
    group.mkdir(parents=True, exist_ok=True)
    own = str(network.namespace_of(instance, host.name))
    others = [point for point in mounts_below(instance.root) if point != own]
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind("")  # the kernel finds a free name
    launch = ["unshare", "--mount", "--propagation=slave", "sh", "-e", "-c", LAUNCH, "lab"]
    launch += [str(group), str(cgroup.mounted_at()), " ".join(others), *_nspawn(host, image, own)]
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": "@" + notify.getsockname()[1:].decode(),
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",  # a host sets its own net.* sysctls, and no others
        "SYSTEMD_NSPAWN_LOCK": "0",  # the image is shared, and nobody writes to it
    }
    with console(instance, host.name).open("wb") as log:
        process = subprocess.Popen(
            launch, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    return Start(host, process, notify)


def _nspawn(host: WiredHost, image: Path, namespace: str) -> list[str]:
    return [
        *("systemd-nspawn", "--quiet", "--boot", "--volatile=overlay", f"--directory={image}"),
        *(f"--machine={host.name}", f"--hostname={host.name}", f"--network-namespace-path={namespace}"),
        *("--register=no", "--keep-unit", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
        *("--console=pipe", "--notify-ready=yes", f"--capability={CAPABILITIES}"),
    ]


def _wait(instance: Instance, starts: list[Start], image: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    with selectors.DefaultSelector() as selector:
        for one in starts:
            selector.register(one.notify, selectors.EVENT_READ, one)
        while waiting := [one for one in starts if not one.ready]:
            for key, _ in selector.select(timeout=0.2):
                _hear(instance, key.data, image)
            for one in waiting:
                if not one.ready and one.process.poll() is not None:
                    raise LabError(_failure(instance, one.host.name, "ended while it was starting"))
            if time.monotonic() > deadline:
                raise LabError(_failure(instance, waiting[0].host.name, f"is not ready after {READY_TIMEOUT_S:.0f} s"))


def _hear(instance: Instance, one: Start, image: Path) -> None:
    message = dict(line.partition("=")[::2] for line in one.notify.recv(4096).decode().splitlines())
    if pid := message.get("X_NSPAWN_LEADER_PID"):
        one.leader = int(pid)
    if message.get("READY") == "1" and one.leader:
        _record(instance, one, image)
        one.ready = True


def _record(instance: Instance, one: Start, image: Path) -> None:
    """Write what others need to enter the host; the `pid` file comes last: it says that the host is up."""
    where = folder(instance, one.host.name)
    (where / "host.json").write_text(_description(one.host, image), encoding="utf-8")
    enter = where / "enter"
    text = ENTER.format(name=one.host.name, leader=one.leader, capabilities=_capabilities(one.leader))
    enter.write_text(text, encoding="utf-8")
    enter.chmod(0o755)
    pid = where / "pid.new"
    pid.write_text(f"{one.leader} {start_time(one.leader)}\n", encoding="ascii")
    pid.rename(where / "pid")


def _capabilities(pid: int) -> str:
    """Return the rights that a host has, as setpriv wants them: entering as root would otherwise give every one."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    mask = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")), 16)
    return "".join(f",+cap_{bit}" for bit in range(mask.bit_length()) if mask >> bit & 1)


def _failure(instance: Instance, host: str, what: str) -> str:
    tail = console(instance, host).read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
    return f"host {host} {what}; the end of its console:\n  " + "\n  ".join(tail or ["(nothing)"])
