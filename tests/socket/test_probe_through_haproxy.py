"""What the HTTP probe keeps of answers that come through a real HAProxy, and what HAProxy counts of the probe."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.model.requests import Answers, Request
from lbcheck.model.step import ErrorKind
from lbcheck.probing.http.engine import request
from lbcheck.sources import haproxy_socket
from lbcheck.wire.http.answer import BODY_LIMIT
from tests.socket.counter_servers import Haproxy, at, eventually, haproxy, http_answer, replying, servers

SERVERS = ("a", "b", "c")


@contextmanager
def fleet(directory: Path, *web: str, body: bytes = b"ok", line: str = "") -> Iterator[Haproxy]:
    """Run HAProxy before three servers that name themselves; `line` is added to each server's."""
    with ExitStack() as opened:
        places = [
            opened.enter_context(replying(lambda _, name=name: http_answer(body, "200 OK", f"X-Served-By: {name}")))
            for name in SERVERS
        ]
        lines = [f"server {name} {place} {line}" for name, place in zip(SERVERS, places, strict=True)]
        yield opened.enter_context(haproxy(directory, web=[*web, *lines]))


def asked(running: Haproxy, requests: int, **options: object) -> Answers:
    """Return what the probe keeps of so many requests, one at a time."""
    settings: dict[str, object] = {"concurrency": 1, "keep_alive": True, "timeout_s": 10.0, **options}
    return request(Request(url=f"http://{running.www}/", address="", requests=requests, **settings))  # type: ignore[arg-type]


@contextmanager
def closed_port() -> Iterator[str]:
    """Give HOST:PORT where every connection is refused, and which nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield at(bound)


def aborts(running: Haproxy) -> int:
    """Return how many clients HAProxy saw abort, over all servers."""
    counted = haproxy_socket.read(ReadCounters(balancer="lb", uri=running.unix, when="after"))
    return sum(server.client_aborts or 0 for server in servers(counted, "web"))


def test_round_robin_shows_in_the_order_of_answers(tmp_path: Path) -> None:
    """A strict cycle, one server after the other."""
    with fleet(tmp_path, "balance roundrobin") as running:
        answers = asked(running, 30)
    names = [count.server for count in answers.in_order()]
    assert len(names) == 30
    assert all(names[at : at + 3] == names[:3] for at in range(0, 30, 3))
    assert set(names[:3]) == set(SERVERS)


def test_a_hash_of_a_header_keeps_each_key_to_one_server(tmp_path: Path) -> None:
    """The step sends its key, and HAProxy hashes it; eight keys meet more than one server."""
    met = []
    with fleet(tmp_path, "balance hdr(X-Session)") as running:
        for key in "abcdefgh":
            answers = asked(running, 4, headers=(("X-Session", key),), key=key)
            assert answers.key == key
            met.append([count.server for count in answers.counts])
    assert all(len(names) == 1 for names in met)
    assert len({names[0] for names in met}) > 1


def test_a_redirect_of_haproxy_is_kept_with_its_target(tmp_path: Path) -> None:
    """No server is behind it: the status is itself, and its target is said."""
    with fleet(tmp_path, "http-request redirect scheme https code 301") as running:
        answers = asked(running, 5)
    assert answers.unnamed == {"301": 5}
    assert answers.redirects == {f"301 https://{running.www}/": 5}


@pytest.mark.parametrize("size", [3_000_000, 20_000_000])
def test_haproxy_counts_an_abort_only_for_a_body_that_was_cut(tmp_path: Path, size: int) -> None:
    """A long body is read to its end; of one beyond the limit the sample says that it was cut."""
    with fleet(tmp_path, body=b"x" * size) as running:
        answers = asked(running, 6)
        cut = 0 if size < BODY_LIMIT else 6
        assert sum(count.requests for count in answers.counts) == 6
        assert answers.cut_bodies == cut
        assert eventually(lambda: aborts(running), lambda number: number >= cut) == cut


def test_haproxy_itself_answers_where_no_server_is_up(tmp_path: Path) -> None:
    """A 503 without a server's name, once for each request; it costs no time, so nothing is given up."""
    with fleet(tmp_path, line="disabled") as running:
        answers = asked(running, 200, silence_s=1.0)
    assert (answers.unnamed, answers.errors, answers.counts) == ({"503": 200}, {ErrorKind.STATUS: 200}, ())
    assert answers.given_up == ""


def test_a_503_after_retries_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    """HAProxy waits a second before it tries a dead server again; the other servers answer at once."""
    with closed_port() as nobody, replying(lambda _: http_answer(b"", "200 OK", "X-Served-By: a")) as place:
        web = ["retries 1", f"server a {place}", f"server dead {nobody}"]
        with haproxy(tmp_path, web=web) as running:
            answers = asked(running, 1000, concurrency=2, silence_s=1.0)
    assert answers.given_up == "given up after 1 s of failures and silence"
    assert answers.silent_s >= 1.0
    assert 2 <= answers.unnamed["503"] <= 5
    assert answers.counts[0].requests > 0
    assert answers.seconds < 8
