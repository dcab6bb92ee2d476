"""Listeners of our own for connections to be held: in the queue, or accepted by as many processes as it takes."""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lbcheck.errors import MeasurementError
from lbcheck.model.address import Endpoint, family
from lbcheck.probing import child, sock_diag
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.plan import SPARE_DESCRIPTORS
from lbcheck.probing.socket_options import RESET, socket_family

QUEUE = (1 << 31) - 1  # as long as net.core.somaxconn allows
_LOOK_S = 0.02  # in which two processes accept some 2,000
_STUCK_S = 5.0  # without one accepted: nobody does any more


class Listening:
    """Endpoints that take connections."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = tuple(endpoints)
        self._listeners = [_listener(endpoint) for endpoint in endpoints]
        self._acceptor: child.Child | None = None

    def close(self) -> None:
        """Close all, before the clients let go.

        Then the kernel resets every connection, nothing rests in TIME_WAIT, and its memory comes back. Clients first
        would leave one for each connection, or pin the memory in the queue.
        """
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        if self._acceptor:
            self._acceptor.dismiss()
            self._acceptor.bury()
            self._acceptor = None

    def accept(self) -> None:
        """Accept from now on; one process for each quota of file descriptors."""
        self._acceptor = child.fork(self._accept_here, [listener.fileno() for listener in self._listeners])

    def wait_until_accepted(self) -> None:
        """Return once nobody waits in a queue any more; MeasurementError where a queue does not move."""
        left, end = self._queued(), time.monotonic() + _STUCK_S
        while left:
            time.sleep(_LOOK_S)
            before, left = left, self._queued()
            if left < before:
                end = time.monotonic() + _STUCK_S
            if time.monotonic() > end:
                raise MeasurementError(f"{left:,} connections were not accepted: the server's processes ended")

    def _queued(self) -> int:
        return sum(sock_diag.queued(endpoint) for endpoint in self._endpoints)

    def _accept_here(self, channel: socket.socket) -> None:
        """Accept until the descriptors are used up, then leave the rest to a child; hold until dismissed."""
        hard = needs.raise_descriptors()
        waiting = select.poll()
        for reader in (channel, *self._listeners):
            waiting.register(reader, select.POLLIN)
        by_fd = {listener.fileno(): listener for listener in self._listeners}
        left = hard - SPARE_DESCRIPTORS
        while left > 0:
            for fd, _ in waiting.poll():
                if fd == channel.fileno():
                    return
                left -= _accept_all(by_fd[fd], left)
        rest = child.fork(self._accept_here, [listener.fileno() for listener in self._listeners])
        for listener in self._listeners:
            listener.close()
        child.wait_for_dismissal(channel)
        rest.dismiss()
        rest.bury()


@contextmanager
def listening(endpoints: Sequence[Endpoint], *, accept: bool = False) -> Iterator[Listening]:
    """Listen at the endpoints until the block ends or `close` is called."""
    listeners = Listening(endpoints)
    try:
        if accept:
            listeners.accept()
        yield listeners
    finally:
        listeners.close()


def _accept_all(listener: socket.socket, most: int) -> int:
    """Accept what is there, up to `most`; return how many that were."""
    for count in range(most):
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return count
        connection.detach()
    return most


def _listener(endpoint: Endpoint) -> socket.socket:
    listener = socket.socket(socket_family(family(endpoint.address)), socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it: they end by RST and leave no TIME_WAIT.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        listener.bind((endpoint.address, endpoint.port))
        listener.listen(QUEUE)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise MeasurementError(f"cannot listen at {endpoint}: {error.strerror}") from None
    return listener
