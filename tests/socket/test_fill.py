"""`lbcheck fill` and its engine against the kernel: what it holds, who says no, and that nothing stays."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lbcheck.analysis.tuples.binding import tuples
from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.fill import Fill, Filled, explicit
from lbcheck.model.opening import BindingMode
from lbcheck.probing import sock_diag
from lbcheck.probing.fill.engine import fill, filling, prepare
from lbcheck.probing.fill.listening import listening
from lbcheck.probing.fill.plan import WORTH_A_PROCESS
from lbcheck.probing.namespace import unshare
from lbcheck.wire import jsonl

from .fill_world import alone, children, close_every_other, keep, lbcheck, reset, server, session, started, until

P = PortRange(40000, 40099)
SERVER = Endpoint("127.0.1.1", 80)


def read(line: str) -> Filled:
    """Return a sample that came through a pipe."""
    sample = jsonl.parse(Filled, line)
    assert isinstance(sample, Filled)
    return sample


def filled(step: Fill) -> Filled:
    """Return what a fill holds against listeners of ours, in namespaces of its own."""

    def work() -> str:
        with listening(step.endpoints):
            return jsonl.line(fill(step))

    return read(alone(work))


def only(port: int, **words: Any) -> Fill:
    """Return a fill of one port of loopback."""
    return Fill(endpoints=(Endpoint("127.0.0.1", port),), sources=("127.1.0.1",), **words)


# --- how much, and who says no ---


@pytest.mark.parametrize(
    ("binding", "refusal"),
    [
        (BindingMode.EXPLICIT, None),
        (BindingMode.EXPLICIT_EXCLUSIVE, "EADDRINUSE"),
        (BindingMode.NO_PORT, "EADDRNOTAVAIL"),
        (BindingMode.ANY_PORT, "EADDRINUSE"),
        (BindingMode.NONE, "EADDRNOTAVAIL"),
    ],
)
def test_each_binding_mode_holds_what_it_multiplies(binding: BindingMode, refusal: str | None) -> None:
    """A hundred ports, two sources, three endpoints: the number of the law, to the connection, and its refusal."""
    ends = (SERVER, Endpoint("127.0.1.1", 81), Endpoint("127.0.1.2", 80))
    sources = () if binding is BindingMode.NONE else ("127.1.0.1", "127.1.0.2")
    step = Fill(endpoints=ends, sources=sources, ports=P if explicit(binding) else None, binding=binding)
    sample = filled(step)
    assert (sample.held, sample.stopped_by) == (tuples(binding, 100, 2, 3), refusal)
    assert sum(sample.by_endpoint.values()) == sample.held == sample.opened
    assert sample.time_wait == 0


def test_many_processes_hold_what_one_would() -> None:
    """Above what one process is worth, several share the plan: every port once, none twice."""
    ports = PortRange(1024, 1024 + 3 * WORTH_A_PROCESS - 1)
    sample = filled(Fill(endpoints=(SERVER,), sources=("127.1.0.1",), ports=ports))
    assert (sample.held, dict(sample.stops)) == (len(ports), {})
    assert sample.workers > 1 or len(os.sched_getaffinity(0)) == 1


def test_a_listener_on_this_machine_takes_its_port() -> None:
    """One port of a hundred has a listener: 99 are predicted, 99 held, and the port is named."""

    def work() -> dict[str, Any]:
        with server(keep) as port, socket.create_server(("127.1.0.1", 40050)):
            words = ("--source", "127.1.0.1", "--ports", "40000-40099", "--format", "json")
            return lbcheck("fill", f"127.0.0.1:{port}", *words)

    ran = alone(work, ports="50000 50099")
    [step] = json.loads(ran["out"])["verdicts"][0]["evidence"]["steps"]
    assert (ran["status"], step["predicted"], step["measured"], step["stops"]) == (0, 99, 99, {"EADDRINUSE": 1})
    assert "source port 40050: somebody listens there" in ran["err"]


def test_a_target_that_refuses_is_named() -> None:
    """Nobody listens: refused, as often as was tried, and nothing is held."""
    sample = read(alone(lambda: jsonl.line(fill(only(9, limit=50)))))
    assert (sample.held, dict(sample.stops)) == (0, {"refused": 50})


def test_a_full_queue_is_silence() -> None:
    """A queue of five takes five; the others hear nothing until the deadline."""

    def work() -> str:
        with socket.create_server(("127.0.0.1", 80), backlog=4):
            return jsonl.line(fill(only(80, limit=20, timeout_s=0.3)))

    sample = read(alone(work))
    assert (sample.held, dict(sample.stops)) == (5, {"silence": 15})
    assert sample.seconds >= 0.3


@pytest.mark.parametrize(
    ("behaviour", "left", "kinds"), [(reset, 0, {"reset", "closed"}), (close_every_other, 50, {"closed"})]
)
def test_a_target_that_ends_connections_is_named(behaviour: Any, left: int, kinds: set[str]) -> None:
    """By RST at once, or half of them during the hold: how many are gone, and how they went."""

    def work() -> str:
        with server(behaviour) as port, filling(only(port, ports=P)) as holding:
            until(lambda: sum(holding.count().values()) == left, f"{left} connections are left")
            holding.hold(0.001)
        return jsonl.line(holding.sample())

    sample = read(alone(work))
    assert sample.held_after == left
    assert sum(sample.stops.values()) == 100 - left
    assert set(sample.stops) <= kinds


def test_a_rate_is_kept() -> None:
    """A hundred connections at 500 a second take a fifth of a second at least."""
    sample = filled(Fill(endpoints=(SERVER,), sources=("127.1.0.1",), ports=P, rate=500.0))
    assert sample.held == 100
    assert sample.seconds >= 0.2


def test_a_limit_is_kept() -> None:
    """Ten of a hundred."""
    sample = filled(Fill(endpoints=(SERVER,), sources=("127.1.0.1",), ports=P, limit=10))
    assert (sample.held, sample.attempted, dict(sample.stops)) == (10, 10, {})


def test_nothing_stays_towards_a_server_of_others() -> None:
    """A server that lives on: we let go by RST, so that no port rests in TIME_WAIT."""

    def work() -> list[Any]:
        with server(keep) as port:
            sample = fill(only(port, ports=P))
            there = Endpoint("127.0.0.1", port)
            return [sample.held, sample.time_wait, sock_diag.count(there), sock_diag.count(there, sock_diag.TIME_WAIT)]

    assert alone(work) == [100, 0, 0, 0]


def test_connections_of_others_are_not_counted() -> None:
    """Seven were there before: they are said, and are no part of what is held."""

    def work() -> str:
        with server(keep) as port:
            others = [socket.create_connection(("127.0.0.1", port)) for _ in range(7)]
            sample = fill(only(port, ports=PortRange(50000, 50009)))
            for other in others:
                other.close()
        return jsonl.line(sample)

    sample = read(alone(work))
    assert (sample.before, sample.held) == (7, 10)


@pytest.mark.parametrize(("endpoint", "source"), [(SERVER, "127.1.0.1"), (Endpoint("::1", 80), "::1")])
def test_the_kernels_count_is_that_of_ss(endpoint: Endpoint, source: str) -> None:
    """Netlink, read by ourselves, counts what ss counts; and finds its listeners."""

    def work() -> list[Any]:
        step = Fill(endpoints=(endpoint,), sources=(source,), ports=P)
        with listening(step.endpoints), filling(step):
            filter_ = ["state", "established", "dst", str(endpoint)]
            ss = subprocess.run(["ss", "-Htn", *filter_], capture_output=True, text=True, check=True)
            there = [endpoint.address, endpoint.port] in [
                list(found) for found in sock_diag.listeners(6 if ":" in source else 4)
            ]
            return [sock_diag.count(endpoint), len(ss.stdout.splitlines()), there]

    assert alone(work) == [100, 100, True]


# --- bad luck ---


def test_a_killed_worker_is_reported() -> None:
    """kill -9 one of them while all hold: what it held is gone, and the sample says why."""

    def work() -> str:
        ports = PortRange(20000, 20000 + 2 * WORTH_A_PROCESS - 1)
        step = Fill(endpoints=(SERVER,), sources=("127.1.0.1",), ports=ports)
        with listening(step.endpoints), filling(step) as holding:
            # Whoever was late may have found nothing left to open.
            victim = max(children(os.getpid()), key=lambda pid: len(list(Path(f"/proc/{pid}/fd").iterdir())))
            os.kill(victim, signal.SIGKILL)
            os.waitid(os.P_PID, victim, os.WEXITED | os.WNOWAIT)
            holding.hold(0.001)
        left = children(os.getpid())
        assert not left, left
        return jsonl.line(holding.sample())

    # The processes of a PID namespace know their own numbers only: /proc is the outer one.
    sample = read(in_user_namespace(work))
    assert sample.stopped_by == "killed"
    assert (sample.held_after or 0) < (sample.held or 0)


def in_user_namespace(work: Any) -> Any:
    """Like `alone`, with a /proc that shows the namespace's own processes."""

    def with_proc() -> Any:
        unshare(0x0002_0000)  # CLONE_NEWNS (linux/sched.h)
        subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
        return work()

    return alone(with_proc)


