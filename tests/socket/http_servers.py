"""HTTP servers on loopback, good ones and bad ones, and the step that asks one."""

import itertools
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lbcheck.model.requests import Request

Serve = Callable[["Server", socket.socket], None]


class Server:
    """A listener that hands each connection to a function, in a thread of its own, and remembers what came."""

    def __init__(self, serve: Serve, address: str, context: ssl.SSLContext | None) -> None:
        self.requests: list[bytes] = []
        self.clients: list[str] = []
        self._serve, self._context = serve, context
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=512
        )
        self.port: int = self._listener.getsockname()[1]
        self._names = itertools.cycle(["web1", "web2", "web3"])
        self._spawn(self._accept)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, peer = self._listener.accept()
                with self._lock:
                    self.clients.append(peer[0])
                    self._open.add(connection)
                self._spawn(self._handle, connection)

    def _handle(self, raw: socket.socket) -> None:
        connection = raw
        try:
            if self._context:
                connection = self._context.wrap_socket(raw, server_side=True)
            self._serve(self, connection)
        except OSError:
            pass  # the client has gone, or the test is over
        finally:
            with self._lock:
                self._open.discard(raw)
            connection.close()

    def read(self, connection: socket.socket) -> bool:
        """Read one request; False at the end of the connection."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        with self._lock:
            self.requests.append(data)
        return True

    def answer(self, extra: str = "", name: str = "") -> bytes:
        """Return an answer of the next server in turn."""
        with self._lock:
            name = name or next(self._names)
        return f"HTTP/1.1 200 OK\r\nX-Served-By: {name}\r\n{extra}Content-Length: 2\r\n\r\nok".encode()

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@contextmanager
def serving(serve: Serve, address: str = "127.0.0.1", context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run a server until the end of the block."""
    server = Server(serve, address, context)
    try:
        yield server
    finally:
        server.stop()


def step(port: int, requests: int = 12, *, url: str = "", address: str = "127.0.0.1", **options: object) -> Request:
    """Return a step towards a port of this host, with a short timeout."""
    settings = {"timeout_s": 0.2, **options}
    return Request(url=url or f"http://www.lab.test:{port}/", address=address, requests=requests, **settings)  # type: ignore[arg-type]


def once(server: Server, connection: socket.socket) -> None:
    """Answer one request and close."""
    if server.read(connection):
        connection.sendall(server.answer("Connection: close\r\n"))


def kept(server: Server, connection: socket.socket) -> None:
    """Answer as long as somebody asks."""
    while server.read(connection):
        connection.sendall(server.answer())


def garbage(server: Server, connection: socket.socket) -> None:
    """Speak something else."""
    server.read(connection)
    connection.sendall(b"220 mail.lab.test ESMTP\r\n")
    server.read(connection)


def endless_head(server: Server, connection: socket.socket) -> None:
    """Send header fields for ever."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: and more\r\n" * 100)


def endless_body(server: Server, connection: socket.socket) -> None:
    """Name nobody and send a body for ever."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def truncated(server: Server, connection: socket.socket) -> None:
    """Send less than promised."""
    server.read(connection)
    connection.sendall(server.answer()[:-1])


def closing_early(server: Server, connection: socket.socket) -> None:
    """Close without an answer."""
    server.read(connection)


def resetting(server: Server, connection: socket.socket) -> None:
    """Close by RST."""
    server.read(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(server: Server, connection: socket.socket) -> None:
    """Say nothing."""
    while server.read(connection):
        pass


def every_fourth_silent(server: Server, connection: socket.socket) -> None:
    """Answer three requests of four, and say nothing to the fourth, as one dead server of four behind a balancer."""
    if server.read(connection):
        if len(server.requests) % 4:
            connection.sendall(server.answer("Connection: close\r\n"))
        else:
            server.read(connection)


def dripping(server: Server, connection: socket.socket) -> None:
    """Send one byte now and then."""
    server.read(connection)
    for byte in itertools.cycle(b"HTTP/1.1 200 OK\r\n"):
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.05)


def unavailable(server: Server, connection: socket.socket) -> None:
    """Answer as HAProxy does when no server is up."""
    server.read(connection)
    connection.sendall(b"HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\n<html>")


def anonymous(server: Server, connection: socket.socket) -> None:
    """Answer without a name."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
