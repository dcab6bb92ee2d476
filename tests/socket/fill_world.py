"""Where fills are tested: namespaces of their own, servers that behave badly on purpose, and who is still running."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lbcheck.errors import MeasurementError
from lbcheck.probing import namespace

COMMAND = (sys.executable, "-m", "lbcheck")
END_S = 20.0  # for a condition; it takes well below one second
SETTINGS = ("/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/net/core/somaxconn")
_RESET = struct.pack("ii", 1, 0)


def alone(work: Callable[[], Any], *, ports: str = "40000 40099") -> Any:
    """Return what `work` returns when it runs in namespaces of its own; skip where there can be none."""

    def working(say: namespace.Say) -> None:
        namespace.sysctl("ipv4/ip_local_port_range", ports)
        namespace.sysctl("core/somaxconn", "100000")
        namespace.sysctl("ipv4/tcp_max_syn_backlog", "100000")
        say(json.dumps(work()))

    try:
        with namespace.inside(working) as (_, lines):
            return json.loads(next(lines))
    except MeasurementError as error:
        if "no namespaces of one's own" in str(error):
            pytest.skip(str(error))
        raise


def lbcheck(*arguments: str, limits: tuple[str, ...] = ()) -> dict[str, Any]:
    """Run the command to its end; with `limits`, under prlimit's."""
    words = [*(("prlimit", *limits) if limits else ()), *COMMAND, *arguments]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return {"status": ran.returncode, "out": ran.stdout, "err": ran.stderr}


@contextmanager
def started(*arguments: str, before: tuple[str, ...] = ()) -> Iterator["subprocess.Popen[str]"]:
    """Run the command in a session of its own; nothing of that session is left after the block, or the test fails."""
    words = [*before, *COMMAND, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as run:
        try:
            yield run
            until(lambda: session(run.pid) <= {run.pid}, "every process of the command ends")
        finally:
            for pid in session(run.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, 9)


def session(leader: int) -> set[int]:
    """Return the processes of a session that have not ended."""
    found = set()
    for path in Path("/proc").iterdir():
        with suppress(OSError):
            if path.name.isdecimal():
                state, *words = path.joinpath("stat").read_text().rpartition(")")[2].split()
                if int(words[2]) == leader and state not in "ZX":
                    found.add(int(path.name))
    return found


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for a condition."""
    end = time.monotonic() + END_S
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)


@contextmanager
def server(behaviour: Callable[[socket.socket, int], None], backlog: int = 4096) -> Iterator[int]:
    """Accept on loopback, and let `behaviour` have each connection and its number; give the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        kept: list[socket.socket] = []

        def accepting() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    behaviour(connection, len(kept))

        thread = threading.Thread(target=accepting, daemon=True)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in kept:
                connection.close()


def keep(_connection: socket.socket, _number: int) -> None:
    """Hold it."""


def reset(connection: socket.socket, _number: int) -> None:
    """End it by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def close_every_other(connection: socket.socket, number: int) -> None:
    """Close half of them."""
    if number % 2:
        connection.close()