def test_a_worker_killed_while_it_opens_is_reported() -> None:
    """The command goes on with what the others have, says so, and could not measure: exit status 4."""
    with server(keep) as port:
        there = Endpoint("127.0.0.1", port)
        words = (str(there), "--source", "127.1.0.1", "--rate", "200", "--ports", "20000-29999")
        with started("fill", *words) as run:
            until(lambda: sock_diag.count(there) >= 40, "forty connections are open")
            for worker in children(run.pid):
                os.kill(worker, signal.SIGKILL)
            output, _ = run.communicate(timeout=20)
    assert run.returncode == 4
    assert "killed: worker processes were killed, and their connections went with them" in output


def test_ctrl_c_reports_what_was_measured() -> None:
    """Interrupted while it opens: what was held until then, exit status 4, and nothing runs or stays."""
    with server(keep) as port:
        there = Endpoint("127.0.0.1", port)
        before = sock_diag.count(there, sock_diag.TIME_WAIT)  # of an earlier server that had this port
        words = (str(there), "--source", "127.1.0.1", "--rate", "200", "--ports", "20000-29999", "--format", "json")
        with started("fill", *words) as run:
            until(lambda: sock_diag.count(there) >= 40, "forty connections are open")
            run.send_signal(signal.SIGINT)
            output, errors = run.communicate(timeout=20)
        [verdict] = json.loads(output)["verdicts"]
        assert run.returncode == 4
        assert "Traceback" not in errors
        assert "interrupted" in verdict["findings"][0]["message"]
        assert verdict["evidence"]["steps"][0]["measured"] >= 40
        until(lambda: sock_diag.count(there) == 0, "every connection is let go")
        assert sock_diag.count(there, sock_diag.TIME_WAIT) <= before


