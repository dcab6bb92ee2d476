"""Clusters of other shapes (shapes/): each is stood up, converged, checked, measured, and taken away again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import make

from .cluster import Cluster, until
from .test_converge import changes
from .test_roles import checked as roles_checked

pytestmark = pytest.mark.lab

SHAPES = Path(__file__).parent / "shapes"
SOON = ("tls", "ipv6")  # those that CI stands up
ALL = (*SOON, *sorted({path.name for path in SHAPES.iterdir()} - {*SOON}))
OWN_RANGES = {"names": ("--allow-target", "10.77.0.0/24", "--allow-target", "fd00:77::/64")}
FILLED = ("names", "ipv4", "ipv6", "pools")  # whose clients have fewer ports than the balancers accept
# A server of somebody's own: it names itself, has a page for checks, and writes no log.
SERVER = """
import http.server, socket
class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200 if self.path in ("/", "/healthy") else 404)
        self.send_header("x-served-by", socket.gethostname())
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *words):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
Server(("0.0.0.0", 5000), Answer).serve_forever()
"""


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name in SOON else pytest.mark.slow) for name in ALL]
)
def shape(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A standing cluster of each shape, one after the other."""
    name: str = request.param
    inventories = (str(SHAPES / name / "hosts.yml"), *_layers(name, tmp_path_factory.mktemp(name)))
    cluster = Cluster(f"shape-{name}", inventories)
    try:
        cluster.done("python", "-m", "lab", "up", *(word for one in inventories for word in ("-i", one)))
        for host in cluster.hosts if name == "servers" else ():
            if host.startswith("app"):
                cluster.on(host, "systemd-run", "--unit=app", "python3", "-c", SERVER)
        cluster.converge()
        cluster.settled()
        yield cluster
    finally:
        cluster.done("python", "-m", "lab", "down")


def _layers(name: str, folder: Path) -> Iterator[str]:
    """Give the inventories beside a shape's own: certificates, where it has TLS."""
    if name == "tls":
        made = make("www.lab.test")
        (folder / "ca.pem").write_bytes(made.pem)
        certificates = [{"name": "www", "content": made.with_key.decode()}]
        told = {"haproxy_certificates": certificates, "lbcheck_cacert": str(folder / "ca.pem")}
        (folder / "certificates.json").write_text(json.dumps({"all": {"vars": told}}))
        yield str(folder / "certificates.json")


def test_what_is_predicted_is_measured(shape: Cluster) -> None:
    """`lbcheck capacity --measure`: to the connection; where balancers would only queue what is opened, it says so.

    Before the roles' tests, whose requests keep ports of the clients in TIME_WAIT for a minute.
    """
    name = shape.instance.removeprefix("shape-")
    measured = shape.measure(*OWN_RANGES.get(name, ()))
    assert (measured.status, measured.faults()) == (0, "")
    steps = [step for verdict in measured.report["verdicts"] for step in verdict["evidence"]["steps"]]
    assert any(step["measured"] for step in steps) == (name in FILLED)


def test_every_check_passes(shape: Cluster) -> None:
    """`lbcheck run`, and the roles' own tests."""
    checked = shape.check()
    assert (checked.status, checked.faults()) == (0, "")
    ran = roles_checked(shape)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_second_converge_changes_nothing(shape: Cluster) -> None:
    """Whatever the shape, the first one has done it all."""
    assert set(changes(shape.converge()).values()) == {(0, 0)}


def test_what_a_shape_is_for_is_there(shape: Cluster) -> None:
    """No listener of a family that no network has; a redirection beside TLS; keepalived at rest without VIPs."""
    name = shape.instance.removeprefix("shape-")
    if name == "ipv4":
        for host in ("lb1", "web1"):
            listening = shape.on(host, "ss", "-Hltn6")
            assert not [line for line in listening.splitlines() if ":22" not in line], listening
    if name == "tls":
        asked = ("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}")
        asked += ("--resolve", "www.lab.test:80:198.18.0.21")  # no resolver here
        answer = shape.on("client1", *asked, "http://www.lab.test/x")
        assert answer == "301 https://www.lab.test/x"
    if name in ("smallest", "tls"):
        until(lambda: "inactive" in shape.state("lb1", "keepalived"), "keepalived at rest", 20)
