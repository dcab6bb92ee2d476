"""lbcheck's HTTP engine, naming the server of each answer, against wrk, which names nobody.

    python -m bench.spread_vs_wrk [ROUNDS] [SECONDS]

Both ask the same HAProxy in front of three nginx, over loopback, in a network namespace made for it. Rounds alternate;
the ratio of each pair is taken, so that what else the machine does falls on both.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import arena
from bench.table import print_table
from lbcheck.model.requests import Request
from lbcheck.probing.http.engine import request

PROGRAMS = {"wrk": "wrk", "haproxy": "haproxy", "nginx": "nginx-light", "unshare": "util-linux", "ip": "iproute2"}
URL = "http://127.0.0.1:8080/"
ENOUGH = 10_000_000  # requests: time ends a round, for both
START_S = 10.0  # for a server to answer; it takes well below one

HAPROXY = """
global
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
    balance roundrobin
    http-response set-header x-balanced-by lb1
    server web1 127.0.0.1:8081
    server web2 127.0.0.1:8082
    server web3 127.0.0.1:8083 weight 2
"""

NGINX = """
daemon off;
pid {directory}/{name}.pid;
error_log stderr error;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    server {{
        listen 127.0.0.1:{port};
        add_header X-Served-By {name} always;
        add_header X-Seen $remote_addr:$remote_port-$server_addr:$server_port always;
        location / {{ default_type text/plain; return 200 "{name}\\n"; }}
    }}
}}
"""


@dataclass(frozen=True)
class Case:
    """What both sides do in one row of the table."""

    name: str
    keep_alive: bool
    connections: int
    threads: int  # wrk's; lbcheck has one

    def wrk(self, seconds: float) -> float:
        """Return the requests a second of wrk."""
        command = ["wrk", f"-t{self.threads}", f"-c{self.connections}", f"-d{max(1, round(seconds))}s", URL]
        if not self.keep_alive:
            command[1:1] = ["-H", "Connection: close"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        if not rate or not float(rate[1]):
            raise SystemExit(f"wrk measured nothing:\n{done.stdout}")
        return float(rate[1])

    def lbcheck(self, seconds: float) -> float:
        """Return the requests a second of lbcheck's engine; every answer must name its server."""
        step = Request(
            url=URL,
            address="",
            requests=ENOUGH,
            concurrency=self.connections,
            keep_alive=self.keep_alive,
            identify_balancer="header:x-balanced-by",
        )
        end = time.monotonic() + seconds
        answers = request(step, lambda: time.monotonic() > end)
        if answers.failure or answers.errors or {count.server for count in answers.counts} != {"web1", "web2", "web3"}:
            raise SystemExit(f"lbcheck's measurement is not sound: {answers}")
        return answers.sent / answers.seconds

    def measure(self, rounds: int, seconds: float) -> dict[str, object]:
        """Return one row of the table."""
        row = arena.pairs(lambda: self.lbcheck(seconds), lambda: self.wrk(seconds), rounds, "wrk")
        return {"case": self.name, "connections": self.connections, "wrk threads": self.threads} | row


CASES = (
    Case("connection for each", False, 16, 1),
    Case("connection for each", False, 64, 1),
    Case("connection for each, wrk's defaults", False, 10, 2),
    Case("keep-alive", True, 16, 1),
    Case("keep-alive", True, 64, 1),
    Case("keep-alive, wrk's defaults", True, 10, 2),
)


@contextmanager
def servers() -> Iterator[None]:
    """Run HAProxy and three nginx, and wait until they answer."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        for number in (1, 2, 3):
            name = f"web{number}"
            file = Path(directory, f"{name}.conf")
            file.write_text(NGINX.format(directory=directory, name=name, port=8080 + number))
            stack.enter_context(arena.running("nginx", "-p", directory, "-e", "stderr", "-c", str(file)))
        file = Path(directory, "haproxy.cfg")
        file.write_text(HAPROXY)
        stack.enter_context(arena.running("haproxy", "-db", "-f", str(file)))
        deadline = time.monotonic() + START_S
        while len(request(Request(url=URL, address="", requests=12, timeout_s=1.0)).counts) < 3:
            if time.monotonic() > deadline:
                raise SystemExit(f"HAProxy and nginx do not answer after {START_S:.0f} s")
            time.sleep(0.05)
        yield


def inside() -> None:
    """Measure; this process has a network namespace to itself."""
    rounds, seconds = (int(sys.argv[1]) if sys.argv[1:] else 9), (float(sys.argv[2]) if sys.argv[2:] else 1.0)
    with servers():
        rows = [case.measure(rounds, seconds) for case in CASES]
    print_table(f"lbcheck's HTTP engine and wrk ({rounds} rounds of {seconds:g} s, medians)", rows)


def main() -> int:
    """Run the bench in a namespace of its own."""
    return arena.enter("bench.spread_vs_wrk", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
