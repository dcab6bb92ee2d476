"""Watching a real listener on loopback that goes away, falls silent, resets, and comes back."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from lbcheck.model.cluster import Backend, Cluster, Frontend
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.verdict import Outcome
from lbcheck.model.watch import Gap, Route, RouteSeen, Watch
from lbcheck.pipeline import run
from lbcheck.probing.http.watch import watch

from .fill_world import until

PACE_S = 0.02
SERVER = """
import socket, sys
name, port = sys.argv[1], int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", port), backlog=256)
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    try:
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 200 OK\\r\\nX-Balancer: {name}\\r\\nContent-Length: 2\\r\\n\\r\\nok".encode())
    except OSError:
        pass
    connection.close()
"""


@contextmanager
def serving(name: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Serve in a process of its own, which can be stopped and killed."""
    process = subprocess.Popen([sys.executable, "-c", SERVER, name, str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


@pytest.fixture
def port() -> int:
    """A port where nobody listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


def watched(port: int, for_s: float, event: Callable[[], None], after_s: float = 0.3) -> RouteSeen:
    """Watch a port, with something that happens meanwhile."""
    step = Watch(
        routes=(Route(f"http://127.0.0.1:{port}/", "127.0.0.1"),),
        interval_s=PACE_S,
        for_s=for_s,
        identify_balancer="header:x-balancer",
        timeout_s=0.3,
    )
    timer = threading.Timer(after_s, event)
    timer.start()
    try:
        return watch(step).seen[0]
    finally:
        timer.join()


def longest(seen: RouteSeen) -> Gap:
    """Return the longest gap."""
    return max(seen.gaps, key=lambda gap: gap.seconds)


def test_a_listener_that_goes_and_comes_back_leaves_a_gap_as_long_as_it_was_away(port: int) -> None:
    """The gap holds the whole outage, and is longer by the pauses around it only; it says who was before and after."""
    away: list[float] = []
    with serving("lb1", port) as first:

        def replace() -> None:
            away.append(time.monotonic())
            first.kill()
            first.wait()
            time.sleep(0.4)
            second.enter_context(serving("lb2", port))
            away.append(time.monotonic())

        with ExitStack() as second:
            seen = watched(port, 2.0, replace)
    gap = longest(seen)
    assert (gap.before, gap.after, gap.back) == ("lb1", "lb2", True)
    # The attempt under way when it went had begun up to a timeout before.
    assert 0.4 <= gap.seconds <= away[1] - away[0] + 2 * seen.pause_s + 0.3
    assert "refused" in seen.errors


def test_silence_does_not_hide_when_the_service_is_back(port: int) -> None:
    """A stopped process accepts and says nothing: attempts go out all the same, and each has its own timeout."""
    with serving("lb1", port) as server:

        def pause() -> None:
            server.send_signal(signal.SIGSTOP)
            time.sleep(0.8)
            server.send_signal(signal.SIGCONT)

        seen = watched(port, 2.5, pause)
    # An attempt that began shortly before it went on is answered within its time.
    assert 0.8 - 0.3 - 2 * seen.pause_s <= longest(seen).seconds <= 0.8 + 2 * seen.pause_s + 0.3
    assert set(seen.errors) == {"timeout"}
    assert seen.attempts >= 0.5 * 2.5 / PACE_S


def test_resets_are_failures(port: int) -> None:
    """Who accepts and resets serves nobody."""
    with socket.create_server(("127.0.0.1", port)) as listener:

        def reset() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    connection.close()

        threading.Thread(target=reset, daemon=True).start()
        seen = watched(port, 0.3, lambda: None, 0.0)
        listener.shutdown(socket.SHUT_RDWR)
    assert set(seen.errors) == {"reset"}
    assert seen.first_answer_s is None
    assert seen.gaps == (Gap(seen.gaps[0].start_s, seen.gaps[0].end_s, seen.attempts, back=False),)


def test_a_watch_leaves_no_time_wait(port: int) -> None:
    """Each connection ends with a reset: a long watch uses up no ports."""
    with serving("lb1", port):
        watched(port, 0.3, lambda: None)
        sockets = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in sockets]
    assert not [row for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "06"]


def _question(port: int) -> Question:
    frontend = Frontend("www", f"http://127.0.0.1:{port}/", "web", ("127.0.0.1",))
    return Question(
        Cluster(frontends=(frontend,), backends=(Backend("web"),)),
        lab=True,
        identify_balancer="header:x-balancer",
        watches_failover=True,
        longest_gap_s=0.5,
    )


def _options(*command: str) -> Options:
    return Options(command=command, lead_s=1.5, watch_s=0.8, timeout_s=0.3)


def test_the_command_runs_while_the_service_is_watched(port: int) -> None:
    """What the command kills is seen to answer before it, and never again."""
    with serving("lb1", port) as server:
        report = run(_question(port), _options("kill", str(server.pid)), checks=["failover"])
    command, address = report.verdicts
    assert (command.outcome, command.evidence["command"]["status"]) == (Outcome.PASS, 0)
    assert address.outcome is Outcome.FAIL
    assert address.evidence["gaps"][-1]["before"] == "lb1"
    assert not address.evidence["back"]


def test_nothing_is_broken_that_does_not_answer(port: int, tmp_path: Path) -> None:
    """Where the rehearsal gets no answer, the command is not run, and nothing is passed."""
    report = run(_question(port), _options("touch", str(tmp_path / "broken")), checks=["failover"])
    assert report.outcome is Outcome.UNMEASURED
    assert report.verdicts[0].summary == "not run: there was no answer even before it"
    assert not (tmp_path / "broken").exists()


def test_a_command_is_watched_to_its_end_and_for_a_while_after_it(port: int) -> None:
    """It takes longer than the watch was to last, and is not ended: what it breaks at its end is seen."""
    with serving("lb1", port) as server:
        words = ("sh", "-c", f"sleep 2; kill {server.pid}")
        report = run(_question(port), _options(*words), checks=["failover"])
    command, address = report.verdicts
    assert (command.outcome, command.evidence["command"]["status"]) == (Outcome.PASS, 0)
    assert command.evidence["command"]["seconds"] >= 2.0
    assert address.outcome is Outcome.FAIL
    assert address.evidence["watched_s"] >= 1.5 + 2.0 + 0.8


@contextmanager
def interrupted(note: Path, number: signal.Signals) -> Iterator[None]:
    """Send a signal to this process once there is something in a file."""

    def send() -> None:
        until(lambda: note.exists() and bool(note.read_text().strip()), "the command runs")
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    yield
    sender.join()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_passed_on_to_the_command_once(port: int, tmp_path: Path, number: signal.Signals) -> None:
    """It ends as it likes; the watch ends, and what was seen until then is judged."""
    note = tmp_path / "signals"
    trap = "".join(f"trap 'echo {name} >>{note}; exit 3' {name}; " for name in ("INT", "TERM", "HUP"))
    words = ("sh", "-c", f"{trap} echo runs >{note}; while :; do sleep 0.05; done")
    with serving("lb1", port), interrupted(note, number):
        report = run(_question(port), _options(*words), checks=["failover"])
    command, address, whole = report.verdicts
    assert note.read_text().split() == ["runs", number.name.removeprefix("SIG")]
    assert command.evidence["command"]["status"] == 3
    assert address.outcome is Outcome.PASS
    assert whole.summary == "interrupted: judged by what was seen until then"
    assert report.outcome is Outcome.UNMEASURED


def test_a_command_that_goes_on_after_the_signal_is_left_alone(port: int, tmp_path: Path) -> None:
    """Half a deployment is worse than a late one: it runs on, and the report says so."""
    note = tmp_path / "pid"
    words = ("sh", "-c", f"trap '' INT TERM; echo $$ >{note}; sleep 60; true")
    with serving("lb1", port), interrupted(note, signal.SIGTERM):
        report = run(_question(port), _options(*words), checks=["failover"])
    pid = int(note.read_text())
    try:
        assert Path("/proc", str(pid)).exists()
        assert report.verdicts[0].summary == f"it may still run (process {pid}); SIGTERM was passed on to it"
        assert report.outcome is Outcome.UNMEASURED
    finally:
        os.killpg(pid, signal.SIGKILL)
