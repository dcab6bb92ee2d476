"""Where benches run, in a network namespace of their own that ends all that runs in it; and rounds in pairs."""

import os
import shutil
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

INSIDE = "LBCHECK_BENCH_INSIDE"  # set in the namespace
END_S = 10.0  # for a server to end; it takes well below one


def enter(module: str, programs: Mapping[str, str], inside: Callable[[], None]) -> int:
    """Run `inside` in a namespace of its own; `programs` is program → package. Return the exit status."""
    missing = [package for program, package in programs.items() if not shutil.which(program)]
    if missing:
        raise SystemExit(f"this bench needs {', '.join(missing)}; apt-get install {' '.join(missing)}")
    if INSIDE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        # Connections that were closed rest for 60 s, each on its port.
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("1024 65535")
        inside()
        return 0
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    namespace = ["unshare", *as_user, "--net", "--pid", "--fork", "--kill-child"]
    command = [*namespace, sys.executable, "-m", module, *sys.argv[1:]]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the namespace ends, too
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode


@contextmanager
def running(*command: str) -> Iterator[None]:
    """Run a program until the end of the block."""
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=END_S)


def pairs(ours: Callable[[], float], theirs: Callable[[], float], rounds: int, peer: str) -> dict[str, object]:
    """Measure both in turn, each first in every other round; return medians, and the ratio pair by pair."""
    measured = []
    for number in range(rounds):
        first, second = (theirs, ours) if number % 2 else (ours, theirs)
        one, other = first(), second()
        measured.append((other, one) if number % 2 else (one, other))
    ratios = [a / b for a, b in measured]
    return {
        "lbcheck/s": round(statistics.median(a for a, _ in measured)),
        f"{peer}/s": round(statistics.median(b for _, b in measured)),
        "ratio": statistics.median(ratios),
        "min": min(ratios),
        "max": max(ratios),
    }
