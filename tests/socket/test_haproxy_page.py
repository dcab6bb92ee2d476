"""HAProxy's statistics page, from the real HAProxy and from servers that behave badly.

The defects of haproxy-stats 1.5 that `Mended` mends have a test each, `test_defect_1_…` to `test_defect_7_…`.
"""

import base64
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from pathlib import Path

import pytest

from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.sources import haproxy_page
from lbcheck.sources.failing import SourceError
from lbcheck.wire.haproxy import LISTENER, SERVER, NotStatisticsError
from tests.certificates import Made, make
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

DATA = Path(__file__).parents[1] / "unit" / "data"
CSV = (DATA / "haproxy-2.6-page.csv").read_bytes()
HEAD = (DATA / "haproxy-2.6-page-head.html").read_bytes()
LOGIN = b"<html><body>Please log in</body></html>"
REPOSITORY = Path(__file__).parents[2]


def read(uri: str, timeout_s: float = 5.0, ca: str = "") -> Counters:
    """Read one HAProxy's counters."""
    return haproxy_page.read(ReadCounters(at="lb1", balancer="lb1", uri=uri, when="before", timeout_s=timeout_s, ca=ca))


def failed(uri: str, timeout_s: float = 5.0, ca: str = "") -> tuple[ErrorKind, str]:
    """Return the kind and sentence of a reading that must fail."""
    counters = read(uri, timeout_s, ca)
    assert counters.failure is not None
    assert counters.backends == ()
    assert counters.failure.message.isprintable()
    return counters.failure.kind, counters.failure.message


def statistics(csv: bytes, head: bytes = HEAD) -> Reply:
    """Reply to requests for the CSV and for the HTML page."""
    return lambda request: http_answer(csv if b";csv" in request else head)


@contextmanager
def page(reply: Reply) -> Iterator[str]:
    """Listen as a statistics page that replies so; yields its URI."""
    with replying(reply) as address:
        yield f"http://{address}/stats"


def redirect(status: str, target: str) -> bytes:
    """Return an answer that sends elsewhere."""
    return http_answer(b"", status, f"Location: http://{target}/stats")


