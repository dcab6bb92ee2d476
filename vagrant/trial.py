"""The trial: a part of the cluster brought up, converged, checked, broken and destroyed, by users' own commands."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.progress import Phase, phase, tell
from lbcheck.loaders.ansible_inventory import load
from lbcheck.model.cluster import Cluster
from lbcheck.model.question import Question
from lbcheck.pipeline import chosen
from vagrant import world

# The fewest that are a cluster: a balancer, its server, and a client to ask from. With these the trial leaves out two
# long steps, which the one-machine lab tries, too: emulated, each of them takes minutes.
SMALL = "lb1,web1,client1"
BIN = Path(sys.executable).parent
CHANGED = re.compile(r"^(\S+) +: ok=.*changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
# What `vagrant up` says that a reader of a log wants to hear while it takes minutes.
NEWS = re.compile(r"==> (\S+): (Starting domain|Machine booted and ready|Up; configured)|^(?:TASK|PLAY) \[(.*?)\]")
TAIL_LINES = 40
LOG = Path("build/vagrant-test.log")
# What libvirt makes outside of its own folders, where it is not kept from it.
TRACES = ("machine-qemu*", "qemu*.libvirt*", "libvirt-*")


def trial() -> int:
    """Run the whole trial in a world of its own; then nothing of it may be left."""
    os.environ.setdefault("LAB_LIMIT", SMALL)
    before = _footprint()
    status = world.enter([sys.executable, "-m", "vagrant", "trial-inside"])
    with phase("left behind") as current:
        current.say("nothing")
        if left := _footprint() - before:
            current.say("something")
            raise LabError(f"the trial left behind: {', '.join(sorted(left))}")
    return status


def _footprint() -> set[str]:
    """Return whatever there is on this machine that a trial could leave: its processes, files, links, groups."""
    found = {str(path) for path in world.PARENT.glob(f"{world.PREFIX}*")}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if "lbcheck-world-" in words or "guest=lbcheck-" in words:
                found.add(f"process {path.parent.name} ({words[:60].strip()})")
    found |= {
        line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines() if "lbcheck-world-" in line
    }
    found |= {f"interface {path.name}" for path in Path("/sys/class/net").iterdir()}
    found |= {str(path) for trace in TRACES for path in Path("/sys/fs/cgroup").rglob(trace)}
    return found


def inside() -> int:
    """Run the trial's steps, in a world; LabError says which went wrong."""
    layer = f"{os.environ['VAGRANT_DOTFILE_PATH']}/lab.yml"
    inventories = ["-i", "inventory/lab", "-i", layer]
    hosts = os.environ["LAB_LIMIT"] or "all hosts"
    tell(f"trial of {hosts}, driver {os.environ['LAB_LIBVIRT_DRIVER']}; every word of it is in {LOG}")
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("", encoding="utf-8")
    _up()
    _memory()
    question = load(inventories[1::2])
    cluster = question.cluster
    small = os.environ["LAB_LIMIT"] == SMALL
    tell(f"vagrant: not tried with these machines: {', '.join(not_tried(cluster, small=small)) or 'nothing'}")
    _step("up again", ["vagrant", "up"], lambda said: "PLAY [" not in said or "a second `vagrant up` configured again")
    if not small:
        _step("provision", ["vagrant", "provision"], unchanged)
    fleet = [f"--lbcheck-inventory={one}" for one in inventories[1::2]]
    testinfra = [str(BIN / "pytest"), "-q", "-p", "no:cacheprovider", "--pyargs", "lbcheck.testing", *fleet]
    testinfra += [] if cluster.resolvers else ["-k", "not resolve_through_the_resolvers"]
    _step("testinfra", testinfra, _fine)
    lbcheck = [str(BIN / "lbcheck"), "run", *inventories]
    spread = [*lbcheck, "--check", "spread"]
    tell(_step("lbcheck", [*lbcheck, *(f"--check={name}" for name in checks(question))], _fine))
    _step("plant", ["vagrant", "ssh", "web1", "-c", "sudo systemctl stop nginx"], _fine)
    fault = "nginx on web1 is not running"
    _step("find", spread, lambda said: fault in said or f"lbcheck did not say '{fault}'", status=1)
    tell(f"vagrant: planted and found: {fault}")
    if not small:
        _healed_by_a_boot(testinfra, spread)
    if len(cluster.balancers) > 1:
        watched = [
            str(BIN / "pytest"),
            "-q",
            "-p",
            "no:cacheprovider",
            "-m",
            "slow or not slow",
            "tests/lab/test_failover.py",
        ]
        tell(_step("failover", [*watched, f"--vagrant-layer={layer}"], _fine))
    _step("destroy", ["vagrant", "destroy", "--force"], _fine)
    _step("gone", [*world.ASK, "list", "--all", "--name"], lambda said: not said.strip() or f"still there: {said}")
    _step("networks", [*world.ASK, "net-list", "--all", "--name"], lambda said: not said.strip() or f"left: {said}")
    _step("global", ["vagrant", "global-status"], lambda said: "libvirt" not in said or f"still listed: {said}")
    if Path(layer).exists():
        raise LabError(f"{layer} is still there")
    return 0


