"""HAProxy's runtime API, from the real HAProxy and from servers that behave badly."""

import os
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.sources import haproxy_socket
from tests.socket.counter_servers import (
    Reply,
    dripping,
    eventually,
    haproxy,
    http_answer,
    recording,
    reloaded,
    replying,
    servers,
    silent,
)

RUNTIME = (Path(__file__).parents[1] / "unit" / "data" / "haproxy-2.6-runtime.txt").read_bytes()


def read(uri: str, timeout_s: float = 5.0) -> Counters:
    """Read one HAProxy's counters."""
    return haproxy_socket.read(ReadCounters(at="lb1", balancer="lb1", uri=uri, when="before", timeout_s=timeout_s))


def failed(uri: str, timeout_s: float = 5.0) -> tuple[ErrorKind, str]:
    """Return the kind and sentence of a reading that must fail; the sentence begins with the URI."""
    counters = read(uri, timeout_s)
    assert counters.failure is not None
    assert (counters.backends, counters.process) == ((), None)
    assert counters.failure.message.startswith(f"{uri}: ")
    return counters.failure.kind, counters.failure.message


@contextmanager
def api(reply: Reply) -> Iterator[str]:
    """Listen as a runtime API that replies so; yields its URI."""
    with replying(reply, http=False) as address:
        yield f"tcp://{address}"


@contextmanager
def nobody() -> Iterator[None]:
    """Be an ordinary user for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_user_level_socket_gives_what_a_page_would(tmp_path: Path) -> None:
    """A unix socket of `level user` and a TCP one tell the same process, version and servers."""
    with haproxy(tmp_path, web=["server web1 127.0.0.1:9 weight 3", "server web2 127.0.0.1:9"]) as running:
        for uri in (running.unix, f"tcp://{running.api}"):
            counters = read(uri)
            assert counters.failure is None
            assert (counters.process, counters.version[:2]) == (str(running.pid), counters.version[:1] + ".")
            assert counters.uptime_s >= 0
            assert [(s.name, s.weight) for s in servers(counters, "web")] == [("web1", 3), ("web2", 1)]


def test_each_answer_is_counted_at_its_server(tmp_path: Path) -> None:
    """Ten requests to two servers of weights 1 and 4 are 2 and 8 answers."""
    with replying(lambda _: http_answer(b"ok")) as web:
        lines = [f"server web1 {web} weight 1", f"server web2 {web} weight 4"]
        with haproxy(tmp_path, web=lines) as running:
            for _ in range(10):
                urllib.request.urlopen(f"http://{running.www}/", timeout=5).close()
            assert [server.requests for server in servers(read(running.unix), "web")] == [2, 8]


def test_a_reload_shows_in_the_pid(tmp_path: Path) -> None:
    """After a reload the same socket is another process's."""
    with haproxy(tmp_path) as old:
        before = read(old.unix)
        with reloaded(old) as pid:
            # Both listen until the new one is ready.
            after = eventually(lambda: read(old.unix), lambda counters: counters.process not in (None, str(old.pid)))
            assert (before.process, after.process) == (str(old.pid), str(pid))


def test_ten_thousand_servers_are_read() -> None:
    """An answer of many megabytes is read whole."""
    info, header = RUNTIME.split(b"\n\n")[0], RUNTIME.split(b"\n\n")[1].splitlines()[0]
    row = next(line for line in RUNTIME.splitlines() if line.startswith(b"web,web1,"))
    rows = b"\n".join(row.replace(b"web1", b"web%d" % number) for number in range(10_000))
    with api(lambda _: b"\n".join([info, b"", header, rows, b"", b""])) as uri:
        assert len(servers(read(uri), "web")) == 10_000


def test_an_ipv6_address_is_read_in_brackets() -> None:
    """`tcp://[::1]:PORT` is a runtime API too."""
    with replying(lambda _: RUNTIME, http=False, host="::1") as address:
        assert read(f"tcp://{address}").failure is None


def test_names_in_another_encoding_are_kept_apart() -> None:
    """A byte that is no UTF-8 neither stops the reading nor vanishes."""
    with api(lambda _: RUNTIME.replace(b"web1", b"w\xe4b")) as uri:
        assert servers(read(uri), "web")[0].name == "w\\xe4b"


def test_all_questions_are_asked_on_one_connection() -> None:
    """One process answers all, also during a reload; nothing is asked that `level user` refuses."""
    with recording(RUNTIME, http=False) as (address, asked):
        read(f"tcp://{address}")
    assert asked == [b"show info;show stat;show servers state\n"]


def test_a_missing_socket_is_not_found(tmp_path: Path) -> None:
    """A path where nothing is names itself."""
    kind, sentence = failed(f"unix:{tmp_path}/missing.sock")
    assert kind is ErrorKind.NOT_FOUND
    assert "no such file or directory; is this HAProxy's `stats socket`" in sentence


def test_a_file_on_the_way_is_not_found(tmp_path: Path) -> None:
    """A path through a file is no path."""
    (tmp_path / "file").touch()
    assert failed(f"unix:{tmp_path}/file/stats.sock")[0] is ErrorKind.NOT_FOUND


