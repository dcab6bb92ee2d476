"""The HTTP engine: asks one endpoint many times over raw non-blocking sockets and counts who answered.

One thread, one epoll. A connection is opened, carries its request at once where the handshake is done by then (as it is
over loopback and veth), and is read when epoll says so. Nothing here waits for more than TICK_S, and no operation for
longer than the step's timeout: whatever the peers do, a step ends.
"""

import errno
import math
import os
import secrets
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

import lbcheck
from lbcheck.model.requests import Answers, Request
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing.http import distrust
from lbcheck.probing.http.destination import Destination, ImpossibleError
from lbcheck.probing.http.patience import Patience
from lbcheck.probing.http.record import Record
from lbcheck.probing.http.searching import searching
from lbcheck.probing.http.tls import Tls
from lbcheck.probing.socket_options import RESET
from lbcheck.probing.stopping import Stopped, never
from lbcheck.wire.errnos import KINDS
from lbcheck.wire.http.answer import AnswerReader, HttpAnswer
from lbcheck.wire.http.head import MalformedAnswerError
from lbcheck.wire.http.recogniser import Recogniser
from lbcheck.wire.http.request import Target, request_bytes
from lbcheck.wire.uncollected import uncollected

TICK_S = 0.05  # between two looks at deadlines and at `stopped`
BURST_S = 0.1  # of a rate: who is late by more lets the rest go
GRACE_S = 0.05  # for a server to close first, so that TIME_WAIT is its own (RFC 9293, section 3.6)
# Answers of the first kept connection before another one is opened. Else a cycle over as many servers as there are
# connections could give each connection a server of its own. Of four choices in a row two differ, unless one server has
# more than three quarters of the weight.
ALONE = 4
RECEIVE_BYTES = 16 * 1024  # one recv; an answer that says who gave it is about 300

_READ = select.EPOLLIN | select.EPOLLRDHUP
_GONE = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR


def request(step: Request, stopped: Stopped = never) -> Answers:
    """Ask `step.url` `step.requests` times; count and keep who answered.

    What goes wrong is in the sample: for one request in `errors`, for the step in `failure`. When there was no answer
    for three timeouts, or failures and silence took more than `step.silence_s`, the step is given up with `sent` below
    `step.requests`. LbcheckError is for a URL, an identification or an address that cannot be read.
    """
    target = Target.parse(step.url)
    message = _message(step, target)
    started = time.monotonic()
    with ExitStack() as stack:
        try:
            search = stack.enter_context(searching(step.identify, step.identify_balancer))
            recogniser = Recogniser(step.identify, step.identify_balancer, search=search)
            engine = _Engine(step, Destination(step, target), message, recogniser)
        except ImpossibleError as error:
            return step.lost(error.failure)
        with uncollected():  # there are no cycles
            failure = engine.run(stopped)
    if engine.distrust:
        engine.record.reasons[ErrorKind.TLS] = distrust.reason(engine.distrust, engine.destination, step.timeout_s)
    return replace(
        engine.record.sample(step),
        address=engine.destination.address[0] if len(engine.destination.addresses) == 1 else "",
        addresses=engine.destination.addresses if step.every_address else (),
        connections=engine.opened,
        failure=failure,
        silent_s=round(engine.patience.silent_s, 3),
        given_up=engine.given_up,
        seconds=time.monotonic() - started,
    )


def _message(step: Request, target: Target) -> bytes:
    agent = f"lbcheck/{lbcheck.__version__}" + (f" run={step.token}" if step.token else "")
    in_body = any(how.startswith("body:") for how in (step.identify, step.identify_balancer))
    return request_bytes(target, agent, keep_alive=step.keep_alive, plain=in_body, further=step.headers)


def following(due: float, now: float, rate: float) -> float:
    """Return when the request after the one that was due at `due` is due, at `rate` requests a second.

    The schedule does not wait for answers. Who comes late catches up, but for no more than BURST_S.
    """
    return max(due + 1 / rate, now - BURST_S)


