"""One process's part of a fill: portion after portion started, settled, and held."""

import errno
import os
import select
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice

from lbcheck.model.address import Endpoint
from lbcheck.model.fill import Fill, StopKind
from lbcheck.probing import child
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.plan import FillBlock
from lbcheck.probing.fill.readiness import all_writable
from lbcheck.probing.fill.volley import FOR_GOOD, Volley, kind_of

STOP = b"s"  # the parent's word: open no more, report, and hold what is open

_Part = tuple[FillBlock, Iterator[int]]  # a block that is being opened, and the ports that are left of it


class Portions:
    """A plan in portions, from which every worker takes the next whenever it is free, so that none ends early.

    Their numbers wait in a pipe: the kernel hands each of them to one process, whoever else ends meanwhile.
    """

    def __init__(self, dealt: Sequence[Sequence[FillBlock]]) -> None:
        self._dealt = dealt
        self.size = max(sum(block.count for block in portion) for portion in dealt)
        self.fd, end = os.pipe()
        os.write(end, struct.pack(f"{len(dealt)}I", *range(len(dealt))))
        os.close(end)

    def take(self) -> Sequence[FillBlock]:
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
        self._volley = Volley(fill.binding, reset=fill.reset)
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

    def _window(self, parts: deque[_Part]) -> list[tuple[FillBlock, list[int]]]:
        """Start the next connections; return what is under way, block by block."""
        room = self._fill.at_once if not self._rate else max(1, min(self._fill.at_once, int(self._rate / 10)))
        underway = []
        while parts and room and not self._ended:
            block, left = parts[0]
            ports = [] if _pair(block) in self._over else list(islice(left, room))
            if not ports:
                parts.popleft()
                continue
            room -= len(ports)
            fds, refusals = self._volley.start(block, ports)
            self.attempted += len(fds) + len(refusals)
            self.stops.update(refusals)
            if refusals and not block.low:  # every further port of the kernel's choice would be refused, too
                self._over.add(_pair(block))
            self._ended = not FOR_GOOD.isdisjoint(refusals)
            underway.append((block, fds))
        return underway

    def _open(self, underway: Sequence[tuple[FillBlock, list[int]]]) -> None:
        """Wait for a window. Where a block's connections went out and not one came back, that block is over."""
        lost = self._settle([fd for _, fds in underway for fd in fds])
        for block, fds in underway:
            opened = len(fds) if not lost else sum(fd not in lost for fd in fds)
            self.opened += opened
            if fds and not opened:
                self._over.add(_pair(block))

    def _settle(self, fds: Sequence[int]) -> set[int]:
        """Wait until each connection is there, refused, or silent beyond the deadline; return those that are not."""
        if all_writable(fds):
            return set()  # on loopback the handshake is over when connect returns
        waiting = select.poll()
        for fd in fds:
            waiting.register(fd, select.POLLOUT)
        waiting.register(self._channel, select.POLLIN)  # an order is not kept waiting by somebody's silence
        return self._wait(waiting, set(fds))

    def _wait(self, waiting: select.poll, left: set[int]) -> set[int]:
        """Settle connection after connection until none is left, the deadline is over, or an order has come."""
        lost, deadline, unanswered = set(), time.monotonic() + self._fill.timeout_s, StopKind.SILENCE
        while left and unanswered is StopKind.SILENCE and (wait_s := deadline - time.monotonic()) >= 0:
            for fd, _ in waiting.poll(wait_s * 1000):
                if fd == self._channel:
                    unanswered = StopKind.INTERRUPTED
                    continue
                waiting.unregister(fd)
                left.discard(fd)
                if not self._established(fd):
                    lost.add(fd)
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


def _pair(block: FillBlock) -> tuple[str, Endpoint]:
    return block.source, block.endpoint