def test_ctrl_c_does_not_wait_for_a_slow_rate() -> None:
    """One connection every 100 s: an interruption is heard at once all the same."""
    with server(keep) as port:
        there = Endpoint("127.0.0.1", port)
        with started("fill", str(there), "--source", "127.1.0.1", "--rate", "0.01", "--limit", "9") as run:
            until(lambda: sock_diag.count(there) == 1, "the first connection is open")
            run.send_signal(signal.SIGINT)
            run.communicate(timeout=20)
    assert run.returncode == 4


def test_ctrl_c_does_not_wait_for_silence() -> None:
    """Nobody answers, and the deadline is an hour: what was held until then is reported at once."""
    with socket.create_server(("127.0.0.1", 0), backlog=4) as listener:
        there = Endpoint("127.0.0.1", listener.getsockname()[1])
        words = (str(there), "--source", "127.1.0.1", "--limit", "20", "--timeout", "3600")
        with started("fill", *words) as run:
            until(lambda: sock_diag.count(there) == 5, "the queue is full")
            run.send_signal(signal.SIGINT)
            output, _ = run.communicate(timeout=20)
    assert run.returncode == 4
    assert "5 connections held of 20" in output


def test_ctrl_c_ends_a_hold() -> None:
    """A hold of an hour ends when somebody asks, with what was held."""
    with server(keep) as port:
        there = Endpoint("127.0.0.1", port)
        words = (str(there), "--source", "127.1.0.1", "--limit", "10", "--hold", "3600")
        with started("fill", *words) as run:
            until(lambda: sock_diag.count(there) == 10, "ten connections are held")
            # It counts only once all are open; a worker that has reported waits in recv.
            until(lambda: session(run.pid) > {run.pid}, "a worker holds them")
            run.send_signal(signal.SIGINT)
            output, _ = run.communicate(timeout=20)
    assert run.returncode == 4
    assert "10 connections held of 10" in output