# The states of a connection, and the method that moves it on. In the first three a request is under way.
#
#                    _open
#                      │
#                      ▼
#                 CONNECTING ──────────────────────────┐
#      _begin, https   │       │ _begin, http          │
#           ┌──────────┘       │ (the request is sent) │
#           ▼                  │                       │
#      HANDSHAKING ────────────┼───────────────────────┤  _lose: refused, reset, malformed, or silent
#           │                  │                       │  for longer than the step's timeout;
#           │ _ask, once TLS   │                       │  the request fails
#           │ is established   ▼                       │
#           └──────────────▶ WAITING ──────────────────┤
#                              │   ▲                   │
#                        _take │   │ _ask: the next    │
#                              │   │ request           │
#        ┌─────────────────────┤   │                   │
#        │ the answer may be   ▼   │                   ▼
#        │ the last here     IDLE ─┴────────────────▶ closed
#        ▼                        _readable: the       ▲
#     LEAVING                     peer closes, or      │
#        │                        speaks unasked       │
#        └─────────────────────────────────────────────┘
#          _readable: the peer closes; _lose: it has not within GRACE_S
_CONNECTING, _HANDSHAKING, _WAITING, _IDLE, _LEAVING = range(5)
_UNDER_WAY = frozenset((_CONNECTING, _HANDSHAKING, _WAITING))


class _Connection:
    """A socket and what it is about: one request at a time; then idle, or leaving until the peer closes."""

    __slots__ = (
        "address",
        "answered",
        "asked",
        "deadline",
        "fd",
        "moved",
        "named",
        "reader",
        "server",
        "socket",
        "state",
        "tls",
        "unsent",
    )

    def __init__(self, new: socket.SocketType, address: str, now: float, timeout_s: float, tls: Tls | None) -> None:
        self.socket = new
        self.address = address
        self.fd = new.fileno()
        self.state = _CONNECTING
        self.asked = now  # when the request that is under way, or was last, began
        self.deadline = now + timeout_s
        self.tls = tls
        self.answered = 0  # requests
        self.named = 0  # answers that name a server
        self.server = ""  # the last of these
        self.moved = False  # whether they are several
        self.unsent = b""
        self.reader: AnswerReader | None = None  # of an answer that could not be told at a glance


