"""Processes that end with the one that started them: a child goes when its channel closes."""

import gc
import json
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lbcheck.probing import stopping


@dataclass
class Child:
    """A process of ours, and the channel to it: it reports there, a line of JSON, and goes when our end is closed."""

    pid: int
    channel: socket.socket

    def report(self) -> dict[str, Any] | None:
        """Return what it has to say; None: it is gone without a word."""
        text = b""
        with suppress(ConnectionError):
            while not text.endswith(b"\n"):
                part = self.channel.recv(1 << 16)
                if not part:
                    return None
                text += part
        report: dict[str, Any] | None = json.loads(text) if text else None
        return report

    def tell(self, word: bytes) -> None:
        """Send it a word."""
        with suppress(ConnectionError):
            self.channel.send(word)

    def gone(self) -> bool:
        """Return whether it ended before it was dismissed."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def dismiss(self) -> None:
        """Let it go; it is gone once it is `buried`."""
        self.channel.close()

    def bury(self) -> None:
        """Wait for its end."""
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def fork(work: Callable[[socket.socket], None], keep: Sequence[int] = ()) -> Child:
    """Run `work` in a process of its own, which has its channel, the standard streams, and of our files only `keep`."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return Child(pid, ours)
    status = 1
    try:
        _settle_in({0, 1, 2, theirs.fileno(), *keep})
        work(theirs)
        status = 0
    except BaseException as error:  # nothing may return into the parent's code, and nobody wants a traceback
        with suppress(OSError):
            say(theirs, {"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(status)


def say(channel: socket.socket, report: dict[str, Any]) -> None:
    """Report to the parent."""
    channel.sendall(json.dumps(report).encode() + b"\n")


def wait_for_dismissal(channel: socket.socket) -> None:
    """Return when the parent closes its end, or is gone."""
    with suppress(ConnectionError):
        while channel.recv(64):
            pass


def _settle_in(keep: set[int]) -> None:
    """Leave to the parent what is the parent's.

    An inherited listener would live on in every child, an inherited channel would hide the parent's end.
    """
    stopping.leave_to_parent()
    gc.disable()
    edges = [-1, *sorted(keep), os.sysconf("SC_OPEN_MAX")]
    for low, high in pairwise(edges):
        if low + 1 < high:  # closerange(0, 0) closes everything (CPython 3.11)
            os.closerange(low + 1, high)
