"""HAProxy's configuration files, read as the real HAProxy reads them, and files that cannot be read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lbcheck.model.configuration import Configured, ReadConfiguration
from lbcheck.model.counters import ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.sources import haproxy_configuration, haproxy_page
from lbcheck.sources.haproxy_configuration import LIMIT_BYTES
from tests.socket.counter_servers import haproxy


def read(*paths: Path) -> Configured:
    """Read the files of one HAProxy."""
    step = ReadConfiguration(at="lb1", balancer="lb1", paths=tuple(map(str, paths)))
    return haproxy_configuration.read(step)


def failed(*paths: Path) -> tuple[ErrorKind, str]:
    """Return the kind and sentence of a reading that must fail."""
    found = read(*paths)
    assert found.failure is not None
    assert (found.backends, found.balancer) == ((), "lb1")
    return found.failure.kind, found.failure.message


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


@pytest.mark.parametrize(
    "lines",
    [
        ["balance leastconn", "server a 127.0.0.1:18001 weight 3", "server b ::1:18002 weight 7 backup"],
        ["balance hdr(User-Agent) use_domain_only", "server a 127.0.0.1:18001 maxconn 9 disabled"],
        ["balance uri depth 2", "hash-type consistent", "default-server weight 5", "server a ipv4@127.0.0.1:18001"],
        [
            "balance source",
            'server "a" 127.0.0.1:18001 weight 0 # balance first',
            r"server b\x2dc 127.0.0.2:9",
        ],
        ["balance static-rr", "cookie S insert", "server-template web 2-4 127.0.0.1:18001 weight 2 cookie x"],
        ["no option redispatch", "server a 127.0.0.1:18001"],
    ],
)
def test_it_is_read_as_haproxy_reads_it(tmp_path: Path, lines: list[str]) -> None:
    """The file says of a backend what the HAProxy that was started with it tells."""
    with haproxy(tmp_path, web=lines, stats=["stats show-legends"]) as running:
        step = ReadCounters(at="lb1", balancer="lb1", uri=f"http://{running.page}/stats", when="before")
        told = next(backend for backend in haproxy_page.read(step).backends if backend.name == "web")
    configured = read(tmp_path / "haproxy.cfg")
    web = next(backend for backend in configured.backends if backend.name == "web")
    assert (configured.failure, configured.product, configured.notes) == (None, "HAProxy", ())
    assert (web.algorithm or "roundrobin").partition("(")[0] == told.algorithm
    assert (web.mode, bool(web.cookie)) == (told.mode, told.persistent)
    assert [(s.name, s.address, s.weight, s.backup, s.session_limit) for s in web.servers] == [
        (s.name, s.address, s.weight, s.backup, s.session_limit) for s in told.servers
    ]
    assert [server.disabled for server in web.servers] == [server.status == "MAINT" for server in told.servers]


def test_a_directory_is_its_files_by_name(tmp_path: Path) -> None:
    """As for HAProxy's own -f: those called *.cfg, hidden ones apart, after the files that were named before it."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (tmp_path / "haproxy.cfg").write_text("defaults\n  balance first\n")
    (folder / "20.cfg").write_text("backend b\n")
    (folder / "10.cfg").write_text("backend a\n")
    (folder / ".30.cfg").write_text("backend hidden\n")
    (folder / "40.cfg.old").write_text("backend old\n")
    found = read(tmp_path / "haproxy.cfg", folder)
    assert [(backend.name, backend.algorithm) for backend in found.backends] == [("a", "first"), ("b", "first")]
    assert found.backends[1].where == f"{folder}/20.cfg:1"


def test_a_comment_in_another_encoding_stops_nothing(tmp_path: Path) -> None:
    """A byte that is no UTF-8 is read past."""
    (tmp_path / "haproxy.cfg").write_bytes(b"backend a # gr\xfc\xdfe\n")
    assert [backend.name for backend in read(tmp_path / "haproxy.cfg").backends] == ["a"]


def test_a_fault_is_a_sentence_with_file_and_line(tmp_path: Path) -> None:
    """Where it is, and nothing that would make one look elsewhere."""
    path = tmp_path / "haproxy.cfg"
    path.write_text("backend a\n  server b\n")
    assert failed(path) == (ErrorKind.PROTOCOL, f"{path}:2: a server has a name and an address")


def test_a_missing_file_names_itself(tmp_path: Path) -> None:
    """One of several, too."""
    (tmp_path / "here.cfg").touch()
    kind, sentence = failed(tmp_path / "here.cfg", tmp_path / "missing.cfg")
    assert kind is ErrorKind.NOT_FOUND
    assert sentence.startswith(f"{tmp_path}/missing.cfg: no such file or directory; is HAProxy's configuration there?")


def test_a_forbidden_file_is_denied(tmp_path: Path) -> None:
    """The advice says who may read it."""
    path = tmp_path / "haproxy.cfg"
    path.touch(mode=0)
    with nobody():
        kind, sentence = failed(path)
    assert kind is ErrorKind.DENIED
    assert sentence.startswith(f"{path}: permission denied; run as root")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    """A FIFO without a writer would never end."""
    os.mkfifo(tmp_path / "haproxy.cfg")
    kind, sentence = failed(tmp_path / "haproxy.cfg")
    assert kind is ErrorKind.NOT_FOUND
    assert sentence.startswith(f"{tmp_path}/haproxy.cfg: not a regular file; ")


def test_an_endless_file_ends(tmp_path: Path) -> None:
    """All files together have a limit."""
    for name in ("a.cfg", "b.cfg"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(LIMIT_BYTES // 2 + 1)
    kind, sentence = failed(tmp_path)
    assert kind is ErrorKind.PROTOCOL
    assert "more than 4 MiB of configuration" in sentence
