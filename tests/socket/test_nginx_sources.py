"""nginx's access log and stub_status, from the real nginx and from files and servers that behave badly."""

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.step import ErrorKind
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.sources import access_log, haproxy_socket, stub_status
from tests.certificates import make
from tests.socket.counter_servers import Reply, dripping, haproxy, http_answer, nginx, replying, servers, silent

TOKEN = "lbcheck-4f3c"  # noqa: S105 (marks a run's requests, opens nothing)
PAGE = (Path(__file__).parents[1] / "unit" / "data" / "nginx-1.22-stub-status.txt").read_bytes()


def ask(address: str, path: str = "/") -> None:
    """Send one request that carries the token."""
    request = urllib.request.Request(f"http://{address}{path}", headers={"User-Agent": f"x {TOKEN}"})
    urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 (the scheme stands above)


def count(path: Path, token: str = TOKEN, timeout_s: float = 5.0, *, awaited: bool = False) -> LogLines:
    """Count the lines of a log that carry the token."""
    step = CountLogLines(
        at="web1", server="web1", path=str(path), token=token, timeout_s=timeout_s, awaited=awaited, frontend="www"
    )
    return access_log.count(step)


def status(url: str, timeout_s: float = 5.0, ca: str = "") -> StubStatus:
    """Read stub_status."""
    step = ReadStubStatus(at="web1", server="web1", url=url, when="after", timeout_s=timeout_s, ca=ca)
    return stub_status.read(step)


def kind_of(sample: LogLines | StubStatus) -> ErrorKind:
    """Return the kind of a sample that must have failed."""
    assert sample.failure is not None
    return sample.failure.kind


def line(text: str = TOKEN) -> str:
    """Return a line of a log as nginx writes it."""
    return f'127.0.0.1 - - [22/Nov/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 4 "-" "{text}"\n'


def test_a_line_that_is_written_late_is_awaited(tmp_path: Path) -> None:
    """A server writes its log in blocks: the count looks again until there is a line, and says whose requests it is."""
    log = tmp_path / "access.log"
    log.write_text(line("others"))
    writer = threading.Timer(0.3, log.write_text, [line("others") + line()])
    writer.start()
    found = count(log, awaited=True)
    writer.join()
    assert (found.lines, found.frontend) == (1, "www")
    never = count(log, "nobody", timeout_s=0.5, awaited=True)
    assert (never.lines, never.failure) == (0, None)


def test_three_witnesses_agree(tmp_path: Path) -> None:
    """Answers at the client, final responses at HAProxy and lines in nginx's log are the same number."""
    (tmp_path / "nginx").mkdir()
    (tmp_path / "haproxy").mkdir()
    with nginx(tmp_path / "nginx") as (web, process):
        with haproxy(tmp_path / "haproxy", web=[f"server web1 {web}"]) as balancer:
            for _ in range(20):
                ask(balancer.www)
            step = ReadCounters(balancer="lb1", uri=balancer.unix, when="after")
            (server,) = servers(haproxy_socket.read(step), "web")
        ask(web, "/stub_status")  # not logged
        process.send_signal(signal.SIGQUIT)  # ends once every line is written
        process.wait(timeout=10)
        assert (server.requests, count(tmp_path / "nginx" / "access.log").lines) == (20, 20)


def test_stub_status_counts_at_least_what_was_asked(tmp_path: Path) -> None:
    """The difference of two readings is the requests between them and the second reading itself."""
    with nginx(tmp_path) as (web, _):
        before = status(f"http://{web}/stub_status")
        for _ in range(5):
            ask(web)
        after = status(f"http://{web}/stub_status")
        assert (before.failure, after.failure) == (None, None)
        assert after.requests - before.requests == 6
        assert after.accepts == after.handled == after.requests


def test_stub_status_is_read_where_its_authority_is_trusted(tmp_path: Path) -> None:
    """Over TLS with a private CA that the step brings; without it the sentence names `--cacert`."""
    root, pem = make(common_name="Fleet Root"), tmp_path / "web1.pem"
    pem.write_bytes(make("127.0.0.1", issuer=root).with_key)
    with nginx(tmp_path) as (web, _), haproxy(tmp_path, web=[f"server web1 {web}"], bind=f"ssl crt {pem}") as front:
        trusted = status(f"https://{front.www}/stub_status", ca=root.pem.decode())
        untrusted = status(f"https://{front.www}/stub_status")
    assert (trusted.failure, trusted.requests) == (None, 1)
    assert untrusted.failure is not None
    assert "--cacert FILE, or lbcheck_cacert in an inventory" in untrusted.failure.message


def test_stub_status_that_is_not_allowed_is_denied(tmp_path: Path) -> None:
    """nginx's `deny` is told apart from a wrong path."""
    with nginx(tmp_path) as (web, _):
        assert kind_of(status(f"http://{web}/forbidden")) is ErrorKind.DENIED
        assert kind_of(status(f"http://{web}/")) is ErrorKind.PROTOCOL


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (lambda _: http_answer(b"<html>hello</html>"), ErrorKind.PROTOCOL),
        (lambda _: http_answer(PAGE[:-20]), ErrorKind.PROTOCOL),
        (lambda _: http_answer(PAGE + b"x" * 2**20), ErrorKind.PROTOCOL),
        (lambda _: b"nonsense\n", ErrorKind.PROTOCOL),
        (lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, ErrorKind.PROTOCOL),
        (lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ErrorKind.PROTOCOL),
        (lambda _: b"", ErrorKind.RESET),
        (lambda _: http_answer(b"", "404 Not Found"), ErrorKind.STATUS),
        (lambda _: http_answer(b"", "302 Found", "Location: http://198.51.100.1/"), ErrorKind.STATUS),
        (lambda _: dripping(http_answer(PAGE)), ErrorKind.TIMEOUT),
    ],
)
def test_a_page_that_is_not_stub_status_fails(reply: Reply, kind: ErrorKind) -> None:
    """Each kind of wrong answer is told apart and named by its URL."""
    with replying(reply) as address:
        sample = status(f"http://{address}/stub_status", timeout_s=0.5)
    assert kind_of(sample) is kind
    assert sample.failure is not None
    assert sample.failure.message.startswith(f"http://{address}/stub_status: ")


