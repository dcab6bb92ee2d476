"""One process's part of a fill: the loop that opens connections, and what it makes of a refusal."""

import errno
import os
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from lbcheck.model.address import Endpoint, family
from lbcheck.model.capacity import BindingMode
from lbcheck.model.fill import Fill, StopKind
from lbcheck.probing import child, needs
from lbcheck.probing.fill_plan import PORTION, Block

STOP = b"s"  # the parent's word: open no more, report, and hold what is open

RESET = struct.pack("ii", 1, 0)  # SO_LINGER, 0 s: close by RST
_KIND = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_UNDERWAY = errno.EINPROGRESS
_OPTIONS: dict[BindingMode, tuple[int, int, int | bytes]] = {  # what is set before bind: level, name, value
    BindingMode.EXPLICIT: (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
    BindingMode.NO_PORT: (socket.IPPROTO_IP, 24, 1),  # IP_BIND_ADDRESS_NO_PORT (linux/in.h), for IPv6 sockets, too
}
_STOPS = {
    errno.EADDRNOTAVAIL: StopKind.NO_PORT,
    errno.EADDRINUSE: StopKind.IN_USE,
    errno.ECONNREFUSED: StopKind.REFUSED,
    errno.ECONNRESET: StopKind.RESET,
    errno.ETIMEDOUT: StopKind.SILENCE,
    errno.ENETUNREACH: StopKind.UNREACHABLE,
    errno.EHOSTUNREACH: StopKind.UNREACHABLE,
    errno.ENETDOWN: StopKind.UNREACHABLE,
    errno.EMFILE: StopKind.DESCRIPTORS,
    errno.ENFILE: StopKind.FILES,
    errno.ENOBUFS: StopKind.BUFFERS,
    errno.ENOMEM: StopKind.BUFFERS,
    errno.EACCES: StopKind.DENIED,
    errno.EPERM: StopKind.DENIED,
}
# What no other source, port or endpoint would change.
_FOR_GOOD = {StopKind.DESCRIPTORS, StopKind.FILES, StopKind.BUFFERS}

_Part = tuple[Block, Iterator[int]]  # a block that is being opened, and the ports that are left of it


def kind_of(code: int, *, binding: bool = False) -> StopKind:
    """Return what an errno means; at bind, EADDRNOTAVAIL is about the address, not about its ports."""
    if binding and code == errno.EADDRNOTAVAIL:
        return StopKind.NO_SOURCE
    return _STOPS.get(code, StopKind.OTHER)


class Portions:
    """A plan in portions, from which every worker takes the next whenever it is free, so that none ends early.

    Their numbers wait in a pipe: the kernel hands each of them to one process, whoever else ends meanwhile.
    """

    def __init__(self, dealt: Sequence[Sequence[Block]]) -> None:
        self._dealt = dealt
        self.size = max(sum(block.count for block in portion) for portion in dealt)
        self.fd, end = os.pipe()
        os.write(end, struct.pack(f"{len(dealt)}I", *range(len(dealt))))
        os.close(end)

    def take(self) -> Sequence[Block]:
        """Return the next portion; nothing where all have been taken."""
        number = os.read(self.fd, 4)
        return self._dealt[struct.unpack("I", number)[0]] if number else ()

    def left(self) -> bool:
        """Return whether there is one to take."""
        waiting = select.poll()
        waiting.register(self.fd, select.POLLIN)
        return any(event & select.POLLIN for _, event in waiting.poll(0))

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self.fd)


