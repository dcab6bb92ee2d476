"""The wheels against the real HAProxy and nginx: the order of their choices, and the counts of many at once."""

import itertools
import re
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lbcheck.analysis.laws.exact_cycle import AFTER_A_CHANGE
from lbcheck.analysis.wheels.cycle import Cycle
from lbcheck.analysis.wheels.fast_weighted import FAST_WEIGHTED
from lbcheck.analysis.wheels.smooth import SMOOTH
from lbcheck.analysis.wheels.weighted_map import WEIGHTED_MAP
from lbcheck.analysis.wheels.wheel import Wheel, turn

from .counter_servers import at, needed, running

HEAVY = (222, 8, 3, 4, 4, 3, 5, 2, 5, 3, 7, 5, 3, 8, 7, 2, 6, 6, 4)
# More than a turn of HAProxy's each, and of (16, 10, 16, 10, 16), whose servers change places, more than two.
ORDERS = {
    (1, 1): 60,
    (1, 1, 1): 60,
    (1, 1, 2): 150,
    (3, 3, 2): 300,
    (8, 8, 7): 800,
    (16, 10, 16, 10, 16): 2200,
    HEAVY: 5000,
}
AT_ONCE = 16  # connections

HAPROXY = """
global
    nbthread {threads}
    stats socket {directory}/stats.sock level admin
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
frontend balanced
    bind fd@{front}
    use_backend %[path,field(2,/)]
frontend server
    bind {directory}/server.sock
    http-request return status 200
"""

HAPROXY_BACKEND = """
backend {name}
    balance {balance}
    http-response set-header X-Served-By %s
"""

NGINX = """
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    keepalive_requests 100000;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    map $upstream_addr $server {{ {names} }}
    {upstreams}
    server {{
        listen {front};
        location ~ /(.*) {{ proxy_pass http://$1/; add_header X-Served-By $server; }}
    }}
    server {{
        {listens}
        return 204;
    }}
}}
"""


def name_of(weights: Sequence[int]) -> str:
    """Return a backend's name."""
    return "-".join(map(str, weights))


@contextmanager
def haproxy(directory: Path, balance: str, threads: int) -> Iterator[tuple[str, int]]:
    """Run HAProxy with a backend for each of ORDERS; its servers are all the same, and it says which it chose."""
    configuration = [HAPROXY]
    for weights in ORDERS:
        configuration.append(HAPROXY_BACKEND.format(name=name_of(weights), balance=balance))
        configuration += [f"    server s{i} {directory}/server.sock weight {w}\n" for i, w in enumerate(weights)]
    with socket.create_server(("127.0.0.1", 0)) as front:
        text = "".join(configuration).format(threads=threads, front=front.fileno(), directory=directory)
        (directory / "haproxy.cfg").write_text(text)
        with running((needed("haproxy"), "-db", "-q", "-f", str(directory / "haproxy.cfg")), [front]):
            yield front.getsockname()


@contextmanager
def nginx(directory: Path) -> Iterator[tuple[str, int]]:
    """Run nginx of one worker with an upstream for each of ORDERS; it says which server it chose."""
    with ExitStack() as opened:
        listeners = [
            opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(1 + max(map(len, ORDERS)))
        ]
        front, *servers = map(at, listeners)
        upstreams = []
        for weights in ORDERS:
            lines = [f"server {server} weight={w};" for server, w in zip(servers, weights, strict=False)]
            upstreams.append(f"upstream {name_of(weights)} {{ {' '.join(lines)} }}")
        text = NGINX.format(
            directory=directory,
            front=front,
            upstreams="\n    ".join(upstreams),
            listens=" ".join(f"listen {server};" for server in servers),
            names=" ".join(f"{server} s{i};" for i, server in enumerate(servers)),
        )
        (directory / "nginx.conf").write_text(text)
        files = ("-p", str(directory), "-c", str(directory / "nginx.conf"), "-e", str(directory / "error.log"))
        inherited = "".join(f"{listener.fileno()};" for listener in listeners)
        with running((needed("nginx"), *files), listeners, NGINX=inherited):
            yield listeners[0].getsockname()


def chosen(address: tuple[str, int], weights: Sequence[int], requests: int) -> list[int]:
    """Send requests over one connection, and return which servers answered, in order."""
    request = f"GET /{name_of(weights)} HTTP/1.1\r\nHost: test\r\n\r\n".encode()
    servers: list[int] = []
    with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as answers:
        while len(servers) < requests:
            batch = min(50, requests - len(servers))
            connection.sendall(request * batch)  # answered one after the other all the same
            servers += [served_by(answers) for _ in range(batch)]
    return servers


