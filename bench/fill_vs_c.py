"""lbcheck's engine for tuple capacity against a bare C loop, asyncio, and the kernel's own choice of ports.

    python -m bench.fill_vs_c [ROUNDS] [SECONDS FOR THE SLOW ONES]

All open one source address's whole range to one endpoint, over loopback, in a network namespace made for it, into the
queue of the same kind of listener; each with every processor. Rounds alternate; the ratio of each pair is taken.
"""

import asyncio
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import arena
from bench.table import print_table
from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.fill import Fill
from lbcheck.model.opening import BindingMode
from lbcheck.probing import child
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.engine import filling
from lbcheck.probing.fill.listening import listening
from lbcheck.probing.fill.plan import SPARE_DESCRIPTORS, workers

PROGRAMS = {"gcc": "gcc", "unshare": "util-linux", "ip": "iproute2"}
SERVER = Endpoint("127.0.0.1", 80)
SOURCE = "127.1.0.1"
PORTS = PortRange(1024, 65523)  # 64,500 of them
# Of the C loop, of asyncio, of the kernel's choice: the targets, for the medians.
OF_C, OF_ASYNCIO, OF_KERNEL = 0.95, 5.0, 30.0
ASYNCIO_S = 2.0  # of opening: less than it takes to use up one process's descriptors
AT_ONCE = len(os.sched_getaffinity(0))
PROCESSES = workers(len(PORTS), resource.getrlimit(resource.RLIMIT_NOFILE)[1] - SPARE_DESCRIPTORS, AT_ONCE)


def engine(binding: BindingMode = BindingMode.EXPLICIT, seconds: float = 3600.0) -> tuple[int, float]:
    """Return how many connections lbcheck opened until all or the time was used up, and how long it took."""
    ports = PORTS if binding is BindingMode.EXPLICIT else None
    step = Fill(endpoints=(SERVER,), sources=(SOURCE,), ports=ports, binding=binding, limit=len(PORTS), reset=False)
    end = time.monotonic() + seconds
    with listening(step.endpoints) as listeners:
        with filling(step, lambda: time.monotonic() > end, pair_bytes=needs.PAIR_BYTES) as holding:
            listeners.close()
        held = holding.sample()
    if binding is BindingMode.EXPLICIT and held.held != len(PORTS):
        raise SystemExit(f"lbcheck's measurement is not sound: {held}")
    return held.held or 0, held.seconds


def bare_c(program: Path) -> tuple[int, float]:
    """Return the same for the C loop, over as many processes."""
    with listening((SERVER,)) as listeners:
        words = [str(program), str(len(PORTS)), str(PROCESSES), str(AT_ONCE)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as loop:
            assert loop.stdout  # noqa: S101 (it is a pipe)
            opened, seconds = loop.stdout.readline().split()
            listeners.close()
    if int(opened) != len(PORTS):
        raise SystemExit(f"the C loop opened {opened} connections of {len(PORTS)}")
    return int(opened), float(seconds)


def one_event_loop() -> tuple[int, float]:
    """Return the same for asyncio's streams with explicit ports: one event loop, until its time is up."""
    with listening((SERVER,)) as listeners:
        start = time.monotonic()
        worker = child.fork(lambda channel: asyncio.run(_streams(channel, start + ASYNCIO_S)))
        report = worker.report() or {"opened": 0}
        taken = time.monotonic() - start
        listeners.close()
        worker.dismiss()
        worker.bury()
    return report["opened"], taken


async def _streams(channel: socket.socket, end: float) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept, ports = [], iter(range(PORTS.low, min(PORTS.high, PORTS.low + hard - 4 * SPARE_DESCRIPTORS)))

    async def opening() -> None:
        for port in ports:
            if time.monotonic() > end:
                return
            kept.append(await asyncio.open_connection(SERVER.address, SERVER.port, local_addr=(SOURCE, port)))

    await asyncio.gather(*(opening() for _ in range(50)))
    child.say(channel, {"opened": len(kept)})
    child.wait_for_dismissal(channel)


def inside() -> None:
    """Measure; this process has a network namespace to itself."""
    rounds, seconds = (int(sys.argv[1]) if sys.argv[1:] else 15), (float(sys.argv[2]) if sys.argv[2:] else 40.0)
    Path("/proc/sys/net/core/somaxconn").write_text("3000000")
    Path("/proc/sys/net/ipv4/tcp_max_syn_backlog").write_text("3000000")
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory, "connect")
        source = Path(__file__).with_name("connect.c")
        subprocess.run(["gcc", "-O2", "-o", program, source], check=True)
        engine()  # once for nothing: the kernel's first slab pages
        c_loop = arena.pairs(rate(engine), rate(lambda: bare_c(program)), rounds, "peer")
        streams = arena.pairs(rate(engine), rate(one_event_loop), rounds, "peer")
        rows: list[dict[str, object]] = [
            {"peer": "C, explicit ports"} | c_loop | {"target": OF_C},
            {"peer": "asyncio, one event loop"} | streams | {"target": OF_ASYNCIO},
        ]
    print_table(f"{len(PORTS):,} connections from one address to one endpoint ({rounds} rounds, medians)", rows)
    slow = kernels_choice(seconds)
    print_table("The same with ports of the kernel's choice", [slow])
    missed = [row for row in rows if float(str(row["ratio"])) < float(str(row["target"]))]
    if missed or float(str(slow["ratio at least"])) < OF_KERNEL:
        raise SystemExit(1)


def rate(measure: Callable[[], tuple[int, float]]) -> Callable[[], float]:
    """Return the same measurement in connections a second."""

    def measured() -> float:
        count, seconds = measure()
        return count / seconds

    return measured


def kernels_choice(seconds: float) -> dict[str, object]:
    """Measure once, for it takes long; where time ends it, what is left would have been slower still."""
    ours = statistics.median(engine()[1] for _ in range(3))
    opened, taken = engine(BindingMode.NO_PORT, seconds)
    return {
        "lbcheck s": ours,
        "kernel's choice s": taken,
        "of all": f"{opened / len(PORTS):.1%}",
        "ratio at least": taken / ours,
        "target": OF_KERNEL,
    }


def main() -> int:
    """Run the bench in a namespace of its own."""
    return arena.enter("bench.fill_vs_c", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
