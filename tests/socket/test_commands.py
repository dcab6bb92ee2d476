"""The commands as users run them, against real listeners on loopback: what they say, and how they end."""

import http.server
import itertools
import json
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.certificates import make

from .http_servers import every_fourth_silent, once, serving
from .name_servers import answering, closed_port, name_server

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
A, B = "198.18.0.101", "198.18.0.102"


@contextmanager
def web(names: Sequence[str], header: str = "X-Served-By") -> Iterator[tuple[str, list[str]]]:
    """Serve HTTP that names its servers in turn; give the URL, and what was heard: a User-Agent a request."""
    turn, heard = itertools.cycle(names), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard.append(self.headers["User-Agent"])
            self.send_response(200)
            self.send_header(header, next(turn))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", heard
        finally:
            server.shutdown()
            thread.join()


def lbcheck(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run([sys.executable, "-m", "lbcheck", *arguments], capture_output=True, text=True, check=False)


def report(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the JSON report, which keeps to the schema."""
    document: dict[str, Any] = json.loads(ran.stdout)
    jsonschema.validate(document, SCHEMA)
    return document


def test_an_even_spread_passes_with_status_0() -> None:
    """Two servers in turn, a hundred connections each: pass, on the client's view alone, and it says so."""
    with web(["s1", "s2"]) as (url, heard):
        ran = lbcheck("spread", url, "--requests", "1200", "--format", "json")
    document = report(ran)
    assert ran.returncode == 0, ran.stderr
    assert len(heard) == 1200
    [verdict] = document["verdicts"]
    assert {name: seen["client"] for name, seen in verdict["evidence"]["servers"].items()} == {"s1": 600, "s2": 600}
    assert "the client is the only witness" in verdict["findings"][0]["message"]


def test_an_uneven_spread_fails_with_status_1() -> None:
    """One of two answers three times of four: fail, with the numbers; inconclusive if nobody told."""
    with web(["s1", "s1", "s1", "s2"]) as (url, _):
        told = lbcheck("spread", url, "--requests", "1200", "--keep-alive", "--servers", "s1,s2")
        untold = lbcheck("spread", url, "--requests", "1200", "--keep-alive")
    assert (told.returncode, untold.returncode) == (1, 3)
    assert "server s1 answered 900 of 1,200 requests (75.0%); its weight owes it 600 (50.0%)" in told.stdout


def test_weights_on_the_command_line_are_owed() -> None:
    """The same spread is right where s1 has three times the weight; a server that never answers is missed."""
    with web(["s1", "s1", "s1", "s2"]) as (url, _):
        assert lbcheck("spread", url, "--requests", "2000", "--weights", "s1=3,s2=1").returncode == 0
        missed = lbcheck("spread", url, "--requests", "2000", "--weights", "s1=3,s2=1,s3=1")
    assert missed.returncode == 1
    assert "server s3 answered 0 of 2,000" in missed.stdout


def test_too_few_requests_end_with_status_3_and_say_how_many_would_do() -> None:
    """Ten requests settle nothing."""
    with web(["s1", "s2"]) as (url, _):
        ran = lbcheck("spread", url, "--requests", "10", "--format", "json")
    assert ran.returncode == 3
    assert report(ran)["verdicts"][0]["evidence"]["needed_requests"] > 10


def test_a_port_that_is_seen_to_refuse_ends_with_status_1() -> None:
    """The user named it, and nobody listens there."""
    ran = lbcheck("spread", f"http://{closed_port()}/", "--requests", "10", "--format", "json")
    assert ran.returncode == 1
    [verdict] = report(ran)["verdicts"]
    assert "all 10 requests failed: refused" in verdict["findings"][0]["message"]


def test_answers_without_a_name_end_with_status_4_and_say_what_is_missing() -> None:
    """Who answered cannot be known without the header: it is named."""
    with web(["s1"], header="X-Else") as (url, _):
        ran = lbcheck("spread", url, "--requests", "10")
        named = lbcheck("spread", url, "--requests", "10", "--identify", "header:x-else", "--weights", "s1=1")
    assert ran.returncode == 4
    assert "all 10 requests got HTTP 200, and no answer carries x-served-by" in ran.stdout
    assert named.returncode == 0


def test_a_lone_server_ends_with_status_3_unless_somebody_told_that_there_is_no_other() -> None:
    """Only one name answers: whether others are dead is not known, until --weights says it."""
    with web(["s1"]) as (url, _):
        ran = lbcheck("spread", url, "--requests", "300")
        told = lbcheck("spread", url, "--requests", "300", "--weights", "s1=1")
    assert (ran.returncode, told.returncode) == (3, 0)
    assert "only s1 answered" in ran.stdout


def test_requests_carry_a_token_of_their_run() -> None:
    """Each run's requests can be counted in an access log: one token a run, another the next."""
    with web(["s1"]) as (url, heard):
        lbcheck("spread", url, "--requests", "5")
        lbcheck("spread", url, "--requests", "5")
    tokens = [agent.partition("run=")[2] for agent in heard]
    assert len(set(tokens)) == 2
    assert all(tokens)


def test_rotation_passes_and_a_fixed_order_fails() -> None:
    """A server that turns its answers rotates; one that never does is called by its address."""
    with name_server(answering(f"{A} {B}", f"{B} {A}")) as server:
        good = lbcheck("dns", "www.lab.test", "--server", str(server), "--type", "A", "--format", "json")
    with name_server(answering(f"{A} {B}")) as server:
        bad = lbcheck("dns", "www.lab.test", "--server", str(server), "--type", "A")
    [verdict] = report(good)["verdicts"]
    assert good.returncode == 0
    assert verdict["evidence"]["layer"] == "authoritative"
    assert verdict["evidence"]["first"] == {A: 50, B: 50}
    assert verdict["evidence"]["orders"] == {f"{A},{B}": 50, f"{B},{A}": 50}
    assert bad.returncode == 1
    assert f"no rotation: {A} came first in all 100 answers, {B} never" in bad.stdout


def test_a_dns_server_that_refuses_fails() -> None:
    """A closed port at a DNS server's address: nothing listens there."""
    ran = lbcheck("dns", "www.lab.test", "--server", str(closed_port()), "--type", "A", "--format", "json")
    assert ran.returncode == 1
    assert "refuses" in report(ran)["verdicts"][0]["findings"][0]["message"]


def test_kept_samples_give_the_same_report_again(tmp_path: Path) -> None:
    """`--samples` keeps what was seen; `report` judges it again, to the same verdicts."""
    kept = tmp_path / "run.jsonl"
    with web(["s1", "s2"]) as (url, _):
        first = report(lbcheck("spread", url, "--requests", "1200", "--format", "json", "--samples", str(kept)))
    again = report(lbcheck("report", str(kept), "--format", "json"))
    assert again["verdicts"] == first["verdicts"]


def test_a_report_goes_whole_into_a_file(tmp_path: Path) -> None:
    """`-o` writes the report and nothing else; nothing half written stays beside it."""
    target = tmp_path / "report.json"
    with web(["s1"]) as (url, _):
        ran = lbcheck("spread", url, "--weights", "s1=1", "--requests", "5", "--format", "json", "-o", str(target))
    assert ran.stdout == ""
    assert json.loads(target.read_text())["outcome"] == "pass"
    assert list(tmp_path.iterdir()) == [target]


def test_ctrl_c_keeps_what_was_sampled(tmp_path: Path) -> None:
    """Interrupted, the run ends at once, judges what it has, keeps it, and never passes, also when judged again."""
    kept = tmp_path / "run.jsonl"
    with web(["s1", "s2"]) as (url, heard):
        words = ["spread", url, "--requests", "100000", "--rate", "200", "--samples", str(kept)]
        command = [sys.executable, "-m", "lbcheck", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
            while len(heard) < 20 and run.poll() is None:
                pass
            run.send_signal(signal.SIGINT)
            output, errors = run.communicate(timeout=20)
    assert run.returncode == 4
    assert "interrupted: judged by what was seen until then" in output
    assert "Traceback" not in errors
    assert '"server":"s1"' in kept.read_text()
    again = lbcheck("report", str(kept))
    assert again.returncode == 4
    assert again.stdout.split("\n")[1:] == output.split("\n")[1:]  # but for the line with the time


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_reader_that_leaves_is_no_error(form: str) -> None:
    """`lbcheck … | head` ends quietly."""
    command = f"{sys.executable} -m lbcheck spread http://127.0.0.1:9/ --plan --format {form} | true"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.stderr == ""


def test_output_that_was_closed_is_no_fault() -> None:
    """`lbcheck … >&- 2>&-` measures all the same, and its exit status tells."""
    with web(["s1", "s2"]) as (url, _):
        words = f"{sys.executable} -m lbcheck spread {url} --requests 10"
        ran = subprocess.run(["sh", "-c", f"{words} >&- 2>&-"], check=False, timeout=60)
    assert ran.returncode == 3


def test_a_run_says_what_it_does_not_check(tmp_path: Path) -> None:
    """A pass says nothing of other checks, nor of a frontend that does not speak HTTP."""
    with web(["web1"]) as (url, _):
        inventory = tmp_path / "hosts.yml"
        frontends = [
            {"name": "www", "url": url, "backend": "web", "addresses": ["127.0.0.1"]},
            {"name": "stream", "url": "tcp://127.0.0.1:9", "backend": "web", "addresses": ["127.0.0.1"]},
        ]
        everyone = {"cluster_frontends": frontends, "cluster_backends": [{"name": "web"}], "lbcheck_lab": True}
        hosts = {"vars": everyone, "children": {"backends": {"hosts": {"web1": {"ansible_host": "127.0.0.2"}}}}}
        inventory.write_text(json.dumps({"all": hosts}))
        ran = lbcheck("run", "-i", str(inventory), "--check", "spread", "--requests", "20")
    assert ran.returncode == 0
    assert ran.stderr == "lbcheck: not checked: frontend stream (no HTTP), dns, capacity, failover\n"


def test_a_private_authority_is_trusted_where_the_user_says_so(tmp_path: Path) -> None:
    """Without --cacert a fail that says why, with it a pass; a file that is none ends with status 2."""
    root = make(common_name="Lab Root")
    server_file, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    server_file.write_bytes(make("127.0.0.1", issuer=root).with_key)
    ca.write_bytes(root.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    with serving(once, context=context) as server:
        command = "spread", f"https://127.0.0.1:{server.port}/", "--weights", "web1=1,web2=1,web3=1", "--requests"
        trusted = lbcheck(*command, "600", "--cacert", str(ca))
        refused = lbcheck(*command, "20")
        unread = lbcheck(*command, "20", "--cacert", str(tmp_path / "none.pem"))
    assert (trusted.returncode, refused.returncode, unread.returncode) == (0, 1, 2), trusted.stdout + refused.stdout
    why = "all 20 requests failed: the certificate was issued by 'Lab Root', which is not trusted here: --cacert FILE"
    assert why in refused.stdout
    assert unread.stderr == f"lbcheck: --cacert {tmp_path}/none.pem: No such file or directory\n"


def test_a_silent_server_is_given_up_within_what_the_user_says() -> None:
    """The report says so, and it is no pass."""
    with serving(every_fourth_silent) as server:
        url = f"http://127.0.0.1:{server.port}/"
        ran = lbcheck("spread", url, "--requests", "100000", "--timeout", "0.2", "--within", "0.5")
    assert ran.returncode == 1
    assert "given up after 0.5 s of failures and silence; " in ran.stdout
