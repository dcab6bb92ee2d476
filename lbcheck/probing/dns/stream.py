"""Over TCP, what did not fit in a datagram."""

import errno
import os
import select
import socket
from collections import Counter
from contextlib import suppress
from time import monotonic, sleep

from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.step import ErrorKind
from lbcheck.probing.dns.kernel import POLL_S, SILENCES, kind_of, towards
from lbcheck.probing.socket_options import socket_address
from lbcheck.probing.stopping import Stopped
from lbcheck.wire.dns import DnsAnswer, DnsQuestion, Memory


class _StoppedError(Exception):
    """Somebody wants this to end."""


class Stream:
    """Queries over TCP, one at a time: a connection is used until the server closes it (RFC 7766)."""

    def __init__(
        self, step: Resolve, server: Endpoint, question: DnsQuestion, memory: Memory, stopped: Stopped
    ) -> None:
        self._step = step
        self._server = server
        self._wire = question.wire
        self._memory = memory
        self._stopped = stopped
        self._sock: socket.socket | None = None
        self._due = monotonic()

    def run(self, queries: int) -> Counter[ErrorKind]:
        """Ask `queries` times, count what was answered in the memory, and return the errors of the rest."""
        errors: Counter[ErrorKind] = Counter()
        failed = 0  # in a row
        for left in range(queries, 0, -1):
            try:
                self._pause()
                answer = self._exchange()
            except _StoppedError:
                break
            except OSError as error:
                self._close()
                failed += 1
                errors[kind_of(error)] += 1
                if failed == SILENCES:
                    return errors + Counter({kind_of(error): left - 1})
            else:
                failed = 0
                answer.times += not answer.truncated
                errors[ErrorKind.PROTOCOL] += answer.truncated  # over TCP, where everything fits
        self._close()
        return errors

    def _pause(self) -> None:
        """Wait until a query is due."""
        while (ahead_s := self._due - monotonic()) > 0:
            if self._stopped():
                raise _StoppedError
            sleep(min(ahead_s, POLL_S))
        self._due = monotonic() + (1 / self._step.rate if self._step.rate else 0.0)

    def _exchange(self) -> DnsAnswer:
        """Ask once; once more where a connection that has served before turns out to be closed."""
        deadline = monotonic() + self._step.timeout_s
        served_before = self._sock is not None
        try:
            return self._ask(deadline)
        except (ConnectionResetError, BrokenPipeError):
            if not served_before:
                raise
            self._close()
            return self._ask(deadline)

    def _ask(self, deadline: float) -> DnsAnswer:
        if self._sock is None:
            self._sock = self._connect(deadline)
        ident = os.urandom(2)
        message = ident + self._wire
        self._sock.send(len(message).to_bytes(2, "big") + message)  # under 300 bytes: never in two parts
        while True:
            data = self._read(int.from_bytes(self._read(2, deadline), "big"), deadline)
            answer = self._memory.known.get(data[2:]) or self._memory.learn(data[2:])
            if answer.is_answer and data[:2] == ident:
                return answer

    def _connect(self, deadline: float) -> socket.socket:
        sock = towards(self._server, socket.SOCK_STREAM)
        try:
            with suppress(BlockingIOError):  # it is under way
                sock.connect(socket_address(self._server.address, self._server.port))
            self._wait(sock, select.POLLOUT, deadline)  # or failed: sending will say why
        except (OSError, _StoppedError):
            sock.close()
            raise
        return sock

    def _read(self, size: int, deadline: float) -> bytes:
        """Read exactly `size` bytes."""
        data = b""
        while len(data) < size and self._sock:
            self._wait(self._sock, select.POLLIN, deadline)
            part = self._sock.recv(size - len(data))
            if not part:
                raise ConnectionResetError(errno.ECONNRESET, "the connection was closed before the answer was complete")
            data += part
        return data

    def _wait(self, sock: socket.socket, event: int, deadline: float) -> None:
        """Wait for an event; TimeoutError at the deadline."""
        poll = select.poll()
        poll.register(sock, event)
        while True:
            left_s = deadline - monotonic()
            if left_s <= 0:
                raise TimeoutError
            if self._stopped():
                raise _StoppedError
            if poll.poll(min(left_s, POLL_S) * 1000):
                return

    def _close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None
