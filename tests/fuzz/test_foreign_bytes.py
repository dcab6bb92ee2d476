"""Servers and balancers that answer anything: what they say is read, or it is their fault in a sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcheck.model.counters import ReadCounters
from lbcheck.wire import haproxy, haproxy_config, jsonl, nginx
from lbcheck.wire.certificate import Certificate, NoCertificateError
from lbcheck.wire.dns import DnsQuestion, Memory
from lbcheck.wire.haproxy import NotStatisticsError
from lbcheck.wire.haproxy_config import ConfigurationError
from lbcheck.wire.http.answer import AnswerReader
from lbcheck.wire.http.head import MalformedAnswerError
from lbcheck.wire.http.identifier import Identifier
from lbcheck.wire.nginx import NotStubStatusError

from .damage import CORPUS, in_time, scribbled, sentence

DATA = Path(__file__).parents[1] / "unit" / "data"
STEP = ReadCounters(at="lb1", balancer="lb1", uri="unix:/s", when="before")


def _runtime(text: str) -> None:
    process, rows = haproxy.parse_runtime(text)
    jsonl.line(haproxy.counters(STEP, process, rows, 0.0))


def _page(text: str) -> None:
    rows = haproxy.parse_stat(text)
    jsonl.line(haproxy.counters(STEP, haproxy.parse_page_head(text), rows, 0.0))


def _configuration(text: str) -> None:
    haproxy_config.parse([("haproxy.cfg", text)])


Reader = Callable[[str], object]
CONFIGURATION = """\
global
    thread-groups 2
defaults
    mode http
    timeout connect 5s
frontend www
    bind :80,:::443
    use_backend api if { path_beg /api }
    default_backend web
backend web
    balance uri whole
    cookie SRV insert
    option redispatch
    server-template web 1-3 198.19.0.11:8080 check weight 10 slowstart 30s
    server b 198.19.0.14:8080 backup maxconn "10" disabled
"""
READERS: dict[str, tuple[Reader, str, type[Exception]]] = {
    "runtime": (_runtime, (DATA / "haproxy-2.6-runtime.txt").read_text(), NotStatisticsError),
    "page": (_page, (DATA / "haproxy-2.6-page.csv").read_text(), NotStatisticsError),
    "page-head": (haproxy.parse_page_head, (DATA / "haproxy-2.6-page-head.html").read_text(), NotStatisticsError),
    "configuration": (_configuration, CONFIGURATION, ConfigurationError),
    "stub-status": (nginx.parse_stub_status, (DATA / "nginx-1.22-stub-status.txt").read_text(), NotStubStatusError),
}
WORDS = (
    *(
        ",",
        '"',
        "\n",
        "\r\n",
        "\t",
        "#",
        "\\",
        "'",
        "$X",
        '"${X}"',
        "-1",
        "9" * 5000,
        "1e9",
        "NaN",
        "٣",
        "\0",
        "\u2028",
    ),
    *(
        "# pxname",
        "BACKEND",
        "FRONTEND",
        "UP 1/2",
        "MAINT (via a/b)",
        "server x 1",
        "server-template x 1-999999999 y",
        ".if",
    ),
)


def read(name: str, text: str) -> None:
    """Read it as `name`; only that reader's own error may come of it, with words fit for a user."""
    reader, _, refusing = READERS[name]
    try:
        with in_time():
            reader(text)
    except refusing as error:
        sentence(error)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_any_text(name: str, data: st.DataObject) -> None:
    """Columns that are none, numbers without end, quotes that do not close."""
    read(name, data.draw(scribbled(READERS[name][1], WORDS)))


@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from((b"HTTP/1.1 200 OK\r\n", b"x-served-by: a\r\n", b"\r\n")), max_size=8
    )
)
def test_any_http_answer(parts: list[bytes]) -> None:
    """In whatever pieces it comes."""
    reader = AnswerReader(Identifier.parse("header:x-served-by"), Identifier.parse("body:a+b"))
    try:
        with in_time():
            for part in (*parts, b""):
                if reader.feed(part):
                    break
    except MalformedAnswerError as error:
        sentence(error)


@given(st.binary(max_size=300), st.booleans())
def test_any_dns_answer(data: bytes, repeated: bool) -> None:
    """With the question that was asked, or another."""
    question = DnsQuestion("www.test", "A", recursive=False)
    memory = Memory(question)
    with in_time():
        memory.learn(b"\x84\x00" + question.wire[2:] + data if repeated else data)
    assert memory.tally()


@given(st.binary(max_size=300))
def test_any_certificate(der: bytes) -> None:
    """Lengths that lead nowhere, times that are none."""
    try:
        Certificate.parse(der)
    except NoCertificateError:
        return


@pytest.mark.parametrize("path", sorted(CORPUS.glob("foreign/*")), ids=lambda path: path.name)
def test_what_once_broke(path: Path) -> None:
    """Called by its reader's name: `runtime.something`."""
    read(path.name.partition(".")[0], path.read_bytes().decode(errors="backslashreplace"))


@pytest.mark.parametrize("name", READERS)
def test_the_texts_themselves_are_read(name: str) -> None:
    """Else the changes try nothing."""
    assert READERS[name][0](READERS[name][1]) is not False
