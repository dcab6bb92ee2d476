"""No healthy fleet of a real HAProxy is called faulty: every algorithm, by what its socket tells, threads, and traffic.

CI runs twelve cells once each. `make verdicts` runs all of them, five times.
"""

import itertools
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from .counter_servers import haproxy, http_answer, replying

ALGORITHMS = ("roundrobin", "static-rr", "random", "leastconn", "first", "source", "uri", "hdr(User-Agent)")
LEVELS = ("user", "admin", "")  # what the socket allows; empty: lbcheck is not given it
THREADS = (1, 2, 4)
OTHERS = ("alone", "beside others")
CELLS = list(itertools.product(ALGORITHMS, LEVELS, THREADS, OTHERS))
RUNS = 5
OTHER_REQUESTS = 4000  # at most, so that the traffic beside the probe ends by itself
WEIGHTS = {"s1": 1, "s2": 1, "s3": 2}


def in_ci(number: int) -> bool:
    """Return whether CI runs a cell: twelve of all, with every level, number of threads and traffic among them."""
    return number % 13 == 0


def cases() -> Iterator[object]:
    """Give every cell and run; those that CI leaves out are slow."""
    for number, cell in enumerate(CELLS):
        for run in range(RUNS):
            marks = [] if run == 0 and in_ci(number) else [pytest.mark.slow]
            yield pytest.param(*cell, id="-".join(map(str, (*cell, run))), marks=marks)


def owed(algorithm: str, level: str, others: str) -> set[int]:
    """Return the exit statuses that are right: a pass where everything is told and nobody else asks.

    Even at `level admin` HAProxy 2.6 does not tell that it balances by random.
    """
    told = level == "admin" and algorithm != "random"
    return {0} if told and others == "alone" else {0, 3}


@contextmanager
def other_traffic(url: str) -> Iterator[None]:
    """Ask `url` again and again, until the end or for OTHER_REQUESTS."""
    ended = threading.Event()

    def ask() -> None:
        for _ in range(OTHER_REQUESTS):
            if ended.wait(0.004):
                return
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (it is ours)
                answer.read()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize(("algorithm", "level", "threads", "others"), list(cases()))
def test_a_healthy_fleet_is_never_called_faulty(
    tmp_path: Path, algorithm: str, level: str, threads: int, others: str
) -> None:
    """Pass where all is told, pass or inconclusive elsewhere; never a fault, and never without a verdict."""
    with ExitStack() as opened:
        lines = [f"balance {algorithm}"]
        for name, weight in WEIGHTS.items():
            answer = http_answer(b"ok", "200 OK", f"X-Served-By: {name}")
            place = opened.enter_context(replying(lambda _, answer=answer: answer))  # type: ignore[misc]
            lines.append(f"server {name} {place} weight {weight}")
        proxy = opened.enter_context(haproxy(tmp_path, web=lines, level=level or "user", threads=threads))
        if others != "alone":
            opened.enter_context(other_traffic(f"http://{proxy.www}/other"))
        stats = ["--stats", proxy.unix] if level else []
        command = [sys.executable, "-m", "lbcheck", "spread", f"http://{proxy.www}/", "--rate", "0", *stats]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode in owed(algorithm, level, others), ran.stdout + ran.stderr
