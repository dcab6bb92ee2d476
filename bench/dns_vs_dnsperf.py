"""lbcheck's DNS queries, naming the first address of each answer, against dnsperf, which reads none.

    python -m bench.dns_vs_dnsperf [ROUNDS] [SECONDS]

Both ask the same NSD, over loopback, in a network namespace made for it. Rounds alternate.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import arena
from bench.table import print_table
from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import Resolve
from lbcheck.probing.dns.resolve import resolve

PROGRAMS = {"dnsperf": "dnsperf", "nsd": "nsd", "unshare": "util-linux", "ip": "iproute2"}
SERVER = Endpoint("127.0.0.1", 5300)
NAME = "www.lab.test"
ENOUGH = 100_000_000  # queries: time ends a round, for both
START_S = 10.0

NSD = """
server:
    ip-address: {server.address}@{server.port}
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    pidfile: "{directory}/nsd.pid"
    logfile: "{directory}/nsd.log"
    database: ""
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    zonelistfile: "{directory}/zone.list"
    server-count: 1
    round-robin: yes
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: lab.test
    zonefile: {directory}/lab.test.zone
"""
ZONE = """
$ORIGIN lab.test.
$TTL 60
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
www A 198.18.0.101
www A 198.18.0.102
"""


@contextmanager
def server() -> Iterator[None]:
    """Run NSD, and wait until it answers."""
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory, "nsd.conf")
        config.write_text(NSD.format(server=SERVER, directory=directory))
        Path(directory, "lab.test.zone").write_text(ZONE)
        with arena.running("nsd", "-d", "-c", str(config)):
            deadline = time.monotonic() + START_S
            while resolve(Resolve(name=NAME, rdtype="A", queries=1, server=SERVER, timeout_s=0.5)).failure:
                if time.monotonic() > deadline:
                    raise SystemExit(f"NSD does not answer after {START_S:.0f} s")
                time.sleep(0.05)
            yield


def lbcheck(seconds: float) -> float:
    """Return lbcheck's queries a second; every answer must have named an address, both about equally often."""
    end = time.monotonic() + seconds
    step = Resolve(name=NAME, rdtype="A", queries=ENOUGH, server=SERVER, layer="authoritative")
    sample = resolve(step, lambda: time.monotonic() > end)
    answered = sum(sample.first.values())
    if sample.failure or max(sample.first.values()) > 0.51 * answered:
        raise SystemExit(f"lbcheck's measurement is not sound: {sample}")
    return answered / sample.seconds


def dnsperf(seconds: float, queries: Path) -> float:
    """Return dnsperf's queries a second: one client, one thread, as many queries out as it has by default (100)."""
    command = ["dnsperf", "-s", SERVER.address, "-p", str(SERVER.port), "-d", str(queries), "-c1", "-T1"]
    command += ["-l", str(max(1, round(seconds)))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
    rate = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    if not rate or not float(rate[1]):
        raise SystemExit(f"dnsperf measured nothing:\n{done.stdout}")
    return float(rate[1])


def inside() -> None:
    """Measure; this process has a network namespace to itself."""
    rounds, seconds = (int(sys.argv[1]) if sys.argv[1:] else 9), (float(sys.argv[2]) if sys.argv[2:] else 1.0)
    with server(), tempfile.NamedTemporaryFile("w", suffix=".txt") as queries:
        queries.write(f"{NAME} A\n")
        queries.flush()
        row = arena.pairs(lambda: lbcheck(seconds), lambda: dnsperf(seconds, Path(queries.name)), rounds, "dnsperf")
    print_table(f"lbcheck's DNS queries and dnsperf ({rounds} rounds of {seconds:g} s, medians)", [row])


def main() -> int:
    """Run the bench in a namespace of its own."""
    return arena.enter("bench.dns_vs_dnsperf", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