def test_a_silent_server_ends_in_time() -> None:
    """A server that never answers is a timeout."""
    with silent() as address:
        assert kind_of(status(f"http://{address}/", timeout_s=0.2)) is ErrorKind.TIMEOUT


@pytest.mark.parametrize(
    "url", ["", "web1", "ftp://web1/", "http:///", "http://[::1/", "http://web1:x/", "http://a..b/"]
)
def test_what_is_no_url_is_said(url: str) -> None:
    """A URL that cannot be one is not found, without a traceback."""
    assert kind_of(status(url)) is ErrorKind.NOT_FOUND


def test_lines_with_the_token_are_counted_once_each(tmp_path: Path) -> None:
    """Others' lines do not count, and a line that carries the token twice counts once."""
    log = tmp_path / "access.log"
    log.write_text(line() + line("curl") + line(f"{TOKEN} {TOKEN}") + line("lbcheck-4f3") + line())
    assert count(log).lines == 3


def test_a_last_line_without_its_end_counts(tmp_path: Path) -> None:
    """What the server has not ended yet counts when the token is there already."""
    log = tmp_path / "access.log"
    log.write_text(line() + line().rstrip("\n"))
    assert count(log).lines == 2


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    """An empty log is a log."""
    (tmp_path / "access.log").touch()
    sample = count(tmp_path / "access.log")
    assert (sample.lines, sample.failure) == (0, None)


@pytest.mark.parametrize("size", range(1, 40))
def test_pieces_may_end_anywhere(size: int) -> None:
    """However a log is cut into pieces, each line with the token counts once."""
    text = (line("tok") + line("to") + "tok\n\ntoktok\nk\nto\nk\ntotok").encode()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert access_log.lines_with(b"tok", pieces) == 4


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    """What stands before the last 256 MiB is older than any run."""
    log = tmp_path / "access.log"
    with log.open("wb") as file:
        file.write(line().encode())
        file.seek(access_log.LIMIT_BYTES + 1000)  # a hole: it takes no room
        file.write(b"\n" + line().encode())
    assert count(log, timeout_s=30).lines == 1


def test_a_log_rotated_during_the_run_counts(tmp_path: Path) -> None:
    """The lines of a log that was rotated away a moment ago are added, those of an old one are not."""
    log = tmp_path / "access.log"
    log.write_text(line())
    rotated = tmp_path / "access.log.1"
    rotated.write_text(line() * 2)
    assert count(log).lines == 3
    long_ago = time.time() - access_log.ROTATED_WITHIN_S - 60
    os.utime(rotated, (long_ago, long_ago))
    assert count(log).lines == 1


def test_a_link_is_followed_to_log_and_rotated_log(tmp_path: Path) -> None:
    """Behind a link, the rotated log stands beside the real one; no file counts twice."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "web.log").write_text(line())
    (tmp_path / "real" / "web.log.1").write_text(line())
    (tmp_path / "access.log").symlink_to("real/web.log")
    (tmp_path / "access.log.1").symlink_to("real/web.log.1")
    assert count(tmp_path / "access.log").lines == 2


def test_a_missing_log_is_not_found(tmp_path: Path) -> None:
    """A path without a log names itself and asks the right question."""
    sample = count(tmp_path / "access.log")
    assert kind_of(sample) is ErrorKind.NOT_FOUND
    assert sample.failure is not None
    assert sample.failure.message.endswith(
        "access.log: no such file or directory; does the server write its access log there?"
    )


@pytest.fixture
def ordinary_user() -> Iterator[None]:
    """Be nobody for the length of a test."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_a_forbidden_log_is_denied(tmp_path: Path, ordinary_user: None) -> None:
    """An ordinary user is told whom the log belongs to."""
    if os.getuid() == 0:  # another user's directory is forbidden as it is
        sample = count(tmp_path / "access.log")
    else:
        (tmp_path / "access.log").touch(mode=0)
        sample = count(tmp_path / "access.log")
    assert kind_of(sample) is ErrorKind.DENIED
    assert sample.failure is not None
    assert "run as root or as a member of the log's group" in sample.failure.message


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A FIFO, a directory or a device is no log, and none of them is waited for."""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        assert kind_of(count(path)) is ErrorKind.NOT_FOUND


def test_a_log_without_a_token_is_not_counted(tmp_path: Path) -> None:
    """Nothing to look for is not found everywhere."""
    (tmp_path / "access.log").write_text(line())
    assert kind_of(count(tmp_path / "access.log", token="")) is ErrorKind.NOT_FOUND


def test_a_log_too_slow_to_read_ends_in_time(tmp_path: Path) -> None:
    """Reading stops when its time is over."""
    (tmp_path / "access.log").write_text(line() * 10_000)
    assert kind_of(count(tmp_path / "access.log", timeout_s=0.0)) is ErrorKind.TIMEOUT