class Worker:
    """Opens portions of a plan until its descriptors are used up, and holds what it opened until it is dismissed."""

    def __init__(self, fill: Fill, rate: float, descriptors: int) -> None:
        self._fill, self._rate, self._descriptors = fill, rate, descriptors
        self._options = [_OPTIONS[fill.binding]] if fill.binding in _OPTIONS else []
        if fill.reset:
            self._options.append((socket.SOL_SOCKET, socket.SO_LINGER, RESET))
        self._bind = fill.binding is not BindingMode.NONE
        self.attempted, self.opened = 0, 0
        self.stops: Counter[str] = Counter()
        self._over: set[tuple[str, Endpoint]] = set()  # from which source to which endpoint no more is to be had
        self._ended = False
        self._channel = -1

    def run(self, portions: Portions, channel: socket.socket) -> None:
        """Open what there is, report, and hold; end when the parent says so or is gone."""
        needs.raise_descriptors()
        orders, start = select.poll(), time.monotonic()
        orders.register(channel, select.POLLIN)
        self._channel = channel.fileno()
        parts: deque[_Part] = deque()
        while not self._ended:
            if not parts and self.opened + portions.size <= self._descriptors:
                parts.extend((block, iter(block.ports)) for block in portions.take())
            if not parts:
                break
            self._open(self._window(parts))
            # Where there is a rate, this is where its time passes: an order is heard at once.
            due = start + self.attempted / self._rate - time.monotonic() if self._rate else 0.0
            if orders.poll(max(0.0, due) * 1000):
                if not channel.recv(1):
                    os._exit(0)  # the parent is gone
                break
        child.say(channel, {"attempted": self.attempted, "opened": self.opened, "stops": self.stops})
        child.wait_for_dismissal(channel)

    def _window(self, parts: deque[_Part]) -> list[tuple[Block, list[int]]]:
        """Start the next connections; return what is under way, block by block."""
        room = PORTION if not self._rate else max(1, min(PORTION, int(self._rate / 10)))
        underway = []
        while parts and room and not self._ended:
            block, left = parts[0]
            ports = [] if _pair(block) in self._over else list(islice(left, room))
            if not ports:
                parts.popleft()
                continue
            room -= len(ports)
            fds, refusal = self._start(block, ports)
            # Every further port of the kernel's choice would be refused, too; of ours the next one may be free.
            if refusal and not block.low:
                self._over.add(_pair(block))
            self._ended = kind_of(refusal) in _FOR_GOOD
            underway.append((block, fds))
        return underway

    def _open(self, underway: Sequence[tuple[Block, list[int]]]) -> None:
        """Wait for a window. Where a block's connections went out and not one came back, that block is over."""
        lost = self._settle([fd for _, fds in underway for fd in fds])
        for block, fds in underway:
            opened = len(fds) if not lost else sum(fd not in lost for fd in fds)
            self.opened += opened
            if fds and not opened:
                self._over.add(_pair(block))

    def _start(self, block: Block, ports: Sequence[int]) -> tuple[list[int], int]:
        """Start connecting from every port; return the file descriptors, and the kernel's last refusal.

        This is the loop that everything waits for. A connection costs the kernel 10 to 40 µs; Python adds little as
        long as it is these five calls on the plain C type. Non-blocking, for then nothing waits, not even on loopback.
        """
        make, kind, options, bind = socket.SocketType, _KIND, self._options, self._bind
        source, to = block.source, (block.endpoint.address, block.endpoint.port)
        domain = socket.AF_INET if family(block.endpoint.address) == 4 else socket.AF_INET6
        fds: list[int] = []
        refusal, connection = 0, None
        for port in ports:
            try:
                connection = make(domain, kind)
                for level, name, value in options:
                    connection.setsockopt(level, name, value)
                if bind:
                    connection.bind((source, port))
                code = connection.connect_ex(to)
                if code == _UNDERWAY or not code:
                    fds.append(connection.detach())
                    continue
                binding = False
            except OSError as error:
                code, binding = error.errno or 0, True
            if connection:
                connection.close()
            refusal, kind_seen = code, kind_of(code, binding=binding)
            self._refuse(kind_seen)
            if not block.low or kind_seen in _FOR_GOOD:
                break
        self.attempted += len(fds)
        return fds, refusal

    def _refuse(self, kind: StopKind) -> None:
        self.attempted += 1
        self.stops[kind] += 1

    def _settle(self, fds: Sequence[int]) -> set[int]:
        """Wait until each connection is there, refused, or silent beyond the deadline; return those that are not."""
        waiting = select.poll()
        for fd in fds:
            waiting.register(fd, select.POLLOUT)
        ready = waiting.poll(0)
        if len(ready) == len(fds) and all(event == select.POLLOUT for _, event in ready):
            return set()  # on loopback the handshake is over when connect returns
        waiting.register(self._channel, select.POLLIN)  # an order is not kept waiting by somebody's silence
        return self._wait(waiting, set(fds), ready)

    def _wait(self, waiting: select.poll, left: set[int], ready: Sequence[tuple[int, int]]) -> set[int]:
        """Settle connection after connection until none is left, the deadline is over, or an order has come."""
        lost, deadline, unanswered = set(), time.monotonic() + self._fill.timeout_s, StopKind.SILENCE
        while unanswered is StopKind.SILENCE:
            for fd, _ in ready:
                if fd == self._channel:
                    unanswered = StopKind.INTERRUPTED
                    continue
                waiting.unregister(fd)
                left.discard(fd)
                if not self._established(fd):
                    lost.add(fd)
            wait_s = deadline - time.monotonic()
            if not left or wait_s < 0:
                break
            ready = waiting.poll(wait_s * 1000)
        for fd in left:
            os.close(fd)
            self.stops[unanswered] += 1
        return lost | left

    def _established(self, fd: int) -> bool:
        """Return whether a settled connection is there; close it where it is not."""
        connection = socket.socket(fileno=fd)
        code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        try:
            if not code:
                connection.getpeername()  # ENOTCONN: there, and reset before we looked
                connection.detach()
                return True
        except OSError:
            code = errno.ECONNRESET
        connection.close()
        self.stops[kind_of(code)] += 1
        return False


def _pair(block: Block) -> tuple[str, Endpoint]:
    return block.source, block.endpoint