def test_a_command_that_is_killed_leaves_nothing() -> None:
    """kill -9 on the command itself: its workers end, for their channels close."""
    with server(keep) as port:
        there = Endpoint("127.0.0.1", port)
        with started("fill", str(there), "--source", "127.1.0.1", "--limit", "5000", "--hold", "60") as run:
            until(lambda: sock_diag.count(there) >= 1000, "a thousand connections are open")
            run.kill()
            run.communicate(timeout=20)
        until(lambda: sock_diag.count(there) == 0, "every connection is let go")


# --- said beforehand ---


@pytest.mark.parametrize(
    ("words", "limits", "status", "said"),
    [
        (("127.0.0.1:9", "--source", "192.0.2.77"), (), 2, "source address 192.0.2.77 is not on this machine"),
        (("127.0.0.1:9", "--ports", "50000-40000"), (), 2, "port range 50000-40000: write LO-HI"),
        (("192.0.2.1:80",), (), 2, "192.0.2.1:80 is neither on loopback nor in the lab's ranges"),
        (("192.0.2.1:80", "--allow-target", "198.51.100.0/24"), (), 2, "neither on loopback nor in the lab's ranges"),
        (("127.0.0.1:9", "--bind", "none", "--source", "127.1.0.1"), (), 2, "--bind none takes no --source"),
        (("127.0.0.1",), (), 2, "127.0.0.1 has no port to connect to"),
        (("127.0.0.1:9",), ("--nofile=66:66",), 4, "66 file descriptors a process are too few (ulimit -Hn)"),
        (("127.0.0.1:9",), ("--nproc=1:1",), 4, "processes are left (ulimit -u, pids.max)"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_opened(
    words: tuple[str, ...], limits: tuple[str, ...], status: int, said: str
) -> None:
    """A sentence, the exit status for it, and not a single connection."""
    ran = lbcheck("fill", *words, limits=limits)
    assert (ran["status"], ran["out"]) == (status, "")
    assert said in ran["err"]


def test_too_little_memory_is_said_beforehand() -> None:
    """A connection of a terabyte: what is needed and what there is."""
    with pytest.raises(LbcheckError, match=r"1 connections: 1099\.5 GB of memory are needed and .* ask for fewer"):
        prepare(only(9, limit=1), pair_bytes=1_099_511_627_776).check()


def test_a_named_target_is_planned_gently() -> None:
    """--allow-target opens a foreign network, at fifty connections a second; --plan opens nothing."""
    words = ("192.0.2.1:80", "--allow-target", "192.0.2.0/24", "--limit", "5", "--plan", "--format", "json")
    ran = lbcheck("fill", *words)
    if "no route" in ran["err"]:
        pytest.skip("this machine has no route to anywhere")
    assert ran["status"] == 0
    assert json.loads(ran["out"])["rate"] == 50.0


@pytest.mark.parametrize("state", ["established", "TIME-WAIT", "listening", "bound"])
def test_who_holds_a_port_that_is_refused_is_named(state: str) -> None:
    """A port of the range that somebody else has is refused to an exclusive bind; its holder is said."""

    def work() -> str:
        step = only(80, ports=PortRange(40000, 40004), binding=BindingMode.EXPLICIT_EXCLUSIVE)
        with listening(step.endpoints), socket.create_server(("127.0.0.1", 81)) as server, socket.socket() as other:
            other.bind(("127.1.0.1", 40003))
            if state == "listening":
                other.listen()
            elif state != "bound":
                other.connect(("127.0.0.1", 81))
            if state == "TIME-WAIT":
                other.close()
                server.accept()[0].close()
            return jsonl.line(fill(step))

    sample = read(alone(work, ports="50000 50099"))
    assert (sample.stops, sample.held) == ({"EADDRINUSE": 1}, 4)
    if state == "bound" and not sample.taken:
        pytest.skip("the kernel does not tell (Linux 6.8)")
    [taken] = sample.taken
    assert taken.startswith("127.1.0.1:40003")
    assert taken.endswith(f"({state})")


@pytest.mark.parametrize("accept", [False, True])
def test_accepted_means_that_nobody_waits_in_the_queue(accept: bool) -> None:
    """A listener of ours holds a hundred in its queue; told to accept, it leaves none there."""

    def work() -> list[int]:
        step = only(80, ports=P, reset=False)
        with listening(step.endpoints, accept=accept) as listeners, filling(step) as holding:
            if accept:
                listeners.wait_until_accepted()
            counted = [sum(holding.count().values()), sock_diag.queued(step.endpoints[0])]
            listeners.close()
        return [*counted, holding.sample().time_wait]

    assert alone(work) == [100, 0 if accept else 100, 0]