def isolated(code: str, *options: str) -> str:
    """Run Python code in a process of its own, every warning an error; return what it prints."""
    command = [sys.executable, "-W", "error", *options, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


def test_the_page_gives_what_the_socket_would(tmp_path: Path) -> None:
    """Rows, pid, uptime and version come from the page, over IPv4 and IPv6, with and without a slash at the end."""
    with haproxy(tmp_path, web=["server web1 127.0.0.1:9 weight 3", "server web2 127.0.0.1:9"]) as running:
        for uri in (f"http://{running.page}/stats", f"http://{running.page_v6}/stats/"):
            counters = read(uri)
            assert counters.failure is None
            assert (counters.process, counters.version.count(".")) == (str(running.pid), 2)
            assert counters.uptime_s >= 0
            assert [(s.name, s.weight) for s in servers(counters, "web")] == [("web1", 3), ("web2", 1)]


@pytest.mark.parametrize("stats_uri", ["/", "/haproxy?stats", "/a/b/"])
def test_every_form_of_stats_uri_is_read(tmp_path: Path, stats_uri: str) -> None:
    """The path is the one of `stats uri`, whatever it looks like; a pasted `;csv` does no harm."""
    with haproxy(tmp_path, stats_uri=stats_uri) as running:
        assert read(f"http://{running.page}{stats_uri}").failure is None
        assert read(f"http://{running.page}{stats_uri};csv").failure is None


def test_each_answer_is_counted_at_its_server(tmp_path: Path) -> None:
    """Ten requests to two servers of weights 1 and 4 are 2 and 8 answers."""
    with replying(lambda _: http_answer(b"ok")) as web:
        lines = [f"server web1 {web} weight 1", f"server web2 {web} weight 4"]
        with haproxy(tmp_path, web=lines) as running:
            for _ in range(10):
                urllib.request.urlopen(f"http://{running.www}/", timeout=5).close()
            counted = servers(read(f"http://{running.page}/stats"), "web")
            assert [server.requests for server in counted] == [2, 8]


def test_a_password_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """User from the URI, password from the environment, whatever characters they have; else the page is denied."""
    with haproxy(tmp_path, stats=["stats auth ops:pä:ß"]) as running:
        uri = f"http://ops@{running.page}/stats"
        monkeypatch.setenv(haproxy_page.PASSWORD_VARIABLE, "pä:ß")
        assert read(uri).failure is None
        kind, sentence = failed(f"http://{running.page}/stats")
        assert (kind, "asks for a user (write USER@HOST)" in sentence) == (ErrorKind.DENIED, True)
        monkeypatch.setenv(haproxy_page.PASSWORD_VARIABLE, "wrong")
        kind, sentence = failed(uri)
        assert (kind, "wrong user (in the URI) or password" in sentence) == (ErrorKind.DENIED, True)
        monkeypatch.delenv(haproxy_page.PASSWORD_VARIABLE)
        kind, sentence = failed(uri)
        assert (kind, "set LBCHECK_STATS_PASSWORD" in sentence) == (ErrorKind.DENIED, True)


@pytest.mark.parametrize("held", ["K3y-of-the-page", "wr0ng-one"])
def test_a_password_appears_nowhere(held: str, tmp_path: Path) -> None:
    """Neither in a report, nor in samples, a plan, diagnostics or a traceback, right or wrong, as it is or encoded."""
    with (
        replying(lambda _: http_answer(b"ok")) as web,
        haproxy(tmp_path, web=[f"server s1 {web}"], stats=["stats auth ops:K3y-of-the-page"]) as running,
    ):
        url, uri = f"http://{running.www}/", f"http://ops@{running.page}/stats"
        kept, texts = tmp_path / "run.jsonl", []
        for more in (["--plan"], ["--plan", "--format", "json"], ["-vv", "--samples", str(kept), "--format", "json"]):
            words = ["spread", url, "--stats", uri, "--requests", "9", *more]
            ran = subprocess.run(
                [sys.executable, "-m", "lbcheck", *words],
                capture_output=True,
                text=True,
                check=False,
                env=os.environ | {haproxy_page.PASSWORD_VARIABLE: held},
            )
            texts += [ran.stdout, ran.stderr]
    texts.append(kept.read_text())
    assert ("wrong user (in the URI) or password" in texts[-1]) == (held == "wr0ng-one")
    secrets = (held, base64.b64encode(held.encode()).decode(), base64.b64encode(f"ops:{held}".encode()).decode())
    assert not [text for text in texts if any(secret in text for secret in secrets)]


def test_a_password_in_the_uri_is_refused_and_not_shown() -> None:
    """A password in a URI would end up in reports."""
    kind, sentence = failed("http://ops:secret@127.0.0.1/stats")
    assert kind is ErrorKind.DENIED
    assert sentence == "http://ops@127.0.0.1/stats: the password belongs in LBCHECK_STATS_PASSWORD, not in the URI"


def test_defect_1_quoted_cells_may_hold_commas(tmp_path: Path) -> None:
    """A server's cookie with a comma leaves every other column in its place."""
    lines = ["balance roundrobin", "server web1 127.0.0.1:9 cookie a,b", "server web2 127.0.0.1:9 cookie c"]
    with haproxy(tmp_path, web=lines, stats=["stats show-legends"]) as running:
        reader = haproxy_page.statistics_page(f"http://{running.page}/stats", 5.0)
    rows = [row for row in reader.rows if row["type"] == SERVER]
    assert [(row["cookie"], row["addr"], row["mode"]) for row in rows] == [
        ("a,b", "127.0.0.1:9", "http"),
        ("c", "127.0.0.1:9", "http"),
    ]


def test_defect_2_failed_says_how_the_last_update_went() -> None:
    """A reader that failed once has not failed for ever."""
    replies = chain([HEAD, CSV, HEAD], repeat(LOGIN, 2), [HEAD, CSV, HEAD])
    with page(lambda _: http_answer(next(replies))) as uri:
        reader = haproxy_page.statistics_page(uri, 5.0)
        history = [reader.failed]
        with pytest.raises(NotStatisticsError):
            reader.update()
        history.append(reader.failed)
        reader.update()
        history.append(reader.failed)
    assert history == [False, True, False]


@pytest.mark.parametrize("body", [LOGIN, b"hello", b"{}", CSV[:2000], CSV[2:], CSV.splitlines()[0] + b"\n"])
def test_defect_3_a_page_that_is_no_statistics_fails(body: bytes) -> None:
    """A login page, or half of the statistics, with status 200 is not an empty success."""
    with page(statistics(body, body)) as uri:
        assert failed(uri)[0] is ErrorKind.PROTOCOL


def test_defect_4_listening_sockets_are_no_servers(tmp_path: Path) -> None:
    """Under `option socket-stats` a frontend's sockets are kept apart from servers."""
    with haproxy(tmp_path, web=["server web1 127.0.0.1:9"]) as running:
        reader = haproxy_page.statistics_page(f"http://{running.page}/stats", 5.0)
    assert [row["svname"] for row in reader.rows if row["type"] == LISTENER] == ["one"]
    assert [socket.name for socket in reader.sockets] == ["one"]
    assert [(b.name, [s.name for s in b.listeners]) for b in reader.backends] == [("web", ["web1"])]
    assert [frontend.name for frontend in reader.frontends] == ["www", "statistics"]


def test_defect_5_errors_are_raised_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What fails is the caller's to know, and nothing is written beside it."""
    with page(lambda _: http_answer(b"no", "503 Service Unavailable")) as uri:
        with pytest.raises(SourceError, match="answers with HTTP status 503"):
            haproxy_page.statistics_page(uri, 5.0)
        kind, sentence = failed(uri)
    assert (kind, sentence) == (
        ErrorKind.STATUS,
        f"{uri}: answers with HTTP status 503; is this the path of `stats uri`?",
    )
    assert caplog.records == []


def test_defect_5_importing_the_package_configures_no_logging() -> None:
    """The root logger is as it was, after the package has been imported for the first time."""
    code = """
import logging, sys
from lbcheck.sources import haproxy_page
assert "haproxystats" not in sys.modules and "requests" not in sys.modules
logging.root.setLevel(logging.DEBUG)
haproxy_page._reader()
assert "haproxystats" in sys.modules
print(logging.root.handlers, logging.root.level == logging.DEBUG)
"""
    assert isolated(code) == "[] True"


def test_defect_6_its_name_is_host_and_port() -> None:
    """An IPv6 address is a name, and two HAProxy processes on one host have two."""
    with replying(statistics(CSV), host="::1") as one, replying(statistics(CSV), host="::1") as two:
        names = [haproxy_page.statistics_page(f"http://ops@{at}/stats", 5.0).name for at in (one, two)]
    assert names == [one, two]


def test_defect_7_an_empty_answer_fails() -> None:
    """An empty page with status 200 is a failure with a sentence."""
    with page(statistics(b"")) as uri:
        assert failed(uri) == (ErrorKind.PROTOCOL, f"{uri}: an empty answer; is this the path of `stats uri`?")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
def test_a_redirect_is_named_and_not_followed(status: str) -> None:
    """Where a redirect leads, nobody is asked; the sentence says where it leads."""
    with recording(http_answer(CSV)) as (target, asked), page(lambda _: redirect(status, target)) as uri:
        kind, sentence = failed(uri)
    assert kind is ErrorKind.STATUS
    assert f"redirects to 'http://{target}/stats'" in sentence
    assert asked == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (lambda _: b"", ErrorKind.RESET),
        (lambda _: None, ErrorKind.RESET),
        (lambda _: b"nonsense\r\n", ErrorKind.PROTOCOL),
        (lambda _: b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, ErrorKind.PROTOCOL),
        (lambda _: http_answer(CSV)[:-100], ErrorKind.PROTOCOL),
        (lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n# pxn", ErrorKind.PROTOCOL),
        (lambda _: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ErrorKind.PROTOCOL),
        (lambda _: http_answer(CSV, "200 OK", "Content-Encoding: gzip"), ErrorKind.PROTOCOL),
        (lambda _: http_answer(b"", "403 Forbidden"), ErrorKind.DENIED),
        (lambda _: http_answer(b"", "404 Not Found"), ErrorKind.STATUS),
        (lambda _: dripping(http_answer(CSV)), ErrorKind.TIMEOUT),
        (lambda _: chain([b"HTTP/1.1 200 OK\r\n\r\n"], dripping(CSV)), ErrorKind.TIMEOUT),
    ],
)
def test_a_bad_answer_is_told_apart(reply: Reply, kind: ErrorKind) -> None:
    """Each kind of wrong answer has its kind, and a sentence that begins with the URI."""
    with page(reply) as uri:
        found, sentence = failed(uri, timeout_s=0.5)
    assert found is kind
    assert sentence.startswith(f"{uri}: ")


