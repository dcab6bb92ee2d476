"""A lab for tests: stood up and converged by the commands that users run, broken and healed by hand."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from lab import network
from lab.state import Instance
from lbcheck.loaders.ansible_inventory import load
from lbcheck.model.address import family
from lbcheck.model.cluster import Client, Host
from lbcheck.model.question import Topology

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
_ASK_HAPROXY = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("/run/haproxy/admin.sock")
s.sendall(sys.argv[1].encode() + b"\\n")
print(b"".join(iter(lambda: s.recv(65536), b"")).decode())
"""


def until(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    """Wait for a condition; after `seconds`, which no healthy machine needs, fail and say for what."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:.0f} s in vain: {what}"
        time.sleep(0.1)


@dataclass(frozen=True)
class Checked:
    """What `lbcheck` said."""

    status: int
    report: dict[str, Any]
    said: str

    def verdict(self, subject: str) -> dict[str, Any]:
        """Return the verdict on one subject."""
        found: dict[str, Any] = next(v for v in self.report["verdicts"] if v["subject"] == subject)
        return found

    def faults(self, subject: str = "") -> str:
        """Return every finding that is no remark, of one subject or of all, as one text."""
        return "\n".join(
            f"{verdict['subject']}: {finding['message']}"
            for verdict in self.report["verdicts"]
            if subject in verdict["subject"]
            for finding in verdict["findings"]
            if finding["outcome"] != "pass"
        )


@dataclass(frozen=True)
class Running:
    """`lbcheck run`, under way."""

    process: "subprocess.Popen[str]"

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def ended(self) -> Checked:
        """Wait for its end and return what it said."""
        output, errors = self.process.communicate()
        return Checked(self.process.returncode, json.loads(output), output + errors)


@dataclass
class Cluster:
    """A lab of its own, beside any other on this machine."""

    instance: str
    inventories: tuple[str, ...] = (str(ROOT / "inventory" / "lab"),)

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which commands find this lab and no other."""
        return os.environ | {"LAB_INSTANCE": self.instance, "NO_COLOR": "1"}

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtual environment as a user would; return what it did."""
        return subprocess.run(
            [str(BIN / words[0]), *words[1:]],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words: str) -> str:
        """Run a program that must succeed; return its output."""
        return self._succeeded(self.command(*words))

    def _succeeded(self, ran: subprocess.CompletedProcess[str]) -> str:
        assert ran.returncode == 0, f"{' '.join(ran.args)}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
        return ran.stdout

    def playbook(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the playbook; return what it did."""
        inventories = [word for inventory in self.inventories for word in ("-i", inventory)]
        words = ("ansible-playbook", *inventories, "ansible/playbooks/site.yml", *arguments)
        return self.command(*words, **environment)

    def converge(self, *arguments: str) -> str:
        """Run the playbook, which must succeed; return its output."""
        return self._succeeded(self.playbook(*arguments))

    def on(self, host: str, *words: str) -> str:
        """Run a command in a host; return its output."""
        return self.done(*self.entrance(host, words))

    def try_on(self, host: str, *words: str) -> int:
        """Run a command in a host; return its exit status."""
        return self.command(*self.entrance(host, words)).returncode

    def entrance(self, host: str, words: tuple[str, ...]) -> list[str]:
        """Return the command that runs another one in a host, as root."""
        return ["python", "-m", "lab", "shell", host, *words]

    def haproxy(self, host: str, order: str) -> str:
        """Send one order to a balancer's admin socket; return the answer."""
        return self.on(host, "python3", "-c", _ASK_HAPROXY, order)

    def rows(self, balancer: str) -> dict[str, dict[str, str]]:
        """Return the rows of a balancer's statistics by what they are of: a server, FRONTEND or BACKEND."""
        table = csv.DictReader(self.haproxy(balancer, "show stat").removeprefix("# ").splitlines())
        return {row["svname"]: row for row in reversed(list(table))}  # of a name that comes again, the first

    def state(self, host: str, service: str) -> str:
        """Return whether a service is active, in systemd's word."""
        return self.on(host, "sh", "-c", f"systemctl is-active {service} || true").strip()

    def status(self, balancer: str, server: str) -> str:
        """Return a server's status as one balancer has it: UP, DOWN or DRAIN."""
        return self.rows(balancer)[server]["status"]

    def requests(self, balancer: str) -> int:
        """Return how many requests a balancer has had."""
        return int(self.rows(balancer)["FRONTEND"]["req_tot"])

    def holds(self, balancer: str, *addresses: str) -> bool:
        """Return whether a balancer has all these addresses now."""
        shown = self.on(balancer, "ip", "-o", "address", "show")
        return all(f" {address}/" in shown for address in addresses)

    def words_on(self, host: str, *words: str) -> list[str]:
        """Return the command, as anybody may run it from here, that runs another one in a host."""
        program, *rest = self.entrance(host, words)
        return [str(BIN / program), *rest]

    def cut(self, host: str) -> list[str]:
        """Return the command that cuts a host off the public network; its own link stays up, and it notices nothing."""
        return self._port(host, "nomaster")

    def join(self, host: str) -> list[str]:
        """Return the command that joins a host that was cut off."""
        return self._port(host, "master", "public")

    def halt(self, host: str) -> list[str]:
        """Return the command that halts a host at once, as a lost power supply would.

        A container's end leaves its network namespace, which goes on answering for its addresses: its links go with it.
        """
        links = [
            self._port(host, "down", bridge=bridge) for bridge in network.bridges(self._lab) if self._has(host, bridge)
        ]
        leader = (self._lab.hosts / host / "pid").read_text(encoding="ascii").split()[0]
        return ["sh", "-c", "; ".join(shlex.join(words) for words in [*links, ["kill", "-KILL", leader]])]

    def revive(self, host: str) -> None:
        """Start a halted host again, and make it what it was."""
        self.done("python", "-m", "lab", "up")
        self.converge("--limit", host)

    @property
    def _lab(self) -> Instance:
        return Instance(self.instance)

    def _port(self, host: str, *words: str, bridge: str = "public") -> list[str]:
        port = network.port_name(host, bridge)
        return ["nsenter", f"--net={self._lab.bridges}", "ip", "link", "set", port, *words]

    def _has(self, host: str, bridge: str) -> bool:
        looking = ["nsenter", f"--net={self._lab.bridges}", "ip", "link", "show", network.port_name(host, bridge)]
        return subprocess.run(looking, capture_output=True, check=False).returncode == 0

    def watch(self, *command: str, lead_s: float, arguments: Sequence[str] = ()) -> Checked:
        """Run `lbcheck failover` with a command that breaks something, and return what it said.

        Where hosts are slower to begin than the lead allows, lbcheck breaks nothing and says so: then with more.
        """
        words = [word for inventory in self.inventories for word in ("-i", inventory)]
        while True:
            lead = ("--lead", f"{lead_s:g}")
            ran = self.command("lbcheck", "failover", *words, *lead, "--format", "json", *arguments, "--", *command)
            assert ran.stdout, f"lbcheck ended with {ran.returncode}: {ran.stderr}"
            checked = Checked(ran.returncode, json.loads(ran.stdout), ran.stdout + ran.stderr)
            if "hosts took" not in checked.report["verdicts"][0]["summary"] or lead_s > 60:
                return checked
            lead_s *= 2

    def check(self, *arguments: str, inventories: Sequence[str] = ()) -> Checked:
        """Run `lbcheck run` and return what it said."""
        words = [word for inventory in (*self.inventories, *inventories) for word in ("-i", inventory)]
        ran = self.command("lbcheck", "run", *words, "--format", "json", *arguments)
        assert ran.stdout, f"lbcheck ended with {ran.returncode}: {ran.stderr}"
        return Checked(ran.returncode, json.loads(ran.stdout), ran.stdout + ran.stderr)

    def measure(self, *arguments: str) -> Checked:
        """Run `lbcheck capacity --measure` and return what it said."""
        words = [word for inventory in self.inventories for word in ("-i", inventory)]
        ran = self.command("lbcheck", "capacity", *words, "--measure", "--format", "json", *arguments)
        assert ran.stdout, f"lbcheck ended with {ran.returncode}: {ran.stderr}"
        return Checked(ran.returncode, json.loads(ran.stdout), ran.stdout + ran.stderr)

    @contextmanager
    def checking(self, *arguments: str, command: str = "run") -> Iterator["Running"]:
        """Start a command of lbcheck, to be ended in the block."""
        inventories = [word for inventory in self.inventories for word in ("-i", inventory)]
        words = [str(BIN / "lbcheck"), command, *inventories, "--format", "json", *arguments]
        with subprocess.Popen(
            words, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as run:
            yield Running(run)

    @cached_property
    def topology(self) -> Topology:
        """The cluster as lbcheck understands it."""
        return load(self.inventories).topology

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host's name."""
        return self.topology.reachable

    def vip(self, balancer: str) -> str:
        """Return the IPv4 address at home on a balancer."""
        return next(vip.address for vip in self.topology.vips if vip.home == balancer and family(vip.address) == 4)

    def address(self, host: str) -> str:
        """Return a host's first IPv4 address."""
        topology = self.topology
        hosts: tuple[Host | Client, ...] = (*topology.dns_servers, *topology.resolvers, *topology.clients)
        return next(a for h in hosts if h.name == host for a in h.addresses if family(a) == 4)

    def settled(self) -> None:
        """Wait until every VIP is at home and every balancer has every server up."""
        for balancer in self.topology.balancers:
            own = [vip.address for vip in self.topology.vips if vip.home == balancer.name]
            until(partial(self.holds, balancer.name, *own), f"{', '.join(own)} at {balancer.name}")
            until(partial(self.has_all_up, balancer.name), f"every server UP at {balancer.name}")

    def has_all_up(self, balancer: str) -> bool:
        """Return whether a balancer gives every server requests."""
        rows = self.rows(balancer)
        return all(rows[server.name]["status"] == "UP" for server in self.topology.backends[0].servers)

    @contextmanager
    def edited(self, host: str, path: str, before: str, after: str, apply: Sequence[str]) -> Iterator[None]:
        """Replace a text in a file of a host and run `apply`; put the file back and run it again."""
        original = self.on(host, "cat", path)
        assert before in original, f"{host}:{path} has no {before!r}"
        self._write(host, path, original.replace(before, after), apply)
        try:
            yield
        finally:
            self._write(host, path, original, apply)

    def _write(self, host: str, path: str, text: str, apply: Sequence[str]) -> None:
        self.on(host, "python3", "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", path, text)
        self.on(host, *apply)

    @contextmanager
    def stopped(self, host: str, service: str) -> Iterator[None]:
        """Stop a service for a while."""
        self.on(host, "systemctl", "stop", service)
        try:
            yield
        finally:
            self.on(host, "systemctl", "start", service)
