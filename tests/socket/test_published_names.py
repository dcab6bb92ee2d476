"""A fleet's frontend is asked at every address that its name has: here by a file of hosts of the test's own."""

import http.server
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# An ordinary user needs a user namespace for a mount of his own; root may be without them.
UNSHARE = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--user", "--map-root-user"])


@contextmanager
def serving(family: socket.AddressFamily, address: str) -> Iterator[tuple[int, set[str]]]:
    """Serve HTTP that names two servers in turn; give the port, and the addresses at which it was asked."""
    turn, asked = itertools.cycle(("web1", "web2")), set()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.add(self.connection.getsockname()[0])
            self.send_response(200)
            self.send_header("X-Served-By", next(turn))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Server(http.server.ThreadingHTTPServer):
        address_family = family

    with Server((address, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def run(folder: Path, port: int, *names: str) -> dict[str, Any]:
    """Check the spread of http://www.fleet.test/ where it has these addresses; return the verdict."""
    (folder / "names").write_text("".join(f"{address} www.fleet.test\n" for address in names))
    (folder / "order").write_text("hosts: files\n")
    shared = {
        "cluster_frontends": [{"name": "www", "url": f"http://www.fleet.test:{port}/", "backend": "web"}],
        "cluster_backends": [{"name": "web"}],
    }
    groups = {
        "load_balancers": {"hosts": {"lb1": {"ansible_host": "127.0.0.9"}}},  # where nothing of the service is
        "backends": {"hosts": {"web1": {}, "web2": {}}},
    }
    inventory = folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"vars": shared, "children": groups}}))
    check = f"{sys.executable} -m lbcheck run -i {inventory} --check spread --requests 30 --rate 0 --format json"
    mounts = f"mount --bind {folder}/names /etc/hosts && mount --bind {folder}/order /etc/nsswitch.conf"
    ran = subprocess.run(
        [*UNSHARE, "sh", "-c", f"{mounts} && exec {check}"], capture_output=True, text=True, check=False
    )
    if not ran.stdout and ("unshare" in ran.stderr or "mount:" in ran.stderr):
        pytest.skip(f"no namespaces here: {ran.stderr.strip()}")
    assert ran.stdout, ran.stderr
    verdict: dict[str, Any] = json.loads(ran.stdout)["verdicts"][0]
    return verdict


pytestmark = pytest.mark.skipif(not shutil.which("unshare"), reason="unshare is missing: install util-linux")


def messages(verdict: dict[str, Any]) -> str:
    """Return what a verdict finds, as one text."""
    return "; ".join(finding["message"] for finding in verdict["findings"])


def test_each_address_of_a_name_is_asked(tmp_path: Path) -> None:
    """Three records are three addresses, and none of them is how Ansible reaches the balancer."""
    with serving(socket.AF_INET, "0.0.0.0") as (port, asked):  # noqa: S104 (any of 127.0.0.0/8)
        verdict = run(tmp_path, port, "127.0.0.2", "127.0.0.3", "127.0.0.4")
    assert asked == {"127.0.0.2", "127.0.0.3", "127.0.0.4"}
    assert "was asked at each of its addresses: 127.0.0.2, 127.0.0.3, 127.0.0.4" in messages(verdict)


def test_an_address_that_refuses_is_named(tmp_path: Path) -> None:
    """A record that was left behind fails the spread, with its address."""
    with serving(socket.AF_INET, "127.0.0.2") as (port, _):
        verdict = run(tmp_path, port, "127.0.0.2", "127.0.0.3")
    assert verdict["outcome"] == "fail"
    assert "15 of 30 requests failed: refused at 127.0.0.3" in messages(verdict)


def test_a_name_with_an_ipv6_address_alone_is_asked_there(tmp_path: Path) -> None:
    """The balancer's `ansible_host` is an IPv4 address, and does not matter."""
    with serving(socket.AF_INET6, "::1") as (port, asked):
        verdict = run(tmp_path, port, "::1")
    assert asked == {"::1"}
    assert verdict["outcome"] != "fail"