def test_silence_ends_in_time() -> None:
    """A server that never answers is a timeout, not a hang."""
    with silent() as address:
        assert failed(f"http://{address}/stats", timeout_s=0.2)[0] is ErrorKind.TIMEOUT


def test_an_endless_page_ends() -> None:
    """More than the limit is not read, neither of the CSV nor of the HTML page."""
    with page(lambda _: chain([b"HTTP/1.1 200 OK\r\n\r\n"], repeat(b"x" * 2**20))) as uri:
        kind, sentence = failed(uri, timeout_s=30)
    assert kind is ErrorKind.PROTOCOL
    assert "more than 64 MiB of answer" in sentence


def test_a_closed_port_is_refused() -> None:
    """A port without a listener refuses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failed(f"http://127.0.0.1:{port}/stats")[0] is ErrorKind.REFUSED


def test_a_reload_shows_in_the_pid(tmp_path: Path) -> None:
    """After a reload the same page is another process's."""
    with haproxy(tmp_path) as old:
        uri = f"http://{old.page}/stats"
        before = read(uri)
        with reloaded(old) as pid:
            # 0: two processes answered, as they do while one takes over
            after = eventually(lambda: read(uri), lambda counters: counters.process not in (None, str(old.pid)))
            assert (before.process, after.process) == (str(old.pid), str(pid))


