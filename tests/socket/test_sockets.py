"""Whom the kernel says to be connected to a real listener: accepted, or waiting for it."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.sockets import ReadSockets, Sockets
from lbcheck.probing import sock_diag
from lbcheck.probing.sockets import read
from lbcheck.wire import jsonl

from .fill_world import alone


@contextmanager
def connected(listener: socket.socket, target: tuple[str, int], sources: list[str]) -> Iterator[None]:
    """Hold a connection from each source to a listener that accepts the first four."""
    with ExitStack() as held:
        for source in sources:
            held.enter_context(socket.create_connection(target, source_address=(source, 0)))
        for _ in range(4):
            held.enter_context(listener.accept()[0])
        yield


@pytest.mark.parametrize(
    ("listens", "target", "sources"),
    [
        ("127.0.0.1", "127.0.0.1", ["127.1.0.1"] * 5 + ["127.1.0.2"] * 5),
        ("0.0.0.0", "127.0.0.9", ["127.1.0.1"] * 5 + ["127.1.0.2"] * 5),  # noqa: S104
        ("::1", "::1", ["::1"] * 10),
        ("::", "127.0.0.1", ["127.1.0.1"] * 5 + ["127.1.0.2"] * 5),
    ],
)
def test_what_no_program_has_accepted_waits(listens: str, target: str, sources: list[str]) -> None:
    """Of ten connections four are accepted; the others are as many as the kernel has in the listener's queue."""

    def work() -> list[Any]:
        kind = socket.AF_INET6 if ":" in listens else socket.AF_INET
        with socket.create_server((listens, 0), family=kind, dualstack_ipv6=listens == "::") as listener:
            port = listener.getsockname()[1]
            other = socket.create_connection((target, port))  # and none of another endpoint
            with other, listener.accept()[0], connected(listener, (target, port), sources):
                elsewhere = sock_diag.peers(Endpoint(target, port + 1))
                own = other.getsockname()[0]
                found = sock_diag.peers(Endpoint(target, port))
                return [
                    [[*key, count] for key, count in (found - Counter({(own, True): 1})).items()],
                    len(elsewhere),
                    sock_diag.queued(Endpoint(listens, port)),
                ]

    rows, elsewhere, queued = alone(work)
    found = {(source, accepted): count for source, accepted, count in rows}
    assert sum(count for (_, accepted), count in found.items() if accepted) == 4
    assert sum(count for (_, accepted), count in found.items() if not accepted) == 6 == queued
    assert {source for source, _ in found} == set(sources)
    assert elsewhere == 0


def test_whom_a_full_queue_leaves_without_a_handshake_waits() -> None:
    """A client whose last packet a full queue dropped holds a connection, and at the server it is none yet."""

    def work() -> list[int]:
        with socket.create_server(("127.0.0.1", 0), backlog=2) as listener, ExitStack() as held:
            there = Endpoint("127.0.0.1", listener.getsockname()[1])
            for _ in range(5):
                one = held.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex((there.address, there.port))
            time.sleep(0.1)
            found = sock_diag.peers(there)
            return [sock_diag.queued(there), sum(count for (_, accepted), count in found.items() if accepted)]

    queued, accepted = alone(work)
    assert (queued, accepted) == (3, 0)


def test_readings_go_on_while_there_is_a_connection() -> None:
    """They end once there was one and then none for a while, and readings that found the same are one."""

    def work() -> str:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = Endpoint("127.0.0.1", listener.getsockname()[1])
            step = ReadSockets(endpoints=(there,), every_s=0.01, wait_s=0.05, quiet_s=0.2, label="x")
            client = socket.create_connection((there.address, there.port), source_address=("127.1.0.1", 0))
            began = time.monotonic()

            def over() -> bool:
                if time.monotonic() - began > 0.3:
                    client.close()
                    server.close()
                return False

            server, _ = listener.accept()
            return jsonl.line(read(step, over))

    sample = jsonl.parse(Sockets, alone(work))
    first, last = sample.readings
    [only] = first.connected
    assert (only.source, only.accepted, only.waiting) == ("127.1.0.1", 1, 0)
    assert first.times > 5
    assert last.connected == ()
    assert 0.2 <= sample.seconds < 5


def test_nobody_is_waited_for_in_vain() -> None:
    """Where nobody connects, they end after `wait_s`, and after `most_s` whoever is there."""

    def work() -> list[str]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there = Endpoint("127.0.0.1", listener.getsockname()[1])
            alone_there = read(ReadSockets(endpoints=(there,), every_s=0.01, wait_s=0.1))
            with socket.create_connection((there.address, there.port)):
                never_alone = read(ReadSockets(endpoints=(there,), every_s=0.01, most_s=0.2))
        return [jsonl.line(alone_there), jsonl.line(never_alone)]

    empty, held = (jsonl.parse(Sockets, line) for line in alone(work))
    assert [reading.connected for reading in empty.readings] == [()]
    assert 0.1 <= empty.seconds < 5
    assert [one.waiting for reading in held.readings for one in reading.connected] == [1]
    assert 0.2 <= held.seconds < 5