def _healed_by_a_boot(testinfra: Sequence[str], spread: Sequence[str]) -> None:
    """Boot the broken machine. Nothing configures it anew: what the roles have set up must last."""
    _step("halt", ["vagrant", "halt", "web1"], _fine)
    _step("boot", ["vagrant", "up", "web1"], lambda said: "PLAY [" not in said or "a boot configured again")
    _step("testinfra", [*testinfra, "--hosts=web1"], _fine)
    _step("healed", spread, _fine)


def not_tried(cluster: Cluster, *, small: bool) -> list[str]:
    """Return what is left out with these machines, so that nobody takes it for tried."""
    lacking = {
        "DNS (no resolver)": not cluster.resolvers,
        "failover (one balancer)": len(cluster.balancers) < 2,
        "NAT (no gateway)": not cluster.nat_gateways,
        "a second provision": small,
        "a boot": small,
    }
    return [what for what, lacks in lacking.items() if lacks]


def checks(question: Question) -> list[str]:
    """Return the checks of `lbcheck run`; without a resolver nobody answers the clients' queries."""
    return [check.NAME for check in chosen(question, ()) if question.cluster.resolvers or check.NAME != "dns"]


def unchanged(said: str) -> bool | str:
    """Return whether a playbook changed nothing on any host, or what it did."""
    rows = CHANGED.findall(said)
    bad = [host for host, *counts in rows if any(int(count) for count in counts)]
    return (bool(rows) or "no host was configured") if not bad else f"not unchanged: {', '.join(bad)}"


def _fine(_said: str) -> bool | str:
    return True


def _up() -> None:
    """Bring the machines up. One that does not boot is tried once more, and that is said."""
    try:
        _step("up", ["vagrant", "up", "--provider=libvirt"], _fine, loud=True)
    except LabError as error:
        tell(f"vagrant: {error}\nvagrant: a machine did not come up, or was not configured; once more")
        _step("up, again", ["vagrant", "up", "--provider=libvirt"], _fine, loud=True)


def _memory() -> None:
    """Say how much memory the machines take."""
    sizes = []
    for path in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            fields = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
            if fields["Name"].strip().startswith("qemu-system"):
                sizes.append(int(fields["VmRSS"].split()[0]) // 1024)
    tell(f"vagrant: {len(sizes)} machines take {sum(sizes)} MB of this machine's memory")


def _step(
    label: str,
    command: Sequence[str],
    judge: Callable[[str], bool | str],
    *,
    status: int = 0,
    loud: bool = False,
) -> str:
    """Run a command, as a phase, that must end with a status and satisfy a judge; return what it said."""
    with phase(label) as current:
        ended, said = _run(command, current, loud=loud)
        verdict = judge(said) if ended == status else f"exit status {ended}, not {status}"
        current.say("done" if verdict is True else "failed")
    if verdict is not True:
        tail = "\n".join(said.splitlines()[-TAIL_LINES:])
        raise LabError(f"{tail}\n{label}: {verdict} ({' '.join(command)})")
    return said


def _run(command: Sequence[str], current: Phase, *, loud: bool) -> tuple[int, str]:
    environment = os.environ | {"NO_COLOR": "1", "VAGRANT_NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
    said: list[str] = []
    with (
        LOG.open("a", encoding="utf-8", buffering=1) as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
        ) as process,
    ):
        for line in process.stdout or ():
            # Vagrant draws its progress bars over and over in one line.
            said.append(line.rpartition("\r")[2].rpartition("\033[K")[2].rstrip("\n"))
            log.write(f"{time.strftime('%T')} {said[-1]}\n")
            if found := NEWS.search(said[-1]):
                current.say(found[3] or f"{found[1]}: {found[2]}")
                if loud and found[1]:
                    tell(current.line())
        return process.wait(), "\n".join(said)