class _Engine:
    """Keeps up to `concurrency` connections busy until every request has ended as an answer or an error."""

    def __init__(self, step: Request, destination: Destination, message: bytes, recogniser: Recogniser) -> None:
        self.destination = destination
        self.record = Record()
        self.opened = 0
        self.given_up = ""
        self.distrust: ssl.SSLError | None = None  # the first failure of a handshake
        self._step, self._message, self._recogniser = step, message, recogniser
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self._leaving = 0
        self._concurrency = max(1, step.concurrency)
        self._goal = step.requests
        self._started = self._ended = 0  # requests
        self._now = self._due = time.monotonic()
        self.patience = Patience(step, self._now)
        self._timeout_s = self.patience.timeout_s
        self._heard = 0.0  # when there was an answer that patience was not told of; 0: there was none

    def run(self, stopped: Stopped) -> Failure | None:
        """Send all requests; return why that was impossible, if it was."""
        try:
            self._loop(stopped)
        except ImpossibleError as error:
            return error.failure
        finally:
            for connection in list(self._connections.values()):
                self._close(connection)
            self._epoll.close()
        return None

    def _loop(self, stopped: Stopped) -> None:
        tick = 0.0
        while self._ended < self._goal or self._leaving:
            self._start()
            events = self._epoll.poll(self._pause_s())
            self._now = time.monotonic()
            for fd, event in events:
                self._attempt(self._writable if event & select.EPOLLOUT else self._readable, fd, event)
            if self._now >= tick:
                tick = self._now + TICK_S
                if stopped():
                    return
                self._expire()

    def _attempt(self, action: Callable[[_Connection, int], None], fd: int, event: int = 0) -> None:
        """Do something with a connection; what goes wrong is counted."""
        connection = self._connections[fd]
        try:
            action(connection, event)
        except BlockingIOError:
            pass  # woken for nothing
        except ssl.SSLError as error:
            self.distrust = self.distrust or error
            self._lose(connection, ErrorKind.TLS)
        except OSError as error:
            self._lose(connection, _error_kind(error.errno))
        except MalformedAnswerError as error:
            self._lose(connection, ErrorKind.PROTOCOL, str(error))

    # --- when ---

    def _start(self) -> None:
        """Start every request that is due and for which there is a connection."""
        while self._may_start():
            if rate := self.patience.rate:
                if self._due > self._now:
                    return
                self._due = following(self._due, self._now, rate)
            self._started += 1
            if idle := self._drawn():
                self._attempt(self._ask, idle.fd)
            else:
                self._open()

    def _drawn(self) -> _Connection | None:
        """Return the idle connection that carries the next request; None: a new one does."""
        place = secrets.randbelow(self._step.dealt) if self._step.dealt > 0 else 0
        if place >= len(self._idle):
            return None
        drawn = self._idle[place]
        del self._idle[place]
        return drawn

    def _pause_s(self) -> float:
        """Return how long to wait for events: no longer than until the next request is due and may be sent."""
        if self.patience.rate and self._may_start():
            return min(TICK_S, max(0.0, self._due - self._now))
        return TICK_S

    def _may_start(self) -> bool:
        return self._started < self._goal and len(self._connections) - len(self._idle) < self._at_once()

    def _at_once(self) -> int:
        """Return how many connections may be busy: one, as long as it may be the first one that is kept."""
        if self._ended < ALONE and self._step.keep_alive and self.opened < 2 and not self.record.errors:
            return 1
        return self._concurrency

    def _expire(self) -> None:
        """Let go of what takes too long; give up a target that fails or is silent for long."""
        self._tell_of_answers()
        for connection in list(self._connections.values()):
            if connection.deadline <= self._now:
                self._overdue(connection)
        if self._started < self._goal and (why := self.patience.given_up(self._now)):
            self.given_up, self._goal = why, self._started

    def _overdue(self, connection: _Connection) -> None:
        """Lose a connection; who has sent a good deal of a long body by now has answered."""
        reader = connection.reader if connection.state == _WAITING else None
        if reader and (answer := reader.as_far_as_it_came()):
            self.record.look_at(reader, answer)
            self._take(connection, answer, select.EPOLLHUP)
        else:
            self._lose(connection, ErrorKind.TIMEOUT)

    # --- a connection's life ---

    def _open(self) -> None:
        new, code = self.destination.open()
        if code not in (0, errno.EINPROGRESS):
            new.close()
            self._fail(_error_kind(code), self.destination.address[0])
            return
        tls = Tls(self.destination.tls, self.destination.name) if self.destination.tls else None
        connection = _Connection(new, self.destination.address[0], self._now, self._timeout_s, tls)
        connection.unsent = tls.hello() if tls else self._message
        self._connections[connection.fd] = connection
        self._epoll.register(connection.fd, _READ)
        self._attempt(self._begin, connection.fd)

    def _begin(self, connection: _Connection, _event: int = 0) -> None:
        """Send the first bytes; a near peer has shaken hands by the time that connect() returns."""
        first = connection.unsent
        try:
            sent = connection.socket.send(first)
        except BlockingIOError:
            self._epoll.modify(connection.fd, _READ | select.EPOLLOUT)
            return
        self.opened += 1
        connection.unsent = b""
        connection.state = _HANDSHAKING if connection.tls else _WAITING
        connection.deadline = self._now + self._timeout_s
        if sent < len(first):
            self._postpone(connection, first[sent:])

    def _writable(self, connection: _Connection, event: int) -> None:
        self._epoll.modify(connection.fd, _READ)
        if connection.state != _CONNECTING:
            unsent, connection.unsent = connection.unsent, b""
            self._send(connection, unsent)
        elif event & select.EPOLLIN and not event & select.EPOLLERR:
            raise MalformedAnswerError("the server speaks before it is asked")
        else:
            self._begin(connection)

    def _ask(self, connection: _Connection, _event: int = 0) -> None:
        if connection.answered:  # else it began with the connection
            connection.asked = self._now
        connection.state = _WAITING
        connection.deadline = self._now + self._timeout_s
        if connection.tls:
            connection.tls.write(self._message)
            self._send(connection, connection.tls.pending())
        else:
            self._send(connection, self._message)

    def _send(self, connection: _Connection, data: bytes) -> None:
        try:
            sent = connection.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._postpone(connection, data[sent:])

    def _postpone(self, connection: _Connection, data: bytes) -> None:
        connection.unsent += data
        self._epoll.modify(connection.fd, _READ | select.EPOLLOUT)

    def _readable(self, connection: _Connection, event: int) -> None:
        data: bytes | None = connection.socket.recv(RECEIVE_BYTES)
        if connection.tls:
            data = self._decrypt(connection, connection.tls, data or b"")
        if data is None:
            return
        if connection.state != _WAITING:  # it closes, or speaks unasked
            self._close(connection)
        elif answer := self._understand(connection, data):
            self._take(connection, answer, event)

    def _decrypt(self, connection: _Connection, tls: Tls, data: bytes) -> bytes | None:
        """Return what the peer says inside of TLS: nothing at its end, None where more has to come."""
        tls.feed(data)
        if connection.state == _HANDSHAKING:
            if tls.shake_hands():
                self._ask(connection)
            else:
                self._send(connection, tls.pending())
                return None
        return tls.read()

    def _understand(self, connection: _Connection, data: bytes) -> HttpAnswer | None:
        """Return the answer, once it is whole."""
        if connection.reader is None:
            if not data and connection.answered:
                raise ConnectionResetError(errno.ECONNRESET, "closed between two requests")
            if answer := self._recogniser.at_a_glance(data):
                return answer
            connection.reader = self._recogniser.reader()
        answer = connection.reader.feed(data)
        if answer:
            self._recogniser.learn(connection.reader)
            self.record.look_at(connection.reader, answer)
            connection.reader = None
        return answer

    def _take(self, connection: _Connection, answer: HttpAnswer, event: int) -> None:
        """Count an answer; keep its connection, close it, or leave closing it to the server."""
        self.record.take(answer, not connection.answered)
        if answer.server:
            connection.moved |= connection.server not in ("", answer.server)
            connection.server = answer.server
            connection.named += 1
        self._heard = self._now
        if not answer.server and answer.status >= 500:
            self.patience.waited(self._now - connection.asked)  # no server was behind it
        self._ended += 1
        connection.answered += 1
        if event & _GONE:
            self._close(connection)
        elif self._step.keep_alive and answer.reusable:
            connection.state = _IDLE
            connection.deadline = math.inf
            self._idle.append(connection)
        else:
            connection.state = _LEAVING
            connection.deadline = self._now + GRACE_S
            self._leaving += 1

    def _lose(self, connection: _Connection, kind: ErrorKind, reason: str = "") -> None:
        """Close a connection that fails; its request, if it has one, fails with it."""
        if connection.state == _WAITING and connection.answered and not connection.reader and kind == ErrorKind.RESET:
            self._started -= 1  # closed while idle: RFC 9112, section 9.3.1 lets a GET go again on a new connection
        elif connection.state in _UNDER_WAY:
            self._fail(kind, connection.address, self._now - connection.asked, reason)
        self._close(connection)

    def _fail(self, kind: ErrorKind, address: str, waited_s: float = 0.0, reason: str = "") -> None:
        if len(self.destination.addresses) > 1:
            reason = f"{reason or kind} at {address}"
        self.record.fail(kind, reason)
        self._tell_of_answers()
        self.patience.failed(waited_s)
        self._ended += 1

    def _tell_of_answers(self) -> None:
        """Tell patience of answers when it matters: at a failure and at a tick, not at each of many thousands."""
        if self._heard:
            self.patience.heard(self._heard)
            self._heard = 0.0

    def _close(self, connection: _Connection) -> None:
        if connection.state == _IDLE:
            self._idle.remove(connection)
            # Nothing is under way, so a reset loses nothing; TIME_WAIT would keep this port from a fill for a minute.
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._leaving -= connection.state == _LEAVING
        del self._connections[connection.fd]
        if connection.named > 1:
            self.record.kept += 1
            self.record.moved += connection.moved
        if connection.reader:
            connection.reader.close()
        if connection.tls:
            with suppress(OSError):
                connection.socket.send(connection.tls.farewell())
        connection.socket.close()


def _error_kind(number: int | None) -> ErrorKind:
    """Return the kind of an error number; one that is not understood ends the step."""
    if kind := KINDS.get(number or 0):
        return kind
    raise ImpossibleError(ErrorKind.INTERNAL, f"a connection failed in an unknown way: {os.strerror(number or 0)}")
