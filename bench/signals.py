"""Ends commands by signals at moments of every kind, and says how long each took to end and what it left behind.

`python -m bench.signals 200`: so many trials, of every command and every signal in turn. Hosts are this machine under
other names: Ansible reaches them by its local connection, and puts the program into folders of their own, as elsewhere.
"""

import http.server
import json
import os
import random
import re
import signal
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle, islice, product
from pathlib import Path

from bench.table import print_table

TRIALS = 200
SEED = 20261127
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
BEGIN_S = 120.0  # for a trial's moment to come: Ansible begins slowly on a busy machine
END_S = 60.0  # for all to end; what is promised is below 10
LATER_S = 1.5  # the most that a signal is sent after its moment
_MARK = "LBCHECK_TRIAL"  # in the environment of every process that a trial starts
_REMOTE = re.compile(r"/tmp/lbcheck-[0-9a-f]{32}")  # noqa: S108 (a host's folder)


@dataclass
class World:
    """What a trial measures, and the folder that it has for itself."""

    folder: Path
    web: str  # URL
    name_server: str  # ADDR:PORT
    silent: str  # ADDR:PORT: it accepts and says nothing
    heard: dict[str, int] = field(default_factory=dict)  # web, dns, silent → how often each was asked

    @property
    def note(self) -> Path:
        """Where a command that breaks something writes its process."""
        return self.folder / "note"

    def inventory(self) -> str:
        """Write an inventory of two clients on this machine; return its name."""
        frontend = {"name": "www", "url": self.web, "backend": "web", "addresses": ["127.0.0.1"]}
        everyone = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "lbcheck_lab": True,
            "cluster_frontends": [frontend],
            "cluster_backends": [{"name": "web"}],
        }
        servers = {name: {"ansible_host": f"127.0.0.{number}"} for number, name in ((2, "web1"), (3, "web2"))}
        groups = {"clients": {"hosts": {"client1": {}, "client2": {}}}, "backends": {"hosts": servers}}
        file = self.folder / "hosts.json"
        file.write_text(json.dumps({"all": {"vars": everyone, "children": groups}}))
        return str(file)

    def here(self) -> str:
        """Write an inventory without clients: this machine is one. Return its name."""
        listing = json.loads(Path(self.inventory()).read_text())
        del listing["all"]["children"]["clients"]
        file = self.folder / "here.json"
        file.write_text(json.dumps(listing))
        return str(file)


@dataclass(frozen=True)
class Kind:
    """A command, and the moment from which on a signal is sent."""

    name: str
    words: Callable[[World], Sequence[str]]
    moment: Callable[[World, int], bool]  # the world, and how many processes run
    on_hosts: bool = False


def _breaking(world: World) -> list[str]:
    return ["--lead", "3", "--for", "4", "--", "sh", "-c", f"echo $$ >{world.note}; exec sleep 300"]


LONG = ("--requests", "100000", "--rate", "100")
KINDS = (
    Kind("spread", lambda w: ["spread", w.web, *LONG], lambda w, _: w.heard["web"] >= 20),
    Kind("spread, silent counters", lambda w: ["spread", w.web, "--stats", f"tcp://{w.silent}", "--timeout", "60"],
         lambda w, _: w.heard["silent"] > 0),
    Kind("dns", lambda w: ["dns", "www.lab.test", "--server", w.name_server, "--queries", "100000"],
         lambda w, _: w.heard["dns"] >= 20),
    Kind("fill", lambda w: ["fill", w.silent, "--source", "127.1.0.1", "--limit", "2000", "--hold", "3600"],
         lambda _, running: running > 1),
    Kind("prove", lambda _: ["prove"], lambda _, running: running > 4),
    Kind("failover", lambda w: ["failover", "-i", w.here(), *_breaking(w)], lambda w, _: w.note.exists()),
    Kind("run, beginning", lambda w: ["run", "-i", w.inventory(), *LONG], lambda _, running: running > 1,
         on_hosts=True),
    Kind("run", lambda w: ["run", "-i", w.inventory(), *LONG], lambda w, _: w.heard["web"] >= 20, on_hosts=True),
    Kind("failover on hosts", lambda w: ["failover", "-i", w.inventory(), *_breaking(w)], lambda w, _: w.note.exists(),
         on_hosts=True),
)  # fmt: skip
# Hosts that begin slowly take a longer lead.
SLOW_LEAD = {"failover on hosts": ("--lead", "30")}


@dataclass(frozen=True)
class Ended:
    """How a trial ended; `stayed`: what was left behind, processes and files."""

    kind: Kind
    number: signal.Signals
    status: int | None
    output: str
    errors: str
    ended_s: float  # from the signal to the end of the command
    gone_s: float  # to the end of the last process that it had started
    stayed: tuple[str, ...]

    @property
    def faults(self) -> list[str]:
        """What should not be: leftovers, a traceback, a pass."""
        said = [*self.stayed, *(["a traceback"] if "Traceback" in self.errors else [])]
        if self.number is not signal.SIGKILL and self.status in (0, None):
            said.append(f"exit status {self.status}")
        return said


