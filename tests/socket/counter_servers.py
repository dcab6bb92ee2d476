"""Real HAProxy and nginx processes on loopback, and servers that answer whatever a test wants, for the sources' tests.

Every listening socket is opened here, on a free port, and handed to the program: nobody else can take the port, and
whoever connects waits in the queue until the program is ready.
"""

import os
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from lbcheck.model.counters import Counters, ServerCounters

T = TypeVar("T")

Reply = Callable[[bytes], bytes | Iterator[bytes] | None]  # None: cut the connection by RST


class _Handler(socketserver.BaseRequestHandler):
    """Reads one request, of one line or with an empty line at its end, and replies."""

    def handle(self) -> None:
        request = b""
        end = b"\r\n\r\n" if self.server.http else b"\n"  # type: ignore[attr-defined]
        try:
            while end not in request:
                piece = self.request.recv(65536)
                if not piece:
                    return
                request += piece
            reply = self.server.reply(request)  # type: ignore[attr-defined]
            if reply is None:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.request.close()  # now, for the server would first end it properly
                return
            for piece in [reply] if isinstance(reply, bytes) else reply:
                self.request.sendall(piece)
        except OSError:  # the client has seen enough
            return


@contextmanager
def replying(reply: Reply, *, http: bool = True, path: Path | None = None, host: str = "127.0.0.1") -> Iterator[str]:
    """Reply to each connection's first request; yields `HOST:PORT`, or the unix socket's path."""
    server_class = type(
        "Server",
        (socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer,),
        {"address_family": socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET},
    )
    with server_class(str(path) if path else (host, 0), _Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        server.reply, server.http = reply, http
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield str(path) if path else at(server.socket)
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def recording(answer: bytes, *, http: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    """Reply always the same; yields `HOST:PORT` and the requests that have come so far."""
    asked: list[bytes] = []

    def reply(request: bytes) -> bytes:
        asked.append(request)
        return answer

    with replying(reply, http=http) as address:
        yield address, asked


def eventually(look: Callable[[], T], wanted: Callable[[T], bool], seconds: float = 10.0) -> T:
    """Look again and again until what is seen is wanted; fail when that takes too long."""
    deadline = time.monotonic() + seconds
    while not wanted(seen := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds:g} s it is still {seen}")
    return seen


@contextmanager
def silent() -> Iterator[str]:
    """Listen and never answer: what connects stays in the queue. Yields `HOST:PORT`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield at(listener)


def dripping(text: bytes) -> Iterator[bytes]:
    """Give a byte now and then: each arrives in time, all of them never do."""
    pause = threading.Event()
    for byte in text:
        yield bytes([byte])
        pause.wait(0.05)


def http_answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def at(listener: socket.socket) -> str:
    """Return a socket's address as a URL has it."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def needed(program: str) -> str:
    """Return the program's path; where it is missing, skip, and on CI, where it must not be, fail."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed; apt-get install it, for this test runs the real one")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


@contextmanager
def running(
    command: Sequence[str], sockets: Sequence[socket.socket], **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that inherits `sockets`; it is ended, and waited for, at the end."""
    numbers = [listener.fileno() for listener in sockets]
    process = subprocess.Popen(command, pass_fds=numbers, env=os.environ | environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


@dataclass(frozen=True)
class Haproxy:
    """A running HAProxy: where its sockets are."""

    pid: int
    path: Path  # of its unix socket
    api: str  # HOST:PORT of its runtime API
    www: str
    page: str
    page_v6: str
    command: tuple[str, ...]
    sockets: tuple[socket.socket, ...]

    @property
    def unix(self) -> str:
        """The unix socket's URI."""
        return f"unix:{self.path}"


CONFIGURATION = """
global
    stats socket fd@{unix} level {level}
    stats socket fd@{api} level user
    {threads}
defaults
    mode http
    timeout connect 2s
    timeout client 5s
    timeout server 5s
frontend www
    mode {mode}
    bind fd@{www} name one {bind}
    option socket-stats
    default_backend web
backend web
    mode {mode}
    {web}
frontend statistics
    bind fd@{page}
    bind fd@{page_v6}
    stats enable
    stats uri {stats_uri}
    {stats}
"""


@contextmanager
def haproxy(
    directory: Path,
    *,
    web: Sequence[str] = (),
    stats: Sequence[str] = (),
    stats_uri: str = "/stats",
    tls: str = "",
    level: str = "user",
    bind: str = "",
    threads: int = 0,
    mode: str = "http",
) -> Iterator[Haproxy]:
    """Run HAProxy with a frontend, the backend `web` of these lines, runtime APIs and a statistics page.

    `level`: what its unix socket allows. `bind`: further words of the frontend's `bind`. `threads`: 0: one a core.
    `mode`: of the frontend and the backend.
    """
    program = needed("haproxy")
    with ExitStack() as opened:
        unix = opened.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(str(directory / "stats.sock"))
        unix.listen()
        api, www, page = (opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3))
        page_v6 = opened.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        configuration = CONFIGURATION.format(
            unix=unix.fileno(),
            level=level,
            threads=f"nbthread {threads}" if threads else "",
            mode=mode,
            bind=bind,
            api=api.fileno(),
            www=www.fileno(),
            page=f"{page.fileno()} {tls}",
            page_v6=page_v6.fileno(),
            web="\n    ".join(web),
            stats="\n    ".join(stats),
            stats_uri=stats_uri,
        )
        (directory / "haproxy.cfg").write_text(configuration)
        command = (program, "-db", "-q", "-f", str(directory / "haproxy.cfg"))
        sockets = (unix, api, www, page, page_v6)
        with running(command, sockets) as process:
            path = directory / "stats.sock"
            yield Haproxy(process.pid, path, at(api), at(www), at(page), at(page_v6), command, sockets)


@contextmanager
def reloaded(old: Haproxy) -> Iterator[int]:
    """Let a new HAProxy process take over from the old one; yields its pid."""
    with running((*old.command, "-sf", str(old.pid)), old.sockets) as process:
        yield process.pid


NGINX = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log {directory}/access.log;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen {address};
        location / {{ return 200 "web1"; }}
        location = /stub_status {{ stub_status; access_log off; }}
        location = /forbidden {{ deny all; }}
    }}
}}
"""


@contextmanager
def nginx(directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run nginx with an access log and stub_status; yields `HOST:PORT` and the process."""
    program = needed("nginx")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (directory / "nginx.conf").write_text(NGINX.format(directory=directory, address=at(listener)))
        command = (
            program,
            "-p",
            str(directory),
            "-c",
            str(directory / "nginx.conf"),
            "-e",
            str(directory / "error.log"),
        )
        # nginx takes over the sockets that NGINX lists, as it does when its program is replaced.
        with running(command, [listener], NGINX=f"{listener.fileno()};") as process:
            yield at(listener), process


def servers(counters: Counters, backend: str) -> tuple[ServerCounters, ...]:
    """Return the servers of one backend."""
    return next(found.servers for found in counters.backends if found.name == backend)
