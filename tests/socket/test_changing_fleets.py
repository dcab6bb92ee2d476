"""Real HAProxy whose servers change, warm up, are full or dead: what its counters tell is said, and fails as owed."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .counter_servers import Haproxy, eventually, haproxy
from .http_servers import Server, serving
from .test_commands import report, web

Verdict = dict[str, Any]


@dataclass(frozen=True)
class Fleet:
    """A HAProxy in front of three servers, and its runtime API."""

    proxy: Haproxy

    def tell(self, command: str) -> str:
        """Give HAProxy a command; return what it says."""
        with socket.socket(socket.AF_UNIX) as api:
            api.connect(str(self.proxy.path))
            api.sendall(f"{command}\n".encode())
            return api.makefile().read().strip()

    def column(self, server: str, name: str) -> str:
        """Return one cell of `show stat`."""
        header, *rows = (line.split(",") for line in self.tell("show stat").removeprefix("# ").splitlines())
        return next(row[header.index(name)] for row in rows if row[:2] == ["web", server])

    def spread(self, *arguments: str, meanwhile: Callable[[], object] = lambda: None) -> tuple[int, Verdict]:
        """Ask the fleet, and do something meanwhile; return the exit status and the verdict."""
        words = ["spread", f"http://{self.proxy.www}/", "--stats", self.proxy.unix, "--format", "json", *arguments]
        command = [sys.executable, "-m", "lbcheck", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
            meanwhile()
            output, _ = running.communicate(timeout=60)
        ran = subprocess.CompletedProcess(command, running.returncode, output)
        (verdict,) = report(ran)["verdicts"]
        return running.returncode, verdict

    def answered(self, least: int) -> None:
        """Wait until so many requests reached the backend since its counters began."""
        eventually(lambda: int(self.column("BACKEND", "stot")), lambda n: n >= least, seconds=20)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, ...]]:
    """Three servers that answer at once; yields their addresses."""
    with ExitStack() as opened:
        urls = [opened.enter_context(web([name]))[0] for name in ("s1", "s2", "s3")]
        yield tuple(url.split("/")[2] for url in urls)


@contextmanager
def fleet(directory: Path, *lines: str) -> Iterator[Fleet]:
    """Run HAProxy with these lines in its backend."""
    with haproxy(directory, web=lines, level="admin") as proxy:
        yield Fleet(proxy)


def places(servers: Sequence[str], options: str = "") -> list[str]:
    """Return a configuration's line for each server."""
    return [f"server s{number} {place} {options}" for number, place in enumerate(servers, start=1)]


def first(verdict: Verdict) -> str:
    """Return what is said first."""
    message: str = verdict["findings"][0]["message"]
    return message


def faults(verdict: Verdict) -> list[str]:
    """Return what is a fault."""
    return [finding["message"] for finding in verdict["findings"] if finding["outcome"] == "fail"]


def test_changes_during_a_run_are_named_and_fail_nothing(tmp_path: Path, servers: Sequence[str]) -> None:
    """A weight, a server that goes and comes back, counters that are cleared: each is inconclusive by its name."""
    slowly = ("--requests", "200", "--rate", "250")
    with fleet(tmp_path, "balance roundrobin", *places(servers, "weight 10")) as seen:

        def half_way(*commands: str) -> Callable[[], None]:
            def change() -> None:
                seen.answered(120)
                for command in commands:
                    seen.tell(command)

            return change

        status, verdict = seen.spread(*slowly, meanwhile=half_way("set server web/s3 weight 5"))
        assert (status, first(verdict)) == (3, "weight of server s3 changed from 10 to 5 during the run: run again")
        seen.tell("clear counters all")
        status, verdict = seen.spread(*slowly, meanwhile=half_way("clear counters all"))
        assert (status, first(verdict)) == (
            3,
            f"HAProxy's counters on {seen.proxy.unix} were cleared during the run: run again",
        )
        seen.tell("clear counters all")
        flap = half_way("set server web/s3 state maint", "set server web/s3 state ready")
        status, verdict = seen.spread(*slowly, meanwhile=flap)
        assert status == 3
        assert first(verdict).startswith("server s3 left its state (no check) and came back to it")
        seen.tell("clear counters all")
        status, verdict = seen.spread(*slowly, meanwhile=half_way("set server web/s3 state maint"))
        assert status == 3
        assert first(verdict).startswith("server s3 changed from no check to MAINT ")


def test_a_server_in_slowstart_is_said_with_its_part_of_its_weight(tmp_path: Path, servers: Sequence[str]) -> None:
    """It was just taken back: what it is owed is computed, or it is said when to run again."""
    lines = places(servers, "check inter 200ms rise 1 slowstart 60s")
    with fleet(tmp_path, "balance roundrobin", *lines) as seen:
        seen.tell("set server web/s3 state maint")
        seen.tell("set server web/s3 state ready")
        eventually(lambda: seen.column("s3", "throttle"), bool)
        status, verdict = seen.spread("--requests", "600")
    assert status != 1, verdict
    assert any("slowstart" in finding["message"] for finding in verdict["findings"])