def trial(kind: Kind, number: signal.Signals, later_s: float = 0.0) -> Ended:
    """Start a command, send it a signal at its moment, and see what becomes of it and of all that it started."""
    with tempfile.TemporaryDirectory(prefix="trial-") as name, world(Path(name)) as around:
        mark, home, places = uuid.uuid4().hex, Path(name, "home"), Path(name, "tmp")
        home.mkdir()
        places.mkdir()
        environment = os.environ | {
            _MARK: mark,
            "HOME": str(home),
            "TMPDIR": str(places),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        words = [sys.executable, "-m", "lbcheck", *kind.words(around)]
        for option in SLOW_LEAD.get(kind.name, ()):
            words.insert(words.index("--"), option)
        with subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as run:
            try:
                _until(lambda: kind.moment(around, len(_processes(mark))) or run.poll() is not None, BEGIN_S)
                time.sleep(later_s)
            except KeyboardInterrupt:  # it is ended as its user would end it, and clears up after itself
                run.terminate()
                run.communicate()
                raise
            remote = {part for file in places.rglob("*.json") for part in _REMOTE.findall(_text(file))}
            run.send_signal(number)
            sent = time.monotonic()
            # Whoever holds its output open is still to be counted.
            threading.Thread(target=run.wait, daemon=True).start()
            _until(lambda: run.poll() is not None, END_S)
            ended_s = time.monotonic() - sent
            command = int(around.note.read_text()) if around.note.exists() else 0
            _until(lambda: not set(_processes(mark)) - {command}, END_S)
            gone_s = time.monotonic() - sent
            stayed = [*(f"process {text}" for pid, text in _processes(mark).items() if pid != command)]
            for pid in _processes(mark):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            output, errors = run.communicate()
        stayed += _files(remote, places, home / ".ansible" / "tmp")
        return Ended(kind, number, run.returncode, output, errors, ended_s, gone_s, tuple(stayed))


def _files(remote: set[str], *places: Path) -> list[str]:
    found = [str(path) for place in places if place.exists() for path in place.iterdir()]
    return found + [str(path) for name in remote for path in Path("/tmp").glob(f"{Path(name).name}*")]  # noqa: S108


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has gone meanwhile
        return ""


def _until(condition: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def _processes(mark: str) -> dict[int, str]:
    """Return the processes of a trial, each with its command line: they inherit its mark."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{_MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
    return found


# --- what is measured ---


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Serve HTTP, DNS and silence on loopback until the end of the block."""
    heard = {"web": 0, "dns": 0, "silent": 0}

    class Web(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard["web"] += 1
            self.send_response(200)
            self.send_header("X-Served-By", f"web{heard['web'] % 2 + 1}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Names(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard["dns"] += 1
            query, sock = self.request
            sock.sendto(_answer(query, heard["dns"]), self.client_address)

    class Silent(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard["silent"] += 1
            with suppress(OSError):
                self.request.recv(1 << 16)
                self.request.recv(1 << 16)

    servers = (_Web(("127.0.0.1", 0), Web), _Names(("127.0.0.1", 0), Names), _Quiet(("127.0.0.1", 0), Silent))
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    web, names, silent = (f"127.0.0.1:{server.server_address[1]}" for server in servers)
    try:
        yield World(folder, f"http://{web}/", names, silent, heard)
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


class _Quietly:
    """Whoever goes away in the middle is no error here."""

    daemon_threads, block_on_close, request_queue_size = True, False, 4096

    def handle_error(self, *_: object) -> None: ...


class _Web(_Quietly, http.server.ThreadingHTTPServer): ...


class _Names(_Quietly, socketserver.UDPServer): ...


class _Quiet(_Quietly, socketserver.ThreadingTCPServer): ...


def _answer(query: bytes, turn: int) -> bytes:
    """Return an answer with two addresses that take turns (RFC 1035)."""
    question = query[12 : query.index(b"\0", 12) + 5]
    kind, numbers = question[-4:-2], [1, 2] if turn % 2 else [2, 1]
    data = [(b"\0" * 15 if kind == b"\0\x1c" else b"\x7f\0\0") + bytes([number]) for number in numbers]
    records = b"".join(b"\xc0\x0c" + kind + b"\0\1\0\0\0\0" + len(d).to_bytes(2, "big") + d for d in data)
    return query[:2] + b"\x85\x80\0\1\0\2\0\0\0\0" + question + records


# --- many of them ---


def main() -> int:
    """Run as many trials as asked for; return 1 if one left something behind, or said what it should not."""
    trials = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdecimal() else TRIALS
    # A shell that starts this in the background has Ctrl-C ignored, nohup SIGHUP, and every command would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    dice = random.Random(SEED)  # noqa: S311 (no secret)
    ended: list[Ended] = []
    with suppress(KeyboardInterrupt):
        for kind, number in islice(cycle(product(KINDS, SIGNALS)), trials):
            one = trial(kind, number, dice.uniform(0.0, LATER_S))
            ended.append(one)
            for fault in one.faults:
                sys.stderr.write(f"{kind.name}, {number.name}: {fault}\n{one.output}{one.errors}\n")
    print_table(f"What {len(ended)} signals ended, and how soon (seconds from the signal)", list(_rows(ended)))
    return int(any(one.faults for one in ended))


def _rows(ended: Sequence[Ended]) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        for killed in (False, True):
            some = [one for one in ended if one.kind is kind and (one.number is signal.SIGKILL) is killed]
            if some:
                yield {
                    "command": kind.name,
                    "ended by": "SIGKILL" if killed else "INT, TERM, HUP",
                    "trials": len(some),
                    "command ended": statistics.median(one.ended_s for one in some),
                    "at most": max(one.ended_s for one in some),
                    "all gone": statistics.median(one.gone_s for one in some),
                    "all at most": max(one.gone_s for one in some),
                    "left behind": sum(bool(one.stayed) for one in some),
                    "other faults": sum(len(one.faults) > len(one.stayed) for one in some),
                }


if __name__ == "__main__":
    sys.exit(main())
