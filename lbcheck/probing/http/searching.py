"""Searching bodies by a pattern that the user wrote, in bodies that a server chose.

Python's `re` tries again and again where a pattern fits in many ways: some patterns take years for a body of 40 bytes,
and while it searches nothing else runs, no clock and no Ctrl-C. So a process of its own searches, and is ended when it
takes too long. A linear engine would be another program to carry to every host, or thousands of times slower.
"""

import os
import re
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lbcheck.model.step import ErrorKind
from lbcheck.probing import child
from lbcheck.probing.http.destination import ImpossibleError
from lbcheck.wire.http.answer import NAME_LIMIT
from lbcheck.wire.http.identifier import Identifier, Search, UnsearchedError, searched

LONGEST_S = 0.5  # of one search; a pattern that never goes back takes 10 ms for the longest body that is searched
ALTOGETHER_S = 10.0  # of all searches of a step, beside which nothing else is done; 10,000 short bodies take half of it
_SIZE_BYTES = 4  # before each body
_NAME = b"="  # before each name, so that an empty one is an answer, too


class _Searcher:
    """A process that searches, and how long it took so far."""

    def __init__(self, patterns: tuple[re.Pattern[bytes], ...]) -> None:
        self._patterns = patterns
        self._child = child.fork(self._serve)
        self._child.channel.settimeout(LONGEST_S)
        self._left_s = ALTOGETHER_S
        self._given_up = ""

    def search(self, pattern: re.Pattern[bytes], body: bytes) -> bytes:
        """Return the name in a body; UnsearchedError where that takes too long, and ever after."""
        if self._given_up:
            raise UnsearchedError(self._given_up)
        began = time.monotonic()
        try:
            return self._ask(self._patterns.index(pattern), body)
        except OSError:  # it takes too long, or it is gone
            self._give_up(f"more than {LONGEST_S:g} s for a body of {len(body):,} bytes")
            raise UnsearchedError(self._given_up) from None
        finally:
            self._left_s -= time.monotonic() - began
            if self._left_s < 0:
                self._give_up(f"more than {ALTOGETHER_S:g} s for all bodies")

    def end(self) -> None:
        """End the process, whatever it does."""
        with suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGKILL)
        self._child.dismiss()
        self._child.bury()

    def _ask(self, number: int, body: bytes) -> bytes:
        channel = self._child.channel
        channel.sendall(bytes([number]) + len(body).to_bytes(_SIZE_BYTES, "big") + body)
        said = channel.recv(NAME_LIMIT + 2)
        if not said:
            raise ConnectionResetError
        return said.removeprefix(_NAME)

    def _give_up(self, why: str) -> None:
        advice = "make it simpler, or name who answers by header:NAME or cookie:NAME"
        self._given_up = self._given_up or f"the pattern takes {why}, and no further one is searched: {advice}"

    def _serve(self, channel: socket.socket) -> None:
        most_s = round(ALTOGETHER_S) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most_s, most_s))  # also where whoever asks is gone
        with channel.makefile("rb") as asked:
            while head := asked.read(1 + _SIZE_BYTES):
                body = asked.read(int.from_bytes(head[1:], "big"))
                name = searched(self._patterns[head[0]], body)
                channel.sendall(_NAME + name[: NAME_LIMIT + 1])  # one that is longer is none


@contextmanager
def searching(*identifications: str) -> Iterator[Search]:
    """Give what searches bodies where one of these is body:REGEX, in a process that ends with this.

    ImpossibleError where there can be no further process; LbcheckError for an identification that cannot be read.
    """
    wanted = tuple(pattern for one in identifications if (pattern := Identifier.parse(one).pattern))
    if not wanted:
        yield searched
        return
    try:
        searcher = _Searcher(wanted)
    except OSError as error:
        raise ImpossibleError(ErrorKind.INTERNAL, f"no process to search bodies in: {error.strerror}") from None
    try:
        yield searcher.search
    finally:
        searcher.end()