def served_by(answers: Iterator[bytes]) -> int:
    """Read one answer, which has no body, and return its server."""
    head = b"".join(itertools.takewhile(lambda line: line != b"\r\n", answers))
    found = re.search(rb"x-served-by: s(\d+)\r\n", head, re.IGNORECASE)
    assert found, head
    return int(found[1])


def expected(wheel: Wheel, weights: Sequence[int], requests: int) -> list[int]:
    """Return what the wheel chooses from the start on."""
    return list(itertools.islice(wheel.choices(weights), requests))


@pytest.mark.parametrize(("balance", "wheel"), [("roundrobin", FAST_WEIGHTED), ("static-rr", WEIGHTED_MAP)])
def test_haproxy_chooses_in_the_order_of_its_wheel(tmp_path: Path, balance: str, wheel: Wheel) -> None:
    """One request at a time from the start on, over the end of a turn and beyond: no choice is another."""
    with haproxy(tmp_path, balance, threads=1) as address:
        for weights, requests in ORDERS.items():
            assert chosen(address, weights, requests) == expected(wheel, weights, requests), weights


@pytest.mark.parametrize(("balance", "wheel"), [("roundrobin", FAST_WEIGHTED), ("static-rr", WEIGHTED_MAP)])
@pytest.mark.parametrize("weights", [(8, 8, 7), (16, 10, 16, 10, 16)])
def test_haproxys_threads_turn_one_wheel(tmp_path: Path, balance: str, wheel: Wheel, weights: tuple[int, ...]) -> None:
    """Two threads and 16 connections at once: each server's count is that of the wheel, to the request."""
    each = 125
    with haproxy(tmp_path, balance, threads=2) as address, ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(chosen, address, weights, each) for _ in range(AT_ONCE)]
        counts: Mapping[int, int] = Counter(itertools.chain.from_iterable(ask.result() for ask in asked))
    assert counts == Counter(expected(wheel, weights, each * AT_ONCE))


@pytest.mark.parametrize("weights", [(1, 1, 2), (3, 3, 2)])
@pytest.mark.parametrize("change", ["state", "weight"])
def test_a_change_moves_haproxys_counts_by_a_few_requests(
    tmp_path: Path, change: str, weights: tuple[int, ...]
) -> None:
    """A server comes back, or its weight is set back: at nearly all places of a turn no count is off by 3 more.

    At one or two places HAProxy makes good what the server missed while it was away: up to 18 choices in a row.
    """
    owed, turn_length = law(FAST_WEIGHTED, weights), sum(weights) * 16
    before = "state maint" if change == "state" else f"weight {2 * weights[0]}"
    after = "state ready" if change == "state" else f"weight {weights[0]}"
    farther = 0
    with haproxy(tmp_path, "roundrobin", threads=1) as address:
        chosen(address, weights, requests=1)  # once it answers, it has its socket, too
        for place in range(1, turn_length + 1):
            tell(tmp_path, f"set server {name_of(weights)}/s0 {before}")
            chosen(address, weights, place)
            tell(tmp_path, f"set server {name_of(weights)}/s0 {after}")
            farther += most_beyond(owed, chosen(address, weights, turn_length + 8)) > AFTER_A_CHANGE
    assert farther <= 2


def most_beyond(owed: Cycle, choices: Sequence[int]) -> float:
    """Return by how much a server's count leaves its bound at most, after any of the choices."""
    counts, most = Counter[int](), 0.0
    for asked, server in enumerate(choices, start=1):
        counts[server] += 1
        servers = zip(owed.shares, owed.allowed(asked), strict=True)
        most = max(most, *(abs(counts[s] - share * asked) - bound for s, (share, bound) in enumerate(servers)))
    return most


def law(wheel: Wheel, weights: Sequence[int]) -> Cycle:
    """Return what the wheel owes."""
    found = turn(wheel, weights)
    assert found
    return found


def tell(directory: Path, command: str) -> None:
    """Give HAProxy a command that it obeys without a word."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(directory / "stats.sock"))
        connection.sendall(f"{command}\n".encode())
        assert connection.makefile().read().strip() == ""


def test_nginx_chooses_in_the_order_of_its_wheel(tmp_path: Path) -> None:
    """One request at a time from the start on, and beyond a turn: no choice is another."""
    with nginx(tmp_path) as address:
        for weights in ORDERS:
            requests = 2 * sum(weights) + 10
            assert chosen(address, weights, requests) == expected(SMOOTH, weights, requests), weights
