"""A real HAProxy whose servers have other names than the answers, several backends, or a second process beside it."""

import json
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.sources import haproxy_socket

from .counter_servers import at, eventually, http_answer, needed, replying, running

CONFIGURATION = """
global
    stats socket fd@{stats} level {level}
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
{sections}
"""


@dataclass(frozen=True)
class Process:
    """A running HAProxy: the URI of its socket, and its configuration."""

    stats: str
    file: Path


class Fleet:
    """Servers on loopback that name themselves, and ports that any number of HAProxy processes share."""

    def __init__(self, directory: Path, opened: ExitStack) -> None:
        self._directory, self._opened = directory, opened
        self._ports: dict[str, socket.socket] = {}
        self._processes = 0

    def server(self, name: str) -> str:
        """Start a server that calls itself `name`; return HOST:PORT."""
        answer = http_answer(b"ok", "200 OK", f"X-Served-By: {name}")
        return self._opened.enter_context(replying(lambda _: answer))

    def port(self, name: str) -> str:
        """Return HOST:PORT of a port of HAProxy; `{name}` is `bind` of it in a configuration."""
        return at(self._ports[name])

    def haproxy(self, sections: str, *ports: str, level: str = "user") -> Process:
        """Start one process that listens on these ports, beside others that do."""
        for name in ports:
            if name not in self._ports:
                self._ports[name] = self._opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        path = self._directory / f"stats{self._processes}.sock"
        unix = self._opened.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(path))
        unix.listen()
        binds = {name: f"fd@{listener.fileno()}" for name, listener in self._ports.items()}
        text = CONFIGURATION.format(stats=unix.fileno(), level=level, sections=sections.format(**binds))
        file = self._directory / f"haproxy{self._processes}.cfg"
        file.write_text(text)
        self._processes += 1
        command = (needed("haproxy"), "-db", "-q", "-f", str(file))
        self._opened.enter_context(running(command, (unix, *self._ports.values())))
        return Process(f"unix:{path}", file)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Servers and processes that end with the test."""
    with ExitStack() as opened:
        yield Fleet(tmp_path, opened)


def spread(url: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Run `lbcheck spread`; return its exit status and its verdicts by subject."""
    command = [sys.executable, "-m", "lbcheck", "spread", url, "--rate", "0", "--format", "json", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stdout, ran.stderr
    return ran.returncode, {verdict["subject"]: verdict for verdict in json.loads(ran.stdout)["verdicts"]}


def said(verdict: Mapping[str, Any]) -> str:
    """Return all findings of a verdict, as one text."""
    return "; ".join(finding["message"] for finding in verdict["findings"])


def balancers_counts(verdict: Mapping[str, Any]) -> dict[str, int | None]:
    """Return server → what HAProxy counted, as the verdict has it."""
    return {name: counts["balancer"] for name, counts in verdict["evidence"]["servers"].items()}


SIMPLE = """
frontend www
    bind {{www}}
    default_backend app
backend app
    balance roundrobin
    {servers}
"""


def simple(servers: Mapping[str, str]) -> str:
    """Return one frontend and one backend with these server lines: name → HOST:PORT and what follows."""
    return SIMPLE.format(servers="\n    ".join(f"server {name} {rest}" for name, rest in servers.items()))


def test_weights_tell_who_is_who(fleet: Fleet) -> None:
    """HAProxy says web-1.example:80 and web_2, answers say alpha and beta: 1:2 fits in one way."""
    servers = {"web-1.example:80": fleet.server("alpha"), "web_2": f"{fleet.server('beta')} weight 2"}
    process = fleet.haproxy(simple(servers), "www")
    status, found = spread(f"http://{fleet.port('www')}/", "--stats", process.stats, "--requests", "900")
    verdict = found["backend app"]
    assert verdict["evidence"]["identities"] == {"alpha": "web-1.example:80", "beta": "web_2"}
    assert balancers_counts(verdict) == {"alpha": 300, "beta": 600}
    assert status in (0, 3), verdict


@pytest.mark.parametrize("told", [True, False])
def test_equal_weights_take_names_that_are_told(fleet: Fleet, told: bool) -> None:
    """Two ways fit: not heard, and not faulty. `--names` tells."""
    process = fleet.haproxy(simple({"web-1": fleet.server("alpha"), "web-2": fleet.server("beta")}), "www")
    names = ("--names", "alpha=web-1,beta=web-2") if told else ()
    url = f"http://{fleet.port('www')}/"
    status, found = spread(url, "--stats", process.stats, "--requests", "600", *names)
    verdict = found["backend app"]
    assert status != 1, verdict
    assert balancers_counts(verdict) == dict.fromkeys(("alpha", "beta"), 300 if told else None)
    assert ("fit the answers' names in more than one way" in said(verdict)) is not told


@pytest.mark.parametrize("level", ["user", "operator"])
def test_cookies_are_names_where_haproxy_tells_them(fleet: Fleet, level: str) -> None:
    """A socket of `level operator` tells each server's cookie; one of `level user` does not, and nobody is faulty."""
    lines = {f"web{n}": f"{fleet.server(f'web{n}')} cookie {value}" for n, value in enumerate("AB", start=1)}
    sections = simple({"web1": lines["web1"], "web2": lines["web2"]}) + "    cookie SRV insert indirect nocache\n"
    process = fleet.haproxy(sections, "www", level=level)
    url = f"http://{fleet.port('www')}/"
    status, found = spread(url, "--stats", process.stats, "--requests", "600", "--identify", "cookie:SRV")
    verdict = found["backend app"]
    assert status != 1, verdict
    expected = {"A": "web1", "B": "web2"} if level == "operator" else None
    assert verdict["evidence"].get("identities") == expected


@pytest.mark.parametrize("read", [True, False])
def test_the_configuration_tells_the_hosts_that_servers_are(fleet: Fleet, read: bool) -> None:
    """A socket of `level user` tells addresses, and the file the names of those hosts, by which answers call them."""
    servers = {f"web-{n}": f"{_at(host, fleet.server(host))}" for n, host in enumerate(("alpha", "beta"), start=1)}
    process = fleet.haproxy(simple(servers), "www")
    file = ("--haproxy-config", str(process.file)) if read else ()
    status, found = spread(f"http://{fleet.port('www')}/", "--stats", process.stats, "--requests", "600", *file)
    verdict = found["backend app"]
    assert status == 0, verdict
    assert verdict["evidence"].get("identities") == ({"alpha": "web-1", "beta": "web-2"} if read else None)
    assert balancers_counts(verdict) == dict.fromkeys(("alpha", "beta"), 300 if read else None)
    assert ("fit the answers' names in more than one way" in said(verdict)) is not read


def _at(host: str, address: str) -> str:
    """Return a server's line for a host of this name at this address, without a name server."""
    host_address, _, port = address.partition(":")
    return f"{host}:{port} init-addr {host_address}"


def test_the_configuration_tells_cookies(fleet: Fleet) -> None:
    """A socket of `level user` hides them."""
    lines = {f"web{n}": f"{fleet.server(f'web{n}')} cookie {value}" for n, value in enumerate("AB", start=1)}
    process = fleet.haproxy(simple(lines) + "    cookie SRV insert indirect nocache\n", "www")
    words = ("--identify", "cookie:SRV", "--haproxy-config", str(process.file), "--requests", "600")
    status, found = spread(f"http://{fleet.port('www')}/", "--stats", process.stats, *words)
    verdict = found["backend app"]
    assert status == 0, verdict
    assert verdict["evidence"]["identities"] == {"A": "web1", "B": "web2"}


def test_answers_may_say_backend_and_server(fleet: Fleet) -> None:
    """`http-response set-header X-Served-By %b/%s` needs no more than that."""
    sections = simple({"web1": fleet.server("x"), "web2": fleet.server("y")})
    process = fleet.haproxy(f"{sections}    http-response set-header X-Served-By %b/%s\n", "www")
    _, found = spread(f"http://{fleet.port('www')}/", "--stats", process.stats, "--requests", "600")
    assert balancers_counts(found["backend app"]) == {"app/web1": 300, "app/web2": 300}


TWO_BACKENDS = """
frontend www
    bind {{www}}
    default_backend app
frontend busy
    bind {{busy}}
    default_backend other
backend app
    balance roundrobin
    {app}
backend other
    balance roundrobin
    {other}
"""


@contextmanager
def traffic(address: str, at_least: int) -> Iterator[None]:
    """Ask again and again, from before the block until its end."""
    stop, answered = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            urllib.request.urlopen(f"http://{address}/", timeout=5).close()
            answered.append(1)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        eventually(lambda: len(answered), lambda number: number >= at_least)
        yield
    finally:
        stop.set()
        thread.join()


def test_the_busier_backend_of_the_same_names_is_not_taken(fleet: Fleet) -> None:
    """Ours gives web3 nothing; the other one has all the traffic and is healthy."""
    servers = {f"web{n}": fleet.server(f"web{n}") for n in (1, 2, 3)}
    lines = [f"server {name} {address}" for name, address in servers.items()]
    app = "\n    ".join([*lines[:2], f"{lines[2]} weight 0"])
    process = fleet.haproxy(TWO_BACKENDS.format(app=app, other="\n    ".join(lines)), "www", "busy")
    words = ("--stats", process.stats, "--requests", "200", "--rate", "100", "--weights", "web1=1,web2=1,web3=1")
    with traffic(fleet.port("busy"), 20):
        status, found = spread(f"http://{fleet.port('www')}/", *words)
    (verdict,) = found.values()
    assert status == 1
    assert "server web3 answered 0 of 200 requests" in said(verdict)
    assert verdict["subject"] == "backend app"


CANARY = """
frontend www
    bind {{www}}
    use_backend canary if {{{{ rand(10) eq 0 }}}}
    default_backend app
backend canary
    server new {new}
backend app
    balance roundrobin
    {app}
"""


def test_a_canary_is_a_backend_of_its_own(fleet: Fleet) -> None:
    """A tenth of the requests goes to another backend: each is judged by itself, or the named one alone."""
    app = "\n    ".join(f"server web{n} {fleet.server(f'web{n}')}" for n in (1, 2))
    process = fleet.haproxy(CANARY.format(new=fleet.server("new"), app=app), "www")
    words = (f"http://{fleet.port('www')}/", "--stats", process.stats, "--requests", "700")
    status, found = spread(*words)
    assert set(found) == {"backend app", "backend canary"}
    assert status != 1, found
    status, found = spread(*words, "--backend", "app")
    assert set(found) == {"backend app"}
    assert status != 1, found
    assert "canary" in said(found["backend app"])


def test_one_process_of_two_on_a_port_is_not_heard(fleet: Fleet) -> None:
    """The other process counted the rest: no server is faulty, and both sockets together are heard."""
    sections = simple({"web1": fleet.server("web1"), "web2": fleet.server("web2")})
    with socket.socket() as reserved:  # both processes listen on its port: the kernel deals out connections
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        own = sections.replace("{www}", at(reserved))
        first, second = (fleet.haproxy(own).stats for _ in range(2))
        for stats in (first, second):  # who answers there has opened its ports
            read = haproxy_socket.read(ReadCounters(balancer="lb1", uri=stats, when="before"))
            assert read.failure is None
        status, found = spread(f"http://{at(reserved)}/", "--stats", first, "--requests", "800")
        assert status != 1, found
        assert "of 800 requests: other processes or balancers answer here, too" in said(found["backend app"])
        status, found = spread(f"http://{at(reserved)}/", "--stats", first, "--stats", second, "--requests", "800")
        assert "the witnesses agree: the clients, HAProxy" in said(found["backend app"]), found


EDGE = """
frontend www
    bind {{{name}}}
    http-response set-header X-Balancer {name}
    default_backend app
backend app
    balance roundrobin
    {servers}
"""


def test_a_socket_is_matched_with_the_balancer_in_answers(fleet: Fleet) -> None:
    """Two edges, the statistics of one, which its own answers name: the other's answers are not its lack."""
    lines = "\n    ".join(f"server web{n} {fleet.server(f'web{n}')}" for n in (1, 2))
    fleet.haproxy(EDGE.format(name="edge_a", servers=lines), "edge_a")
    second = fleet.haproxy(EDGE.format(name="edge_b", servers=lines), "edge_b")
    fleet.haproxy(_front([fleet.port("edge_a"), fleet.port("edge_b")]), "front")
    words = ("--identify-balancer", "header:X-Balancer", "--requests", "900")
    status, found = spread(f"http://{fleet.port('front')}/", "--stats", second.stats, *words)
    assert status != 1, found
    assert {subject for subject in found if " at " in subject} == {"backend app at edge_a", "backend app at edge_b"}
    assert "the counters of edge_a were not read" in said(found["backend app"])
    assert sum(filter(None, balancers_counts(found["backend app at edge_b"]).values())) == 600


def _front(ports: Sequence[str]) -> str:
    """Return a frontend that gives the second edge twice as much as the first."""
    lines = "\n    ".join(f"server edge{n} {address} weight {n}" for n, address in enumerate(ports, start=1))
    return f"\nfrontend front\n    bind {{front}}\n    default_backend edges\nbackend edges\n    {lines}\n"


def test_a_wrong_path_beside_answers_is_unmeasured(fleet: Fleet, tmp_path: Path) -> None:
    """Who answers is running: the path is said, and nobody is called stopped."""
    fleet.haproxy(simple({"web1": fleet.server("web1"), "web2": fleet.server("web2")}), "www")
    stats = f"unix:{tmp_path}/nobody.sock"
    status, found = spread(f"http://{fleet.port('www')}/", "--stats", stats, "--requests", "600")
    (verdict,) = found.values()
    assert status == 4
    assert stats in said(verdict)
    assert "not running" not in said(verdict)


@pytest.mark.parametrize("names", ["web1_srcip_{n} web2_srcip_{n}", "server-one-{n} server-two-{n}"])
def test_several_lines_of_one_server_are_one_server(fleet: Fleet, names: str) -> None:
    """A line for each source address: eight lines, two servers, all counts agree. One name told is told of all."""
    servers = {"web1": fleet.server("web1"), "web2": fleet.server("web2")}
    lines = {
        name: f"{address} source 127.0.0.{n + 10}"
        for n in range(4)
        for name, address in zip(names.format(n=n).split(), servers.values(), strict=True)
    }
    process = fleet.haproxy(simple(lines), "www", level="admin")
    url = f"http://{fleet.port('www')}/"
    told = "web1_srcip_2=web1,web2_srcip_1=web2" if "srcip" in names else "server-one-*=web1,server-two-*=web2"
    status, found = spread(url, "--stats", process.stats, "--requests", "400", "--names", told)
    verdict = found["backend app"]
    assert status == 0, verdict
    assert balancers_counts(verdict) == {"web1": 200, "web2": 200}
    assert "the witnesses agree: the clients, HAProxy" in said(verdict)
