"""Errors, refusals and silence before and behind a real HAProxy: each is said in words, with who gave it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.sources import haproxy_socket

from .counter_servers import Haproxy, eventually, haproxy, http_answer, replying, servers
from .test_commands import lbcheck, report
from .test_probe_through_haproxy import closed_port

EVEN = {"a": "200 OK", "b": "200 OK", "c": "200 OK"}


@contextmanager
def fleet(directory: Path, *lines: str, statuses: Mapping[str, str] = EVEN, bind: str = "") -> Iterator[Haproxy]:
    """Run HAProxy before servers that answer with these statuses under their names; `lines` come before them."""
    with ExitStack() as opened:
        web = list(lines)
        for name, status in statuses.items():
            answer = http_answer(b"ok", status, f"X-Served-By: {name}")
            web.append(f"server {name} {opened.enter_context(replying(lambda _, answer=answer: answer))}")
        yield opened.enter_context(haproxy(directory, web=web, level="admin", bind=bind))


def spread(running: Haproxy, *arguments: str, counters: bool = True) -> tuple[int, dict[str, list[str]]]:
    """Ask the fleet; return the exit status, and the sentences by their outcome."""
    told = ("--stats", running.unix) if counters else ()
    ran = lbcheck("spread", f"http://{running.www}/", *told, "--format", "json", *arguments)
    [verdict] = report(ran)["verdicts"]
    said: dict[str, list[str]] = {}
    for finding in verdict["findings"]:
        said.setdefault(finding["outcome"], []).append(
            finding["message"].partition(" from here: ")[2] or finding["message"]
        )
    return ran.returncode, said


def test_all_servers_down_is_a_fault_of_the_backend(tmp_path: Path) -> None:
    """HAProxy answers in their place, and its counters say why."""
    with closed_port() as nobody, closed_port() as neither:
        lines = [f"server {name} {at} check inter 50ms fall 1" for name, at in (("alpha", nobody), ("beta", neither))]
        with haproxy(tmp_path, web=lines, level="admin") as running:
            eventually(lambda: states(running), lambda found: found == {"DOWN"})
            status, said = spread(running, "--requests", "100")
    assert status == 1
    sentence = "HAProxy itself answered 503 to all: no server of backend web is up (alpha DOWN, beta DOWN)"
    assert sentence in said["fail"]


def states(running: Haproxy) -> set[str | None]:
    """Return the states that HAProxy shows of its servers."""
    counted = haproxy_socket.read(ReadCounters(balancer="lb", uri=running.unix, when="after"))
    return {server.status for server in servers(counted, "web")}


def test_a_black_hole_under_leastconn_is_named(tmp_path: Path) -> None:
    """A server that answers 503 at once draws what it can, and no law of leastconn forbids it."""
    hole = EVEN | {"c": "503 Service Unavailable"}
    with fleet(tmp_path, "balance leastconn", statuses=hole) as running:
        status, said = spread(running, "--requests", "120")
    assert status == 1
    (sentence,) = said["fail"]
    assert sentence.startswith("server c answered 503 to ")
    assert sentence.endswith(" of 120 requests, to each that it got")


def test_4xx_pass_from_all_and_fail_from_one(tmp_path: Path) -> None:
    """A page that nobody has is said; one that a single server lacks is its fault."""
    for name, statuses, expected in (
        ("all", dict.fromkeys(EVEN, "404 Not Found"), 0),
        ("one", EVEN | {"b": "404 Not Found"}, 1),
    ):
        (tmp_path / name).mkdir()
        with fleet(tmp_path / name, "balance roundrobin", statuses=statuses) as running:
            status, said = spread(running, "--requests", "120")
        assert status == expected
        if expected:
            assert said["fail"] == ["server b answered 404 to 40 of 120 requests, to each that it got"]
        else:
            assert "every server answered 404 to all 120 requests: a 40, b 40, c 40" in said["pass"]


def test_expected_statuses_are_right(tmp_path: Path) -> None:
    """--expect 5xx allows them; --expect 200 forbids 404."""
    with fleet(tmp_path, "balance roundrobin", statuses=dict.fromkeys(EVEN, "503 Service Unavailable")) as running:
        assert spread(running, "--requests", "120", "--expect", "2xx,503")[0] == 0
        assert spread(running, "--requests", "120", "--expect", "2xx,500")[0] == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (
            "http-request redirect scheme https code 301",
            "all 50 requests got HTTP 301 to https://{www}/, by HAProxy itself",
        ),
        (
            "http-request deny deny_status 429",
            "all 50 requests got HTTP 429, by HAProxy itself: a rule denies such requests",
        ),
    ],
)
def test_what_haproxy_answers_itself_is_said_by_its_status(tmp_path: Path, rule: str, words: str) -> None:
    """Nobody behind it was met: that is unmeasured, and never called unidentified."""
    with fleet(tmp_path, rule) as running:
        status, said = spread(running, "--requests", "50")
    assert status == 4
    (sentence,) = said["unmeasured"]
    assert sentence.startswith(words.format(www=running.www))


def test_a_part_that_a_rule_denies_with_503_is_a_fault(tmp_path: Path) -> None:
    """A tenth of the requests: more than one in a hundred, by HAProxy itself."""
    with fleet(tmp_path, "http-request deny deny_status 503 if { rand(10) eq 0 }") as running:
        status, said = spread(running, "--requests", "600", "--keep-alive")
    assert status == 1
    assert any("HAProxy itself answered 503 to" in sentence for sentence in said["fail"])


@pytest.mark.parametrize("bind", ["proto h2", "accept-proxy"])
def test_who_wants_another_protocol_is_asked_for_it(tmp_path: Path, bind: str) -> None:
    """HTTP/2 alone, or the PROXY protocol first: HAProxy hangs up on a request in HTTP/1.1."""
    with fleet(tmp_path, bind=bind) as running:
        status, said = spread(running, "--requests", "20")
    assert status == 1
    assert "does whoever listens there want HTTP/2, TLS or the PROXY protocol?" in said["fail"][0]


@pytest.mark.parametrize(
    ("algorithm", "counters", "most"), [("roundrobin", True, 24), ("random", True, 200), ("roundrobin", False, 300)]
)
def test_a_server_that_is_not_there_is_found_soon(tmp_path: Path, algorithm: str, counters: bool, most: int) -> None:
    """HAProxy has no health check and asks no other server: to a quarter of the requests it answers 503 itself."""
    told = ("--algorithm", algorithm, "--product", "HAProxy", "--weights", "a=1,b=1,c=1,dead=1")
    with (
        closed_port() as nobody,
        fleet(tmp_path, f"balance {algorithm}", "retries 0", f"server dead {nobody}") as running,
    ):
        stats = ("--stats", running.unix) if counters else told
        ran = lbcheck("spread", f"http://{running.www}/", *stats, "--format", "json")
    [verdict] = report(ran)["verdicts"]
    assert (ran.returncode, verdict["evidence"]["requests"] <= most) == (1, True), verdict
    assert any("server dead" in found["message"] for found in verdict["findings"] if found["outcome"] == "fail")


def test_a_dead_server_is_waited_for_no_longer_than_asked(tmp_path: Path) -> None:
    """Without checks and redispatch each of its requests takes seconds: it is given up, and the server is named."""
    with (
        closed_port() as nobody,
        fleet(tmp_path, "balance roundrobin", "retries 1", f"server dead {nobody}") as running,
    ):
        status, said = spread(running, "--within", "2")
    assert status == 1
    assert any("it could not connect to server dead" in sentence for sentence in said["fail"])
    spent = [*said.get("inconclusive", ()), *said["pass"]]
    assert any("failures and silence" in sentence for sentence in spent)


def test_an_address_that_falls_silent_beside_one_that_answers_is_a_fault(tmp_path: Path) -> None:
    """Whoever is sent to the second address of the name waits in vain."""
    with fleet(tmp_path, "balance roundrobin") as running, socket.socket() as full:
        port = int(running.www.rpartition(":")[2])
        full.bind(("127.0.0.2", port))
        full.listen(0)
        with ExitStack() as queued:
            for _ in range(4):  # the queue of whoever never accepts is full: the next is met by silence
                waiting = queued.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            where = [f"--resolve=www.test:{port}:{address}" for address in ("127.0.0.1", "127.0.0.2")]
            ran = lbcheck(
                "spread", f"http://www.test:{port}/", *where, "--requests", "12", "--timeout", "0.5", "--format", "json"
            )
    assert ran.returncode == 1
    [verdict] = report(ran)["verdicts"]
    faults = [finding["message"] for finding in verdict["findings"] if finding["outcome"] == "fail"]
    assert f"http://www.test:{port}/ at 127.0.0.2 from here: all 6 requests failed: timeout" in faults


def test_keys_are_sent_to_a_hash(tmp_path: Path) -> None:
    """Eight keys: each meets one server; `roundrobin` gives each of them several."""
    keyed = ("--hash-key", "header:X-Session", "--algorithm", "hdr")
    with fleet(tmp_path, "balance hdr(X-Session)") as running:
        status, said = spread(running, *keyed, counters=False)
    assert status == 0
    assert any(sentence.startswith("each of 8 keys met one server (") for sentence in said["pass"])
    (tmp_path / "turns").mkdir()
    with fleet(tmp_path / "turns", "balance roundrobin") as running:
        status, said = spread(running, *keyed, counters=False)
    assert status == 1
    assert any("a hash sends one key to one server" in sentence for sentence in said["fail"])


@pytest.mark.parametrize("key", ["X-Session", "cookie:a", "header:Host", "header:user-agent"])
def test_a_hash_key_that_cannot_be_sent_is_refused(key: str) -> None:
    """By a sentence and exit status 2, before anything is sent."""
    ran = lbcheck("spread", "http://127.0.0.1:9/", "--hash-key", key)
    assert ran.returncode == 2
    assert "--hash-key" in ran.stderr
