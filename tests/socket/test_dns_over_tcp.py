"""What was truncated is asked again over TCP, on real listeners: what is counted, and what hostile answers come to."""

import itertools
import threading
from collections.abc import Iterable

import pytest

from lbcheck.model.dns_queries import Resolve
from lbcheck.probing.dns.resolve import resolve
from tests.socket.asking import ONE, TWO, accounted, ask
from tests.socket.name_servers import (
    Behaviour,
    answering,
    compression_loop,
    name_server,
    replying,
    silent,
    truncating,
)


def test_what_was_truncated_is_asked_again_over_tcp_after_the_last_query_over_udp() -> None:
    """TCP queries come in a row of their own, so that they do not take turns with UDP's in the server's rotation."""
    turns = answering(ONE, TWO)
    asked: list[str] = []

    def over_udp(query: bytes) -> Iterable[bytes]:
        asked.append("udp")
        turns(query)  # the server rotates for a truncated answer too
        return truncating(query)

    def over_tcp(query: bytes) -> Iterable[bytes]:
        asked.append("tcp")
        return turns(query)

    with name_server(over_udp, over_tcp) as server:
        sample = ask(server, 20)
    assert sample.orders == {ONE: 10, TWO: 10}
    assert (sample.queries, sample.truncated, accounted(sample)) == (20, 20, 20)
    assert asked == ["udp"] * 20 + ["tcp"] * 20


def test_a_connection_that_the_server_closes_is_opened_again() -> None:
    """A server may close after any answer (RFC 7766); that is no error."""
    answers = answering(ONE)
    turns = itertools.count()
    with name_server(truncating, lambda query: () if next(turns) % 3 == 2 else answers(query)) as server:
        sample = ask(server, 6)
    assert (sample.orders, sample.errors) == ({ONE: 6}, {})


def test_a_large_answer_over_tcp_is_read_whole() -> None:
    """An answer of several segments is put together."""
    pool = " ".join(f"192.0.{high}.{low}" for high in (2, 3) for low in range(250))
    with name_server(truncating, answering(pool)) as server:
        assert ask(server, 2).orders == {pool: 2}


@pytest.mark.parametrize(
    ("tcp", "kind"),
    [
        (silent, "reset"),
        (replying(compression_loop), "protocol"),
        (truncating, "protocol"),
        (answering(" ".join(f"198.18.{n >> 8}.{n & 255}" for n in range(600))), "protocol"),
        (None, "refused"),
    ],
    ids=["closed early", "loop", "truncated again", "600 addresses", "nobody listens"],
)
def test_what_fails_over_tcp_is_counted(tcp: Behaviour | None, kind: str) -> None:
    """A truncated answer that TCP does not complete is an error of its kind."""
    with name_server(truncating, tcp) as server:
        sample = ask(server, 4)
    assert sample.errors == {kind: 4}
    assert sample.failure is not None
    assert sample.failure.kind == kind


def test_64_kib_that_answer_nothing_are_waited_out_over_tcp() -> None:
    """A huge frame that is no answer does not end the wait, and the wait ends."""
    with name_server(truncating, replying(lambda query: query[:2] + bytes(65533))) as server:
        sample = ask(server, 4, timeout_s=0.2)
    assert sample.errors == {"timeout": 4}
    assert sample.seconds < 3


def test_a_tcp_server_that_never_answers_is_given_up() -> None:
    """A few waits over TCP, then the rest is written off."""
    release = threading.Event()

    def hold(query: bytes) -> Iterable[bytes]:
        release.wait(5)
        return ()

    with name_server(truncating, hold) as server:
        sample = ask(server, 50, timeout_s=0.2)
        release.set()
    assert sample.errors == {"timeout": 50}
    assert sample.seconds < 3


def test_stopping_while_tcp_is_waited_for_ends_at_once() -> None:
    """A connection that never answers does not hold up who wants to stop."""
    stop, release = threading.Event(), threading.Event()

    def hold(query: bytes) -> Iterable[bytes]:
        stop.set()
        release.wait(5)
        return ()

    with name_server(truncating, hold) as server:
        step = Resolve(name="www.example", rdtype="A", queries=3, server=server, timeout_s=60)
        sample = resolve(step, stop.is_set)
        release.set()
    assert (sample.queries, sample.truncated, sample.errors) == (0, 3, {})
    assert sample.seconds < 2
