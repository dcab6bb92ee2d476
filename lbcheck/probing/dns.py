"""DNS queries in blocks, over UDP and again over TCP where an answer did not fit.

A block is one name and one type at one server, never interleaved with another: a server that rotates may have one
counter for all names and types (NSD). For the same reason the queries whose answers were truncated are asked over
TCP after the last one over UDP, in a row of their own.
"""

import errno
import os
import select
import socket
from collections import Counter
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint, family
from lbcheck.model.plan import Resolve
from lbcheck.model.sample import ErrorKind, Failure, Resolution
from lbcheck.probing.stopping import Stopped, never
from lbcheck.wire.dns import Answer, Memory, Question, Tally

RESOLV_CONF = Path("/etc/resolv.conf")
DNS_PORT = 53
WINDOW = 64  # queries out at once: keeps a server busy and fits in any receive buffer
BURST = 1024  # datagrams read before the clock is looked at: a flood does not stop it
MOST_BYTES = 4096  # of a datagram: more than was asked for (UDP_PAYLOAD) by anyone's default
POLL_S = 0.1  # how often `stopped` is asked
LATE_S = 0.002  # poll(2) counts in milliseconds: so late, a query is caught up with, and later not: no bursts
REFUSALS = 5  # in a row: nobody listens. Linux sends six port-unreachables in a burst, then one a second
SILENCES = 3  # queries or timeouts in a row: nobody answers

_KINDS = {
    errno.ECONNREFUSED: ErrorKind.REFUSED,
    errno.ECONNRESET: ErrorKind.RESET,
    errno.EPIPE: ErrorKind.RESET,
    errno.ETIMEDOUT: ErrorKind.TIMEOUT,
    errno.EHOSTUNREACH: ErrorKind.UNREACHABLE,
    errno.ENETUNREACH: ErrorKind.UNREACHABLE,
    errno.ENETDOWN: ErrorKind.UNREACHABLE,
    errno.EAFNOSUPPORT: ErrorKind.UNREACHABLE,  # a kernel without IPv6
    errno.EADDRNOTAVAIL: ErrorKind.UNREACHABLE,  # no address of this family to ask from: one socket exhausts no ports
    errno.EINVAL: ErrorKind.UNREACHABLE,  # a link-local address without its interface
    errno.EAGAIN: ErrorKind.PORTS_EXHAUSTED,  # connect(2) of a UDP socket: no port is free
    errno.EPERM: ErrorKind.DENIED,  # the host's own packet filter
    errno.EACCES: ErrorKind.DENIED,
}


def resolve(step: Resolve, stopped: Stopped = never, resolv_conf: Path = RESOLV_CONF) -> Resolution:
    """Ask one block of queries and return what came back; a step without a server asks the host's own resolver.

    Each query ends in one of `orders` (no addresses: ""), the `rcodes` that say no, and `errors`; together they are
    `queries`. A lost query is not sent again. Those still out when `stopped` says so are in none of them.
    """
    started = monotonic()
    server, block, failure = "", None, None
    try:
        endpoint = step.server or host_resolver(resolv_conf)
        server = str(endpoint)
        block = _ask(step, endpoint, stopped)
        failure = _nothing_answered(step, server, block)
    except LbcheckError as error:
        failure = Failure(ErrorKind.NOT_FOUND, str(error))
    except OSError as error:
        failure = Failure(_kind(error), f"{server} cannot be reached: {error.strerror}")
    return _sample(step, server, block, failure, monotonic() - started)


