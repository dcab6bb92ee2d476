"""What a real HAProxy tells of a server that is not simply up: read at `level user`, as from a real fleet."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import pytest

from lbcheck.model.counters import BackendCounters, Counters, ReadCounters, ServerCounters, ServerState
from lbcheck.sources import haproxy_socket
from tests.socket.counter_servers import Haproxy, eventually, haproxy, http_answer, replying

CHECKED = "check inter 50ms fall 1 rise 1"


def read(running: Haproxy) -> Counters:
    """Read the counters at `level user`."""
    counters = haproxy_socket.read(ReadCounters(at="lb1", balancer="lb1", uri=running.unix, when="before"))
    assert counters.failure is None
    return counters


def backend(running: Haproxy) -> BackendCounters:
    """Return what HAProxy tells of the backend."""
    return next(found for found in read(running).backends if found.name == "web")


def seen(running: Haproxy, name: str, wanted: Callable[[ServerCounters], bool]) -> ServerCounters:
    """Return what HAProxy tells of a server once that is wanted."""
    return eventually(lambda: {s.name: s for s in backend(running).servers}[name], wanted)


def get(running: Haproxy) -> None:
    """Send one request through HAProxy."""
    urllib.request.urlopen(f"http://{running.www}/", timeout=5).close()


def test_level_user_gives_every_address(tmp_path: Path) -> None:
    """IPv4 and IPv6 addresses with their ports; a server behind a unix socket has none."""
    lines = ["server a 127.0.0.1:18001", "server b [::1]:18002", f"server c unix@{tmp_path}/none.sock"]
    with haproxy(tmp_path, web=lines) as running:
        found = {server.name: server.address for server in backend(running).servers}
    assert found == {"a": "127.0.0.1:18001", "b": "[::1]:18002", "c": None}


def test_a_backup_is_told_apart(tmp_path: Path) -> None:
    """A backup says that it is one, and while an active server serves it gets nothing."""
    with ExitStack() as opened:
        web = opened.enter_context(replying(lambda _: http_answer(b"ok")))
        running = opened.enter_context(haproxy(tmp_path, web=[f"server a {web}", f"server b {web} backup"]))
        for _ in range(4):
            get(running)
        found = backend(running)
    assert (found.active_servers, found.backup_servers) == (1, 1)
    assert [(s.backup, s.requests, s.statuses) for s in found.servers] == [(False, 4, {"2xx": 4}), (True, 0, {})]


def test_what_no_server_answered_is_the_frontends_own(tmp_path: Path) -> None:
    """With no server up HAProxy answers 503 itself: the frontend and the backend count it, no server does."""
    with haproxy(tmp_path, web=["server a 127.0.0.1:9 disabled"]) as running:
        for _ in range(3):
            with pytest.raises(urllib.error.HTTPError, match="503") as caught:
                get(running)
            caught.value.close()
        counters = read(running)
    (web,) = (found for found in counters.backends if found.name == "web")
    (www,) = (found for found in counters.frontends if found.name == "www")
    assert (www.requests, www.statuses, web.statuses) == (3, {"5xx": 3}, {"5xx": 3})
    (server,) = web.servers
    assert (server.state, server.reason, server.statuses) == (
        ServerState.MAINTENANCE,
        "disabled in the configuration",
        {},
    )


def test_a_slow_start_is_a_share_of_the_weight(tmp_path: Path) -> None:
    """A server that came back has sixteenths of its weight, and the exact weight is no rounded one."""
    status = ["503 Service Unavailable"]
    with replying(lambda _: http_answer(b"", status[0])) as web:
        lines = ["option httpchk", f"server a {web} weight 100 slowstart 60s {CHECKED}"]
        with haproxy(tmp_path, web=lines) as running:
            seen(running, "a", lambda server: server.state is ServerState.DOWN)
            status[0] = "200 OK"
            server = seen(running, "a", lambda server: server.slow_start is not None)
    assert (server.weight, server.state) == (100, ServerState.SERVING)
    assert server.slow_start is not None
    assert server.slow_start in [steps / 16 for steps in range(1, 9)]  # it was asked for long before half of the 60 s
    assert server.exact_weight == 100 * Fraction(server.slow_start)
    assert server.effective_weight == -(-server.exact_weight // 1)


def test_a_server_that_asks_for_nothing_new_is_stopping(tmp_path: Path) -> None:
    """Under `http-check disable-on-404` a check that meets 404 takes a server out without its being down."""
    status = ["200 OK"]
    with replying(lambda _: http_answer(b"", status[0])) as web:
        lines = ["option httpchk", "http-check disable-on-404", f"server a {web} {CHECKED}"]
        with haproxy(tmp_path, web=lines) as running:
            seen(running, "a", lambda server: server.check is not None)
            status[0] = "404 Not Found"
            server = seen(running, "a", lambda server: server.state is not ServerState.SERVING)
    assert (server.state, server.status, server.serves) == (ServerState.STOPPING, "NOLB", False)


def test_an_agents_weight_stands_beside_the_configured_one(tmp_path: Path) -> None:
    """An agent that says 50 % halves the weight."""
    with replying(lambda _: b"50%\n", http=False) as agent:
        port = agent.rpartition(":")[2]
        line = rf'server a 127.0.0.1:9 weight 10 agent-check agent-port {port} agent-inter 50ms agent-send "hi\n"'
        with haproxy(tmp_path, web=[line]) as running:
            server = seen(running, "a", lambda server: server.weight == 5)
    assert (server.configured_weight, server.agent) == (10, "CHECKED")


def test_a_limit_that_was_reached_and_a_queue_show(tmp_path: Path) -> None:
    """Two requests at once to a server with `maxconn 1`: one waits in the backend's queue, and both show after it."""
    answering = threading.Event()

    def slowly(_: bytes) -> Iterator[bytes]:
        answering.wait(10)
        yield http_answer(b"ok")

    with ExitStack() as opened:
        web = opened.enter_context(replying(slowly))
        running = opened.enter_context(haproxy(tmp_path, web=[f"server a {web} maxconn 1"]))
        clients = opened.enter_context(ThreadPoolExecutor(2))
        opened.callback(answering.set)
        fresh = backend(running)
        asked = [clients.submit(get, running) for _ in range(2)]
        waiting = eventually(lambda: backend(running), lambda web: bool(web.queued))
        answering.set()
        for request in asked:
            request.result()
        after = eventually(lambda: backend(running), lambda web: web.requests == 2 and not web.queued)
    assert [web.queued_max for web in (fresh, waiting, after)] == [0, 1, 1]
    assert [web.servers[0].reached_limit for web in (fresh, waiting, after)] == [False, True, True]
    assert (after.servers[0].sessions_max, after.servers[0].session_limit) == (1, 1)
