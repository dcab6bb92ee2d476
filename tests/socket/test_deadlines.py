"""No answer holds a step for longer than its deadline: on real listeners, whatever they say."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.probing.http.engine import request
from lbcheck.sources import haproxy_page, haproxy_socket
from tests.socket.asking import ask
from tests.socket.counter_servers import http_answer, replying
from tests.socket.http_servers import Serve, Server, serving, step
from tests.socket.name_servers import name_server, truncating

PATIENCE_S = 20.0  # for a busy machine; each of these once took minutes, or had no end
LONG_NAME = b"\1a" * 120 + b"\0"


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail where what is done within takes longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def children() -> set[str]:
    """Return the processes that this one has started."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def saying(*answers: bytes) -> Serve:
    """Give these answers in turn, the last one ever again."""
    left = list(answers)

    def serve(server: Server, connection: object) -> None:
        while server.read(connection):  # type: ignore[arg-type]
            connection.sendall(left.pop(0) if len(left) > 1 else left[0])  # type: ignore[attr-defined]

    return serve


def ok(fields: bytes = b"", body: bytes = b"ok") -> bytes:
    """Return an answer of web1 with these fields."""
    return b"HTTP/1.1 200 OK\r\nX-Served-By: web1\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, len(body), body)


def test_blanks_without_end_in_a_field() -> None:
    """60,000 of them, and a byte that may not be there: no answer, and the next one is asked for."""
    with serving(saying(ok(b"x:" + b" " * 60_000 + b"\0\r\n"))) as server, at_most(PATIENCE_S):
        answers = request(step(server.port, 50, timeout_s=2.0))
    assert answers.errors == {ErrorKind.PROTOCOL: 50}
    assert "is no header field" in answers.reasons[ErrorKind.PROTOCOL]


def test_blanks_in_every_field_of_a_known_head() -> None:
    """The head looks like the first one up to its end; each field could be read in sixty ways."""
    first = b"".join(b"A%d: a\r\n" % number for number in range(20))
    hostile = first.replace(b" a", b" " * 60)[:-2] + b"\0\r\n"
    with serving(saying(ok(first), ok(hostile))) as server, at_most(PATIENCE_S):
        answers = request(step(server.port, 50, timeout_s=2.0, concurrency=1))
    assert answers.errors == {ErrorKind.PROTOCOL: 49}
    assert [(count.server, count.requests) for count in answers.counts] == [("web1", 1)]


@pytest.mark.parametrize(
    ("pattern", "body"),
    [("(a+)+$", b"a" * 60 + b"!"), (r"\s+x", b" " * 1_000_000), ("(.*)*(.*)*(.*)*z", b"b" * 5_000)],
    ids=["exponential", "quadratic", "empty repeats"],
)
def test_a_pattern_that_takes_years_is_given_up(pattern: str, body: bytes) -> None:
    """The answers are counted, nobody is named, and the report says what to do; no process is left."""
    before = children()
    with serving(saying(ok(body=body))) as server, at_most(PATIENCE_S):
        answers = request(step(server.port, 20, timeout_s=5.0, identify=f"body:{pattern}"))
    assert answers.errors == {ErrorKind.UNIDENTIFIED: 20}
    assert answers.statuses == {"200": 20}
    assert "the pattern takes more than 0.5 s for a body of" in answers.reasons[ErrorKind.UNIDENTIFIED]
    assert children() <= before


def test_a_pattern_finds_names_in_bodies_of_any_size() -> None:
    """Each in one search, also in a body that no buffer holds at once."""
    bodies = [b"x" * size + b" i am web%d " % size for size in (0, 1, 70_000, 900_000)]
    with serving(saying(*(ok(body=body) for body in bodies))) as server:
        answers = request(step(server.port, 4, timeout_s=10.0, concurrency=1, identify=r"body:i am (\w+)"))
    assert [count.server for count in answers.in_order()] == ["web0", "web1", "web70000", "web900000"]


HEAD = "Pid: 7\nUptime_sec: 9\n\n"
ENDLESS = {
    "columns": HEAD + "# pxname,svname,type," + ",".join(f"c{n}" for n in range(200_000)) + "\n\n\n",
    "columns that fit in a row": HEAD + "# pxname,svname,type" + ",c" * 30_000 + "\n\n\n",
    "rows": HEAD + "# pxname,svname,type,\n" + "a,b,2,\n" * 2_000_000 + "\n\n",
    "one row": HEAD + "# pxname,svname,type,\n" + "," * 20_000_000 + "\n\n\n",
    "a quote": HEAD + '# pxname,svname,type,\n"' + "\n" * 20_000_000 + "\n\n",
    "info": "Pid: 7\n" * 3_000_000 + "\n\n",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_statistics_without_end_are_refused(what: str, tmp_path: Path) -> None:
    """Over the socket and over HTTP: a failure within the deadline, and no thread that goes on for minutes."""
    text = ENDLESS[what].encode()
    with replying(lambda _: text, http=False, path=tmp_path / "s") as path, at_most(PATIENCE_S):
        over_socket = haproxy_socket.read(reading(f"unix:{path}"))
    page = http_answer(text.partition(b"\n\n")[2], "200 OK", "Content-Type: text/plain")
    with replying(lambda _: page) as address, at_most(PATIENCE_S):
        over_http = haproxy_page.read(reading(f"http://{address}/stats"))
    for counters in (over_socket, over_http):
        assert counters.failure is not None
        assert counters.failure.kind in (ErrorKind.PROTOCOL, ErrorKind.TIMEOUT)


def reading(uri: str) -> ReadCounters:
    """Return the step that reads one HAProxy's counters."""
    return ReadCounters(at="lb1", balancer="lb1", uri=uri, when="before", timeout_s=5.0)


def long_names(query: bytes) -> Iterable[bytes]:
    """Answer over TCP with 4,000 further records, all of a name of 120 labels; another answer each time."""
    head = query[:2] + b"\x84\0" + query[4:6] + b"\0\1" + b"\0\0" + (4001).to_bytes(2, "big")
    question = query[12 : query.index(b"\0", 12) + 5]
    tail = b"\0\1\0\1\0\0\0\x1e\0\4\xc0\0\2\1"
    at = len(head) + len(question) + 2 + len(tail)
    pointer = (0xC000 | at).to_bytes(2, "big")
    marked = LONG_NAME + b"\0\1\0\1" + query[:2] + b"\0\0\0\4\xc0\0\2\1"  # the ID, as the TTL of a further record
    yield head + question + b"\xc0\x0c" + tail + marked + (pointer + tail) * 4000


def test_names_of_many_labels_over_tcp() -> None:
    """Each answer of 64 KiB is read in a moment, though none is like another."""
    with name_server(truncating, long_names) as server, at_most(PATIENCE_S):
        sample = ask(server, 100)
    assert sample.orders == {"192.0.2.1": 100}