def host_resolver(resolv_conf: Path = RESOLV_CONF) -> Endpoint:
    """Return the first nameserver of resolv.conf(5), or 127.0.0.1 where there is none, as the C library does."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    named = (words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"] and len(words) > 1)
    return Endpoint(next(named, "127.0.0.1"), DNS_PORT)


def _ask(step: Resolve, server: Endpoint, stopped: Stopped) -> "_Block":
    """Ask over UDP, and then over TCP what was truncated."""
    # An authoritative server is not asked to recurse: it must know by itself (RFC 1035, 4.1.1).
    question = Question(step.name, step.rdtype, recursive=step.layer != "authoritative")
    with _connected_udp(server) as sock:
        block = _Block(step, sock, question, stopped)
        block.run()
    if truncated := block.tally.truncated:
        block.errors += _Stream(step, server, question, block.memory, stopped).run(truncated)
    return block


def _sample(step: Resolve, server: str, block: "_Block | None", failure: Failure | None, seconds: float) -> Resolution:
    tally = block.tally if block else Tally()
    errors = block.errors + Counter({ErrorKind.PROTOCOL: tally.unreadable}) if block else Counter[ErrorKind]()
    return Resolution(
        at=step.at,
        failure=failure,
        seconds=seconds,
        server=server,
        layer=step.layer or tally.layer,
        name=step.name,
        rdtype=step.rdtype,
        queries=tally.answers + errors.total(),
        first=dict(tally.first),
        orders=dict(tally.orders),
        ttls_s=tuple(sorted(tally.ttls_s)),
        rcodes=dict(tally.rcodes),
        errors={str(kind): count for kind, count in errors.items()},
        truncated=tally.truncated,
    )


def _nothing_answered(step: Resolve, server: str, block: "_Block") -> Failure | None:
    """Say why not one query was answered; None where one was, or nobody waited for it."""
    tally = block.tally
    queries = block.errors.total() + tally.unreadable
    if tally.answers or not (queries or block.given_up):
        return None
    kind = ErrorKind.PROTOCOL if tally.unreadable else block.given_up or block.errors.most_common(1)[0][0]
    if tally.truncated:
        return Failure(kind, f"{server} truncates its answers over UDP and gives none over TCP: {kind}")
    noise = f"; {block.strays} datagrams came that answer none of them" if block.strays else ""
    why = {
        ErrorKind.REFUSED: "refuses queries: nothing listens there",
        ErrorKind.TIMEOUT: f"does not answer: {queries} queries, each waited for {step.timeout_s:g} s{noise}",
        ErrorKind.PROTOCOL: f"does not answer {queries} queries with a DNS message that can be read{noise}",
    }
    return Failure(kind, f"{server} {why.get(kind) or f'cannot be asked: {block.reason}'}")


def _kind(error: OSError) -> ErrorKind:
    """Return what an error of the operating system means here; one that is not understood propagates."""
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT
    if error.errno not in _KINDS:
        raise error
    return _KINDS[error.errno]


def _socket(server: Endpoint, kind: socket.SocketKind) -> socket.socket:
    sock = socket.socket(socket.AF_INET if family(server.address) == 4 else socket.AF_INET6, kind)
    sock.setblocking(False)
    return sock


def _connected_udp(server: Endpoint) -> socket.socket:
    """Return a socket that hears nobody but this server, and its host's port-unreachables."""
    sock = _socket(server, socket.SOCK_DGRAM)
    try:
        sock.connect((server.address, server.port))
    except OSError:
        sock.close()
        raise
    return sock


class _Block:
    """A row of queries on one UDP socket: what is out, what came back, what was lost, and when to give up.

    Until the first answer `SILENCES` queries are out at once: a dead server is asked no more than these; then `WINDOW`.
    """

    def __init__(self, step: Resolve, sock: socket.socket, question: Question, stopped: Stopped) -> None:
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
    def tally(self) -> Tally:
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
        kind = _kind(error)
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


class _StoppedError(Exception):
    """Somebody wants this to end."""


class _Stream:
    """Queries over TCP, one at a time: a connection is used until the server closes it (RFC 7766)."""

    def __init__(self, step: Resolve, server: Endpoint, question: Question, memory: Memory, stopped: Stopped) -> None:
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
                errors[_kind(error)] += 1
                if failed == SILENCES:
                    return errors + Counter({_kind(error): left - 1})
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

    def _exchange(self) -> Answer:
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

    def _ask(self, deadline: float) -> Answer:
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
        sock = _socket(self._server, socket.SOCK_STREAM)
        try:
            with suppress(BlockingIOError):  # it is under way
                sock.connect((self._server.address, self._server.port))
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
