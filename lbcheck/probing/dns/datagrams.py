"""A block's queries over UDP."""

import os
import select
import socket
from collections import Counter
from time import monotonic

from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.step import ErrorKind
from lbcheck.probing.dns.kernel import POLL_S, SILENCES, kind_of, towards
from lbcheck.probing.socket_options import socket_address
from lbcheck.probing.stopping import Stopped
from lbcheck.wire.dns import DnsQuestion, DnsTally, Memory

WINDOW = 64  # queries out at once: keeps a server busy and fits in any receive buffer
BURST = 1024  # datagrams read before the clock is looked at: a flood does not stop it
MOST_BYTES = 4096  # of a datagram: more than was asked for (UDP_PAYLOAD) by anyone's default
LATE_S = 0.002  # poll(2) counts in milliseconds: so late, a query is caught up with, and later not: no bursts
REFUSALS = 5  # in a row: nobody listens. Linux sends six port-unreachables in a burst, then one a second


def connected(server: Endpoint) -> socket.socket:
    """Return a socket that hears nobody but this server, and its host's port-unreachables."""
    sock = towards(server, socket.SOCK_DGRAM)
    try:
        sock.connect(socket_address(server.address, server.port))
    except OSError:
        sock.close()
        raise
    return sock


class DnsBlock:
    """A row of queries on one UDP socket: what is out, what came back, what was lost, and when to give up.

    Until the first answer `SILENCES` queries are out at once: a dead server is asked no more than these; then `WINDOW`.
    """

    def __init__(self, step: Resolve, sock: socket.socket, question: DnsQuestion, stopped: Stopped) -> None:
        self.memory = Memory(question)
        self.errors: Counter[ErrorKind] = Counter()
        self.strays = 0  # datagrams that are no answer, or not to a query that is out
        self.given_up: ErrorKind | None = None
        self.reason = ""  # the operating system's, for the last fault
        self._timeout_s = step.timeout_s
        self._interval_s = 1 / step.rate if step.rate else 0.0
        self._sock = sock
        self._wire = question.wire
        self._stopped = stopped
        self._left = step.queries
        self._window = SILENCES
        self._ident = int.from_bytes(os.urandom(2), "big")  # and the source port is the kernel's, at random (RFC 5452)
        self._out: dict[bytes, float] = {}  # ID → when it was sent, oldest first
        self._suspects: set[bytes] = set()  # IDs out that something came back with, which was no answer
        self._due = self._heard = monotonic()
        self._faults = self._silences = 0  # in a row

    @property
    def tally(self) -> DnsTally:
        """What all answers so far come to."""
        return self.memory.tally()

    def run(self) -> None:
        """Ask until every query has its end, or it is given up, or stopped."""
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        now = look = monotonic()
        while (self._left or self._out) and not self.given_up:
            if now >= look:
                if self._stopped():
                    return
                look = now + POLL_S
            self._send(now)
            poll.poll(self._patience_ms(now))
            now = monotonic()
            self._receive(now)
            self._expire(now)
        if self.given_up:
            self.errors += Counter({self.given_up: len(self._out)})

    def _send(self, now: float) -> None:
        """Send what the window and the rate allow."""
        out = self._out
        while self._left and len(out) < self._window and self._due <= now:
            self._ident = (self._ident + 1) & 0xFFFF
            ident = self._ident.to_bytes(2, "big")
            try:
                self._sock.send(ident + self._wire)
            except BlockingIOError:
                self._due = now + LATE_S
                return
            except OSError as error:
                self._fault(error)
                return
            out[ident] = now
            self._left -= 1
            self._due = max(self._due + self._interval_s, now + self._interval_s / 2 - LATE_S)

    def _receive(self, now: float) -> None:
        """Read what has come: the hot loop, a dictionary's look-up or two for each answer."""
        recv, known, out = self._sock.recv, self.memory.known, self._out
        answered = False
        try:
            for _ in range(BURST):
                data = recv(MOST_BYTES)
                answer = known.get(data[2:]) or self.memory.learn(data[2:])
                if answer.is_answer and out.pop(data[:2], None) is not None:
                    answer.times += 1
                    answered = True
                else:
                    self._stray(data[:2])
        except BlockingIOError:
            pass
        except OSError as error:
            self._fault(error)
        if answered:
            self._heard = now
            self._window = WINDOW
            self._faults = self._silences = 0

    def _stray(self, ident: bytes) -> None:
        self.strays += 1
        if ident in self._out:
            self._suspects.add(ident)

    def _fault(self, error: OSError) -> None:
        """Count what the operating system says of a query that was sent before, or would not send."""
        kind = kind_of(error)
        self.reason = error.strerror or kind
        if self._out:
            del self._out[next(iter(self._out))]
            self.errors[kind] += 1
        self._faults += 1
        if self._faults >= REFUSALS:
            self.given_up = kind

    def _expire(self, now: float) -> None:
        """Write off the queries that were waited for long enough."""
        while self._out:
            ident, sent = next(iter(self._out.items()))
            if now - sent < self._timeout_s:
                break
            del self._out[ident]
            kind = ErrorKind.PROTOCOL if ident in self._suspects else ErrorKind.TIMEOUT
            self._suspects.discard(ident)
            self.errors[kind] += 1
            self._silences += 1
            patience = SILENCES if self._window == WINDOW else 1  # who has answered before may be slow for a while
            if self._silences >= SILENCES and now - self._heard >= patience * self._timeout_s:
                self.given_up = kind

    def _patience_ms(self, now: float) -> float:
        """Return how long there is nothing to do but listen."""
        until = now + POLL_S
        if self._out:
            until = min(until, next(iter(self._out.values())) + self._timeout_s)
        if self._left and len(self._out) < self._window:
            until = min(until, self._due)
        return max(0.0, (until - now) * 1000)
