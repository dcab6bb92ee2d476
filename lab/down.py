"""Takes the lab away: by what the kernel knows of it (its control group, its mounts), so also what a crash left."""

import shutil
import time

from lab import cgroup, host
from lab.errors import LabError
from lab.progress import phase
from lab.state import Instance
from lab.system import mounts_below, unmount

ENDING_TIMEOUT_S = 5.0  # a process leaves its control group some time before it has ended


def _wait_until_ended(instance: Instance) -> None:
    deadline = time.monotonic() + ENDING_TIMEOUT_S
    while any(host.running(instance, name) for name in instance.known_hosts()) and time.monotonic() < deadline:
        time.sleep(0.005)


def down(instance: Instance) -> None:
    """End every process, then take away namespaces, control groups and records. It is no error if there is nothing."""
    with phase("down") as current:
        hosts = len(instance.known_hosts())
        group = cgroup.of_instance(instance)
        if not group.exists() and not instance.root.exists():
            current.say(f"nothing of '{instance.name}' is standing")
            return
        current.say("ending hosts")
        killed = cgroup.clear(group)
        _wait_until_ended(instance)
        if outside := [name for name in instance.known_hosts() if host.running(instance, name)]:
            raise LabError(f"these hosts still run, outside of {group}: {', '.join(outside)}; nothing else was removed")
        current.say("removing namespaces")
        unmount(mounts_below(instance.root))  # veth pairs go with the namespaces that hold their ends
        shutil.rmtree(instance.root, ignore_errors=True)
        cgroup.wait_until_reaped(killed)
        current.say(f"{hosts} hosts, {len(killed)} processes ended")