@pytest.mark.parametrize("option", ["no option allbackups", "option allbackups"])
def test_backups_are_owed_what_they_serve(tmp_path: Path, servers: Sequence[str], option: str) -> None:
    """Nothing while the one server serves; then the first of them everything, or all of them their share."""
    lines = places(servers)
    with fleet(tmp_path, "balance roundrobin", option, lines[0], *(f"{line} backup" for line in lines[1:])) as seen:
        assert seen.spread("--requests", "200")[0] == 0
        seen.tell("set server web/s1 state maint")
        status, verdict = seen.spread("--requests", "200")
    assert (status, first(verdict)) == (
        0,
        "HAProxy says server s1 is in maintenance (MAINT): set to maintenance at run time",
    )
    both = [200, 0] if option.startswith("no") else [100, 100]
    assert [verdict["evidence"]["servers"][name]["client"] for name in ("s2", "s3")] == both


def test_a_dead_server_without_a_check_is_the_fault_and_not_the_shares(tmp_path: Path, servers: Sequence[str]) -> None:
    """What it refuses HAProxy gives to others, and its choices keep the law."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    lines = places([*servers[:2], nobody])
    with fleet(tmp_path, "balance roundrobin", "option redispatch", *lines) as seen:
        status, verdict = seen.spread("--requests", "300")
        refused = seen.column("s3", "wredis")
    assert status == 1
    assert faults(verdict) == [f"server s3 refused {refused} connections; HAProxy gave them to others"]


def test_a_server_that_is_down_fails_though_nobody_listed_it(tmp_path: Path, servers: Sequence[str]) -> None:
    """Its health check says so, and the others share evenly."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    lines = places([*servers[:2], nobody], "check inter 100ms fall 1")
    with fleet(tmp_path, "balance roundrobin", *lines) as seen:
        eventually(lambda: seen.column("s3", "status"), lambda status: status == "DOWN")
        status, verdict = seen.spread("--requests", "200")
    assert (status, faults(verdict)) == (1, ["HAProxy says server s3 is DOWN (L4CON)"])


@pytest.mark.parametrize(
    "kept", [("stick-table type ip size 1k", "stick on src"), ("use-server s2 if TRUE",)], ids=["stick", "use-server"]
)
def test_clients_that_keep_their_server_are_inconclusive(
    tmp_path: Path, servers: Sequence[str], kept: Sequence[str]
) -> None:
    """The algorithm chose once or never, and it is said how to look behind it."""
    with fleet(tmp_path, "balance roundrobin", *kept, *places(servers)) as seen:
        status, verdict = seen.spread("--requests", "100", "--concurrency", "1")
    assert status == 3
    assert first(verdict).startswith(f"HAProxy chose a server for {len(kept) - 1} of 100 requests; a cookie, a stick")


def test_a_cookie_that_the_probe_does_not_bring_hides_nothing(tmp_path: Path, servers: Sequence[str]) -> None:
    """Each request is chosen a server for, so the law is exact."""
    lines = [f"{line} cookie c{number}" for number, line in enumerate(places(servers))]
    with fleet(tmp_path, "balance roundrobin", "cookie ID insert", *lines) as seen:
        status, verdict = seen.spread("--requests", "100")
    assert status == 0, verdict
    assert verdict["evidence"]["test"]["name"].startswith("exact bound")


def test_a_law_is_void_where_a_server_was_full(tmp_path: Path, servers: Sequence[str]) -> None:
    """A slow server that takes one at a time: what waits for it goes elsewhere, and that is no fault."""

    def slow(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            time.sleep(0.02)  # an answer takes longer than those of the others
            connection.sendall(server.answer(name="s3"))

    with serving(slow) as last:
        lines = places([*servers[:2], f"127.0.0.1:{last.port}"])
        with fleet(tmp_path, "balance roundrobin", "timeout queue 10ms", *lines[:2], f"{lines[2]} maxconn 1") as seen:
            status, verdict = seen.spread("--requests", "300", "--concurrency", "16", "--expect", "2xx,5xx")
    assert any("s3 reached its maxconn of 1" in finding["message"] for finding in verdict["findings"]), verdict
    assert not any("owes it" in fault for fault in faults(verdict))
    assert status != 0


@pytest.mark.parametrize("balance", ["hdr(X-Session)", "rdp-cookie"])
def test_a_hash_whose_key_no_request_has_takes_turns(tmp_path: Path, servers: Sequence[str], balance: str) -> None:
    """As HAProxy's manual says; whether a key would stay at its server is said to be open."""
    with fleet(tmp_path, f"balance {balance}", *places(servers)) as seen:
        status, verdict = seen.spread("--requests", "150")
    assert status == 0, verdict
    assert "whether one key meets one server cannot be told" in verdict["findings"][-1]["message"]
