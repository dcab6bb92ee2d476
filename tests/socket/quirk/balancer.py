"""Quirk itself: it gives requests to mules in turns, counts them, and shows its page. Its mules answer and log."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path

STRENGTH = {"alpha": 1, "beta": 1, "gamma": 2}


@dataclass
class Quirk:
    """A running Quirk: where it answers, where its page is, and where its mules write their logs."""

    folder: Path
    said: dict[str, str]  # mule → its state, in Quirk's words, where it is not ready
    new_team_after: int | None = None  # bales; the new one has hauled none
    url: str = ""
    team: int = 4711
    hauled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STRENGTH, 0))

    def __post_init__(self) -> None:
        ready = [mule for mule in STRENGTH if mule not in self.said]
        # Each mule once, the strong ones once more at the end of the round.
        self._turns = cycle(ready + [mule for mule in ready if STRENGTH[mule] == 2])
        self._lock = threading.Lock()
        for mule in STRENGTH:
            self.log(mule).touch()

    @property
    def stats(self) -> str:
        """The URI of its page."""
        return f"quirk+{self.url}wheel"

    def log(self, mule: str) -> Path:
        """Return where a mule writes its log."""
        return self.folder / f"{mule}.log"

    def haul(self, agent: str) -> str:
        """Give one request to the mule whose turn it is, which logs it; return its name."""
        with self._lock:
            mule = next(self._turns)
            if sum(self.hauled.values()) == self.new_team_after:
                self.team, self.hauled = self.team + 1, dict.fromkeys(STRENGTH, 0)
            self.hauled[mule] += 1
            with self.log(mule).open("a") as log:
                log.write(f"hauled a bale for {agent}\n")
            return mule

    def page(self) -> str:
        """Return its page."""
        with self._lock:
            mules = [self._line(name, count) for name, count in self.hauled.items()]
        return "\n".join([f"QUIRK 3.1, team {self.team}, on the road for 61 s", "barn hay: mules take turns", *mules])

    def _line(self, mule: str, count: int) -> str:
        state = self.said.get(mule, "ready")
        return f"mule {mule}: hauled {count} bales in {count} carts, strength {STRENGTH[mule]}, {state}"


@contextmanager
def running(folder: Path, *, new_team_after: int | None = None, **said: str) -> Iterator[Quirk]:
    """Run a Quirk on a free port of loopback; `said` is what it says of mules that are not ready."""
    quirk = Quirk(folder, said, new_team_after)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wheel = self.path == "/wheel"
            body = quirk.page().encode() if wheel else b"hay"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if not wheel:
                self.send_header("X-Served-By", quirk.haul(self.headers["User-Agent"]))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        quirk.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield quirk
        finally:
            server.shutdown()
