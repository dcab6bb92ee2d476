"""Each algorithm as the real HAProxy runs it: healthy, it passes its law; called by another's name, it does not."""

import subprocess
import sys
from pathlib import Path

import pytest

from .counter_servers import haproxy
from .test_commands import report, web

WEIGHTS = {"s1": 1, "s2": 1, "s3": 2}


def spread(directory: Path, balance: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask a real HAProxy in front of three real servers, with its own statistics as a witness."""
    with web(["s1"]) as (one, _), web(["s2"]) as (two, _), web(["s3"]) as (three, _):
        places = zip(WEIGHTS.items(), (one, two, three), strict=True)
        lines = [f"server {name} {url.split('/')[2]} weight {weight}" for (name, weight), url in places]
        with haproxy(directory, web=[f"balance {balance}", *lines]) as proxy:
            words = [
                "spread",
                f"http://{proxy.www}/",
                "--stats",
                proxy.unix,
                "--algorithm",
                balance,
                "--format",
                "json",
            ]
            command = [sys.executable, "-m", "lbcheck", *words, *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "balance", ["roundrobin", "static-rr", "random", "leastconn", "first", "source", "uri", "hdr(host)"]
)
@pytest.mark.parametrize("connections", [(), ("--keep-alive",)])
def test_a_healthy_algorithm_keeps_its_law(tmp_path: Path, balance: str, connections: tuple[str, ...]) -> None:
    """What HAProxy gives out is what the law of its algorithm owes, and both witnesses agree."""
    ran = spread(tmp_path, balance, *connections)
    [verdict] = report(ran)["verdicts"]
    assert ran.returncode == 0, verdict
    assert any("the witnesses agree: the clients, HAProxy" in finding["message"] for finding in verdict["findings"])


@pytest.mark.parametrize(
    ("balance", "said", "statuses"),
    [("random", "roundrobin", {1, 3}), ("roundrobin", "source", {1}), ("source", "leastconn", {1})],
)
def test_an_algorithm_called_by_anothers_name_is_found_out(
    tmp_path: Path, balance: str, said: str, statuses: set[int]
) -> None:
    """Counts that keep one law break another; random is off a cycle, but perhaps by too little to matter."""
    assert spread(tmp_path, balance, "--algorithm", said).returncode in statuses