def test_two_processes_behind_one_port_are_noticed() -> None:
    """Counters that come from one process or another cannot be subtracted."""
    heads = iter([HEAD, HEAD.replace(b"</b> ", b"</b> 9")])
    with page(lambda request: http_answer(CSV if b";csv" in request else next(heads))) as uri:
        kind, sentence = failed(uri)
    assert kind is ErrorKind.PROTOCOL
    assert "HAProxy was reloaded, or several processes answer" in sentence


@pytest.mark.parametrize("head", [http_answer(LOGIN), http_answer(b"", "403 Forbidden")])
def test_a_page_that_hides_its_process_is_read_all_the_same(head: bytes) -> None:
    """Where only the CSV is allowed, pid and uptime are not known."""
    with page(lambda request: http_answer(CSV) if b";csv" in request else head) as uri:
        counters = read(uri)
    assert (counters.failure, len(counters.backends)) == (None, 2)
    assert (counters.process, counters.uptime_s, counters.version) == (None, None, None)


# --- over TLS ---

ROOT = make(common_name="Fleet Root")


@contextmanager
def encrypted(directory: Path, made: Made) -> Iterator[str]:
    """Run HAProxy with a page over TLS and this certificate; yields the page's URI."""
    (directory / "page.pem").write_bytes(made.with_key)
    with haproxy(directory, tls=f"ssl crt {directory / 'page.pem'}") as running:
        yield f"https://{running.page}/stats"


def test_a_page_is_read_where_its_authority_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private CA that the step brings (`--cacert`), or one of the system's (SSL_CERT_FILE)."""
    with encrypted(tmp_path, make("127.0.0.1", issuer=ROOT)) as uri:
        assert read(uri, ca=ROOT.pem.decode()).failure is None
        (tmp_path / "root.pem").write_bytes(ROOT.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
        assert read(uri).failure is None


@pytest.mark.parametrize("ca", ["", make(common_name="Another Root").pem.decode()])
def test_an_authority_that_is_not_known_is_told_how_to_trust(tmp_path: Path, ca: str) -> None:
    """The sentence says why the certificate does not verify, and names `--cacert`."""
    with encrypted(tmp_path, make("127.0.0.1", issuer=ROOT)) as uri:
        kind, sentence = failed(uri, ca=ca)
    assert kind is ErrorKind.TLS
    assert sentence == (
        f"{uri}: its certificate does not verify (unable to get local issuer certificate); "
        "--cacert FILE, or lbcheck_cacert in an inventory, trusts the authority that signed it"
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (make("127.0.0.1", begins_h=-100, ends_h=-50, issuer=ROOT), "certificate has expired"),
        (make("127.0.0.2", issuer=ROOT), "certificate is not valid for '127.0.0.1'"),
    ],
)
def test_a_certificate_with_a_fault_is_not_one_to_trust(tmp_path: Path, made: Made, reason: str) -> None:
    """Of a known authority: expired, or another's. To trust more authorities would mend nothing."""
    with encrypted(tmp_path, made) as uri:
        kind, sentence = failed(uri, ca=ROOT.pem.decode())
    assert kind is ErrorKind.TLS
    assert reason in sentence
    assert "--cacert" not in sentence


