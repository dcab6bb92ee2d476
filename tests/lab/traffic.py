"""Traffic: a few clients in one host that ask addresses without a pause of note, and count what was not answered.

Of each address as many clients keep their connections as open one for each request.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .cluster import ROOT, Cluster

CLIENTS = 2  # of each kind at each address; with their pause at most 60 requests a second each
_ASK = f"""
import http.client, json, sys, threading, time
stop = threading.Event()
def ask(seen, target, keeps):
    connection = None
    while not stop.is_set():
        fresh, began = connection is None, time.monotonic()
        try:
            connection = connection or http.client.HTTPConnection(target, 80, timeout=10)
            connection.request("GET", "/", headers={{}} if keeps else {{"connection": "close"}})
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 500:
                raise OSError(f"HTTP {{answer.status}}")
            seen["answered"] += 1
            seen["servers"][answer.getheader("x-served-by")] = seen["answered"]
            if fresh:
                seen["longest_s"] = max(seen["longest_s"], time.monotonic() - began)
            if answer.will_close:
                connection = None
        except (OSError, http.client.HTTPException) as error:
            kind = "new" if fresh else "kept"
            seen["lost"].append(f"{{time.monotonic() - start:.2f}} s, {{kind}} connection: {{error!r}}")
            connection = None
        time.sleep(1 / 60)
start = time.monotonic()
asked = [
    (dict(target=target, keeps=keeps, answered=0, lost=[], longest_s=0, servers={{}}), target, keeps)
    for target in sys.argv[2:] for keeps in (True, False) if keeps <= int(sys.argv[1]) for _ in range({CLIENTS})
]
threads = [threading.Thread(target=ask, args=one) for one in asked]
for one in threads:
    one.start()
print("asking", flush=True)
sys.stdin.read()
stop.set()
for one in threads:
    one.join()
print(json.dumps([seen for seen, *_ in asked]))
"""


@dataclass
class Seen:
    """What became of the traffic, known when it has ended."""

    clients: list[dict[str, Any]] = field(default_factory=list)

    def lost(self, target: str = "") -> list[str]:
        """Return when and how each request to one target, or to all, was lost."""
        return [f"{one['target']} at {lost}" for one in self._of(target) for lost in one["lost"]]

    def longest_s(self, target: str = "") -> float:
        """Return the longest that an answer on a new connection took."""
        return max(float(one["longest_s"]) for one in self._of(target))

    def servers(self) -> set[str]:
        """Return who answered."""
        return {name for one in self.clients for name in one["servers"]}

    def _of(self, target: str) -> list[dict[str, Any]]:
        return [one for one in self.clients if target in ("", one["target"])]


@contextmanager
def traffic(cluster: Cluster, *targets: str, keep: bool = True) -> Iterator[Seen]:
    """Ask these addresses or names from client1 while the block runs; `keep`: also over connections that are kept."""
    seen = Seen()
    words = cluster.words_on("client1", "python3", "-c", _ASK, str(int(keep)), *targets)
    with subprocess.Popen(
        words, env=cluster.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "asking\n"
        try:
            yield seen
        finally:
            output, _ = asking.communicate()
    seen.clients = json.loads(output)
    assert all(one["answered"] for one in seen.clients), seen.clients
