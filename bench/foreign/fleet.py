"""A fleet in the bench's namespace: servers that name themselves, and one real balancer before them."""

import http.client
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.foreign import haproxy
from bench.foreign.product import FRONT, READY, Algorithm, Product, Server

FIRST, MOST = 9000, 20  # the servers' ports
TWIN, NOBODY = FIRST + MOST, FIRST + MOST + 1  # answers in the first one's name; where nobody listens
START_S, END_S = 20.0, 10.0  # of a program; both take well below one second where the machine is idle


def servers_of(weights: Sequence[int]) -> list[Server]:
    """Return servers s1, s2, … of these weights."""
    return [Server(f"s{number}", FIRST + number - 1, weight) for number, weight in enumerate(weights, 1)]


@contextmanager
def answering() -> Iterator[None]:
    """Run as many servers as the bench needs; HAProxy answers for all of them."""
    servers = [*servers_of((1,) * MOST), Server("s1", TWIN, 1)]
    with tempfile.TemporaryDirectory() as folder:
        words = haproxy.answering(Path(folder), servers)
        with _running(haproxy.PRODUCT.path, words, haproxy.PRODUCT.surroundings, Path(folder)):
            for server in servers:
                _wait_for(server.port)
            yield


@contextmanager
def balanced(product: Product, algorithm: Algorithm, servers: Sequence[Server]) -> Iterator[None]:
    """Run the balancer, just started, until the end of the block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = product.start(folder, algorithm, servers)
        with _running(product.path, words, product.surroundings, folder) as process:
            _wait_for(FRONT, process)
            if product.ready:
                _wait_until_ready()
            yield
        _wait_for(FRONT, gone=True)


@contextmanager
def _running(
    program: Path, words: Sequence[str], environment: Mapping[str, str], folder: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program in a folder that is its home, too; what it says goes to a file there."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            (program, *words), cwd=folder, env={"HOME": str(folder), **environment}, stdout=said, stderr=said
        )
        try:
            yield process
        except SystemExit as error:
            raise SystemExit(f"{error}; {program.name} said: {(folder / 'said').read_text()[-2000:]}") from None
        finally:
            process.terminate()
            try:
                process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, process: "subprocess.Popen[bytes] | None" = None, *, gone: bool = False) -> None:
    """Wait until somebody listens on a port, or nobody any more; nobody is asked for that."""
    deadline = time.monotonic() + START_S
    while _listens(port) == gone:
        if time.monotonic() > deadline or (process and process.poll() is not None):
            raise SystemExit(f"port {port} {'is still taken' if gone else 'has no listener'}")
        time.sleep(0.01)


def _listens(port: int) -> bool:
    wanted = f"0100007F:{port:04X}"  # 127.0.0.1 as the kernel writes it
    fields = (line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:])
    return any(field[1] == wanted and field[3] == "0A" for field in fields)  # 0A: listens


def _wait_until_ready() -> None:
    deadline = time.monotonic() + START_S
    while ask_once(READY) != 200:
        if time.monotonic() > deadline:
            raise SystemExit("the balancer does not know its servers")
        time.sleep(0.02)


def ask_once(path: str) -> int:
    """Ask the balancer once, and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", FRONT, timeout=START_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def order(requests: int) -> list[int]:
    """Return which servers (from 0) answer so many requests, one at a time over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", FRONT, timeout=START_S)
    chosen = []
    try:
        for _ in range(requests):
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            chosen.append(int(str(answer.headers["X-Served-By"]).removeprefix("s")) - 1)
    finally:
        connection.close()
    return chosen