def test_one_option_is_enough_for_answers_and_counters(tmp_path: Path) -> None:
    """`--cacert` holds for the URL and for `--stats`; without it both are told how to trust the authority."""
    pem, root = tmp_path / "page.pem", tmp_path / "root.pem"
    pem.write_bytes(make("127.0.0.1", issuer=ROOT).with_key)
    root.write_bytes(ROOT.pem)
    tls = f"ssl crt {pem}"
    with ExitStack() as opened:
        named = (http_answer(b"", "200 OK", f"X-Served-By: web{number}") for number in (1, 2))
        webs = [opened.enter_context(replying(lambda _, answer=answer: answer)) for answer in named]
        lines = [f"server web{number} {at}" for number, at in enumerate(webs, 1)]
        running = opened.enter_context(haproxy(tmp_path, web=lines, tls=tls, bind=tls, threads=1))
        uris = (f"https://{running.www}/", "--stats", f"https://{running.page}/stats")
        trusted, untrusted = (lbcheck("spread", *uris, *words) for words in (("--cacert", str(root)), ()))
    assert trusted.returncode == 0, trusted.stdout
    assert "the witnesses agree: the clients, HAProxy" in trusted.stdout
    assert untrusted.returncode == 1
    for sentence in ("--cacert FILE\n", "--cacert FILE, or lbcheck_cacert in an inventory, trusts the authority"):
        assert sentence in untrusted.stdout


def lbcheck(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "lbcheck", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)


def test_https_where_http_is_spoken_is_a_tls_failure(tmp_path: Path) -> None:
    """The wrong scheme is told. To write http:// is no advice: a password would be sent for all to read."""
    with haproxy(tmp_path) as running:
        kind, sentence = failed(f"https://{running.page}/stats")
    assert kind is ErrorKind.TLS
    assert "is HTTPS spoken there?" in sentence
    assert "http://" not in sentence


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_no_proxy_stands_between(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is the balancer's own, whatever proxy the environment names."""
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with page(statistics(CSV)) as uri:
        assert read(uri).failure is None


@pytest.mark.parametrize(
    "uri", ["", "lb1/stats", "http:///stats", "http://[::1/", "http://lb1:x/", "http://lb1:99999/", "http://a..b/"]
)
def test_what_is_no_uri_is_said(uri: str) -> None:
    """A URI that cannot be one says how to write it."""
    kind, sentence = failed(uri)
    assert kind is ErrorKind.NOT_FOUND
    assert "write http[s]://[USER@]HOST[:PORT]/PATH" in sentence


def test_no_warning_comes_from_the_package() -> None:
    """A whole reading in a fresh interpreter warns of nothing (the package calls datetime.utcnow)."""
    with page(statistics(CSV)) as uri:
        code = f"""
from lbcheck.model.counters import ReadCounters
from lbcheck.sources.haproxy_page import read
print(read(ReadCounters(balancer="lb1", uri={uri!r}, when="before")).failure)
"""
        assert isolated(code) == "None"


def test_without_the_package_there_is_a_sentence() -> None:
    """Where only the standard library is, the module imports and a reading says what is missing."""
    code = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
from lbcheck.model.counters import ReadCounters
from lbcheck.sources.haproxy_page import read
print(read(ReadCounters(balancer="lb1", uri="http://127.0.0.1:9/stats", when="before")).failure.message)
"""
    assert isolated(code, "-I", "-S") == (
        "http://127.0.0.1:9/stats: a statistics page takes the Python package haproxy-stats; "
        "install it, or give a unix: or tcp:// URI"
    )
