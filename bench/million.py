"""A million connections and more to one address and port: how long, and how much of the kernel's memory.

    python -m bench.million [all | CONNECTIONS]

1,000,000 in the listener's queue, and 1,000,000 accepted. `all` adds 2,300,000 in the queue, more than WhatsApp's
record of 2,277,845 (2012), in 17 GB; a number opens so many in the queue, without a target. All over loopback, in a
network namespace made for it; letting go is timed apart. A case that this machine has no memory for is passed over,
and said.

Slab is read after the kernel was told to give back what nobody uses (vm.drop_caches, root only). Where something else
on the machine looks into /proc/PID/fd meanwhile, the kernel caches an inode for each file that it saw: measured without
lbcheck, 15,000 idle sockets, 15,000 such inodes within 8 s. What was given back stands in a column of its own.
"""

import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench import arena
from bench.table import print_table
from lbcheck.checks.prove.claims import clients, endpoints
from lbcheck.checks.prove.rows import EVERY_PORT
from lbcheck.errors import LbcheckError
from lbcheck.model.fill import Fill
from lbcheck.probing import proof_stand
from lbcheck.probing.fill.engine import filling, prepare
from lbcheck.probing.fill.listening import QUEUE, listening

PROGRAMS = {"unshare": "util-linux", "ip": "iproute2"}
HOPELESS = 3600.0  # seconds, and gigabytes: no target
WORDS = sys.argv[1:]


@dataclass(frozen=True)
class Case:
    """So many connections, where they wait, and the targets."""

    connections: int
    accept: bool = False
    most_s: float = HOPELESS
    most_gb: float = HOPELESS

    def fill(self) -> Fill:
        """Return what is opened: as many client addresses as it takes."""
        sources = clients(-(-self.connections // len(EVERY_PORT)))
        return Fill(endpoints=endpoints(1), sources=sources, ports=EVERY_PORT, limit=self.connections, reset=False)

    def measure(self) -> dict[str, object]:
        """Return a row of the table; accepted means that nothing is left in the queue."""
        give_back()
        step, began = self.fill(), time.monotonic()
        with listening(step.endpoints, accept=self.accept) as listeners:
            with filling(step, pair_bytes=proof_stand.pair_bytes(accept=self.accept)) as holding:
                if self.accept:
                    listeners.wait_until_accepted()
                opened = time.monotonic() - began
                cached = holding.slab_bytes() / 1e9
                give_back()
                slab = holding.slab_bytes() / 1e9
                leaving = time.monotonic()
                listeners.close()
            left = time.monotonic() - leaving
        sample = holding.sample()
        if sample.held != self.connections or sample.time_wait:
            raise SystemExit(f"lbcheck's measurement is not sound: {sample}")
        return {
            "connections": f"{self.connections:,}",
            "where": "accepted" if self.accept else "in the queue",
            "processes": sample.workers,
            "s": opened,
            "at most s": self.most_s,
            "connections/s": round(self.connections / opened),
            "slab GB": slab,
            "at most GB": self.most_gb,
            "given back GB": cached - slab,
            "let go s": left,
            "met": "yes" if opened < self.most_s and slab < self.most_gb else "NO",
        }


def give_back() -> None:
    """Have the kernel free the names and inodes that it only keeps in case somebody asks again."""
    with suppress(OSError):  # not root's namespace: then they count
        Path("/proc/sys/vm/drop_caches").write_text("2")


MILLION = (
    Case(1_000_000, most_s=40.0, most_gb=7.5),
    Case(1_000_000, accept=True, most_s=90.0, most_gb=8.5),
)
RECORD = Case(2_300_000, most_s=90.0, most_gb=17.0)


def cases() -> tuple[Case, ...]:
    """Return what the command line asks for."""
    match WORDS:
        case ["all"]:
            return (*MILLION, RECORD)
        case [number] if number.isdecimal():
            return (Case(int(number)),)
        case _:
            return MILLION


def inside() -> None:
    """Measure; this process has a network namespace to itself."""
    Path("/proc/sys/net/core/somaxconn").write_text(str(QUEUE))
    Path("/proc/sys/net/ipv4/tcp_max_syn_backlog").write_text(str(QUEUE))
    rows = []
    for case in cases():
        try:
            prepare(case.fill(), proof_stand.pair_bytes(accept=case.accept)).check()
        except LbcheckError as error:
            sys.stderr.write(f"passed over: {error}\n")
            continue
        rows.append(case.measure())
    if rows:
        print_table("Connections held to one address and port", rows)
    if any(row["met"] == "NO" for row in rows):
        raise SystemExit(1)


def main() -> int:
    """Run the bench in a namespace of its own."""
    return arena.enter("bench.million", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
