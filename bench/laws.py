"""What HAProxy's algorithms really give out: the figures behind the laws of lbcheck/analysis/laws.

    python -m bench.laws [REQUESTS]

HAProxy answers for its own servers, over loopback, in a network namespace made for it. No peer: a table of facts.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import arena
from bench.table import print_table
from lbcheck.analysis.sampling import shares
from lbcheck.model.requests import Request
from lbcheck.probing.http.engine import request

PROGRAMS = {"haproxy": "haproxy", "unshare": "util-linux", "ip": "iproute2"}
URL = "http://127.0.0.1:8080/"
START_S = 10.0

CONFIG = """
global
    nbthread {threads}
    maxconn 4096
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend www
    bind 127.0.0.1:8080
    default_backend web
backend web
    balance {balance}
{servers}
"""
SERVER = """
frontend s{number}
    bind 127.0.0.1:{port}
    http-request return status 200 hdr x-served-by s{number}
"""

CASES: tuple[tuple[str, Sequence[int], int, int], ...] = (
    ("roundrobin", (1, 1, 2), 1, 1),
    ("roundrobin", (1, 1, 2), 4, 16),
    ("roundrobin", (3, 7, 11, 13), 4, 16),
    ("roundrobin", (1, 100, 256), 2, 16),
    ("roundrobin", (3, 256, 256), 2, 16),
    ("static-rr", (3, 7, 11, 13), 4, 16),
    ("random", (1, 1, 1), 2, 4),
    ("random", (100, 100, 100), 2, 4),
    ("random", (1, 1, 2), 2, 4),
    ("leastconn", (1, 1, 2), 2, 1),
    ("leastconn", (1, 1, 2), 2, 16),
    ("first", (1, 1, 2), 2, 16),
    ("source", (1, 1, 2), 2, 16),
)


def measure(balance: str, weights: Sequence[int], threads: int, concurrency: int, requests: int) -> dict[str, object]:
    """Return what one configuration gave each server, and how far off the weights that is at the most."""
    named = {f"s{number}": weight for number, weight in enumerate(weights, 1)}
    lines = [f"    server {name} 127.0.0.1:{9000 + n} weight {w}" for n, (name, w) in enumerate(named.items(), 1)]
    frontends = [SERVER.format(number=number, port=9000 + number) for number in range(1, len(weights) + 1)]
    config = CONFIG.format(threads=threads, balance=balance, servers="\n".join(lines)) + "".join(frontends)
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(config)
        file.flush()
        with arena.running("haproxy", "-db", "-q", "-f", file.name):
            _wait()
            step = Request(url=URL, address="", requests=requests, concurrency=concurrency, keep_alive=True)
            answers = request(step)
    counts = {count.server: count.requests for count in answers.counts}
    total = sum(counts.values())
    off = max(abs(counts.get(name, 0) - share * total) for name, share in shares(named).items())
    return {
        "balance": balance,
        "weights": ":".join(map(str, weights)),
        "threads": threads,
        "at once": concurrency,
        "shares": " ".join(f"{counts.get(name, 0) / total:.3f}" for name in named),
        "requests off": off,
        "of all": off / total,
    }


def _wait() -> None:
    """Wait until HAProxy listens, without asking its backend anything."""
    deadline = time.monotonic() + START_S
    while b":1F90 " not in Path("/proc/net/tcp").read_bytes():  # 8080 in hexadecimal
        if time.monotonic() > deadline:
            raise SystemExit(f"HAProxy does not listen after {START_S:.0f} s")
        time.sleep(0.02)


def inside() -> None:
    """Measure; this process has a network namespace to itself."""
    requests = int(sys.argv[1]) if sys.argv[1:] else 20_000
    rows = [measure(balance, weights, threads, at_once, requests) for balance, weights, threads, at_once in CASES]
    version = subprocess.run(["haproxy", "-v"], capture_output=True, text=True, check=True).stdout.split()[2]
    print_table(f"What HAProxy {version} gives out ({requests:,} keep-alive requests each)", rows)


def main() -> int:
    """Run in a namespace of its own."""
    return arena.enter("bench.laws", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