def test_a_socket_left_behind_is_refused(tmp_path: Path) -> None:
    """The socket of a HAProxy that is gone says that nobody listens."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "stats.sock"))
    kind, sentence = failed(f"unix:{tmp_path}/stats.sock")
    assert kind is ErrorKind.REFUSED
    assert "is HAProxy running?" in sentence


def test_a_file_or_a_directory_is_no_socket(tmp_path: Path) -> None:
    """The system says the same of it as of a HAProxy that is gone, which it is not."""
    (tmp_path / "haproxy.cfg").touch()
    for path in (tmp_path, tmp_path / "haproxy.cfg"):
        kind, sentence = failed(f"unix:{path}")
        assert kind is ErrorKind.NOT_FOUND
        assert sentence == f"unix:{path}: no socket; give the path of HAProxy's `stats socket`"


def test_a_forbidden_socket_is_denied(tmp_path: Path) -> None:
    """An ordinary user is told whom the socket belongs to."""
    with replying(lambda _: RUNTIME, http=False, path=tmp_path / "stats.sock") as path:
        Path(path).chmod(0)
        with nobody():
            kind, sentence = failed(f"unix:{path}")
    assert kind is ErrorKind.DENIED
    assert sentence.endswith("permission denied; run as root or as a member of the socket's group")


def test_a_datagram_socket_is_no_runtime_api(tmp_path: Path) -> None:
    """A log socket is told apart from HAProxy's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        assert failed(f"unix:{tmp_path}/log")[0] is ErrorKind.PROTOCOL


def test_a_closed_port_is_refused() -> None:
    """A port without a listener refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failed(f"tcp://127.0.0.1:{port}")[0] is ErrorKind.REFUSED


def test_silence_ends_in_time() -> None:
    """A server that never answers is a timeout, not a hang."""
    with silent() as address:
        assert failed(f"tcp://{address}", timeout_s=0.2)[0] is ErrorKind.TIMEOUT


def test_an_answer_that_drips_ends_in_time() -> None:
    """The time is for the whole answer, not for each byte."""
    with api(lambda _: dripping(RUNTIME)) as uri:
        assert failed(uri, timeout_s=0.2)[0] is ErrorKind.TIMEOUT
        assert read(uri, timeout_s=0.2).seconds < 2


def test_a_full_queue_is_a_timeout(tmp_path: Path) -> None:
    """A unix socket whose queue is full, as of a HAProxy that hangs, is not waited for for ever."""
    path = str(tmp_path / "stats.sock")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(path)
        listener.listen(0)
        first.connect(path)
        assert failed(f"unix:{path}", timeout_s=0.2)[0] is ErrorKind.TIMEOUT


def test_a_reset_is_told() -> None:
    """A connection that is cut by RST says so."""
    with api(lambda _: None) as uri:
        assert failed(uri)[0] is ErrorKind.RESET


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "not HAProxy's runtime API: ''"),
        (b"\n", "not HAProxy's runtime API"),
        (b"HTTP/1.1 400 Bad request\r\n\r\n", "'HTTP/1.1 400 Bad request"),
        (b"Unknown command: 'show stat'\n\n", "not its master socket"),
        (b"\x00\xff\x1b[31m" * 1000, "not HAProxy's runtime API: '\\x00\\\\xff\\x1b[31m"),
        (RUNTIME[:-1], "cut before its end"),
        (RUNTIME[:-200], "cut before its end"),
        (RUNTIME.split(b"\n\n")[0], "cut before its end"),
        (RUNTIME.split(b"\n\n")[0] + b"\n\nPermission denied\n\n", "'Permission denied"),
    ],
)
def test_nonsense_is_a_protocol_error(answer: bytes, words: str) -> None:
    """Whatever is not the whole of both answers is shown by its beginning, control characters escaped."""
    with api(lambda _: answer) as uri:
        kind, sentence = failed(uri)
    assert kind is ErrorKind.PROTOCOL
    assert words in sentence
    assert sentence.isprintable()


def test_an_endless_answer_ends() -> None:
    """More than the limit is not read."""

    def endless(_: bytes) -> Iterator[bytes]:
        while True:
            yield b"x" * 2**20

    with api(endless) as uri:
        kind, sentence = failed(uri, timeout_s=30)
    assert kind is ErrorKind.PROTOCOL
    assert "more than 64 MiB of answer" in sentence


@pytest.mark.parametrize(
    "uri",
    [
        "unix:",
        "unix:/" + "x" * 200,
        "tcp://lb1",
        "tcp://:9",
        "tcp://lb1:x",
        "tcp://[::1:9",
        "tcp://lb1:0",
        "ftp://lb1:9",
        "",
    ],
)
def test_what_is_no_uri_is_said(uri: str) -> None:
    """A URI that cannot be one says how to write it, or how long it may be."""
    kind, sentence = failed(uri)
    assert kind is ErrorKind.NOT_FOUND
    assert "write unix:PATH or tcp://HOST:PORT" in sentence or "has 1 to 107 bytes" in sentence


def test_a_name_that_is_none_is_not_found() -> None:
    """A host name that cannot be encoded is the name's fault, not a traceback."""
    assert failed("tcp://a..b:9")[0] is ErrorKind.NOT_FOUND
