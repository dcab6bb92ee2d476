"""A real HAProxy in mode tcp is seen to choose for each connection, one in mode http never is: no counters are read."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from .counter_servers import Haproxy, haproxy
from .http_servers import Serve, serving
from .test_commands import lbcheck, report

WEIGHTS = ("--weights", "s1=1,s2=1,s3=1")


def naming(name: str) -> Serve:
    """Return a server that names itself in each answer, and keeps connections."""

    def serve(server: Any, connection: Any) -> None:
        while server.read(connection):
            connection.sendall(server.answer(name=name))

    return serve


@contextmanager
def balancing(
    directory: Path, mode: str, *, weights: Sequence[int] = (1, 1, 1), balance: str = "roundrobin", threads: int = 0
) -> Iterator[Haproxy]:
    """Run HAProxy in front of servers that name themselves s1, s2 and so on."""
    with ExitStack() as opened:
        lines = [f"balance {balance}"]
        for number, weight in enumerate(weights, start=1):
            port = opened.enter_context(serving(naming(f"s{number}"))).port
            lines.append(f"server s{number} 127.0.0.1:{port} weight {weight}")
        yield opened.enter_context(haproxy(directory, web=lines, mode=mode, threads=threads))


def spread(proxy: Haproxy, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Return the exit status, the evidence and the findings of a spread over kept connections."""
    ran = lbcheck("spread", f"http://{proxy.www}/", "--keep-alive", "--format", "json", *arguments)
    [verdict] = report(ran)["verdicts"]
    return ran.returncode, verdict["evidence"], "; ".join(finding["message"] for finding in verdict["findings"])


@pytest.mark.parametrize("told", [(), WEIGHTS, ("--servers", "3"), ("--algorithm", "roundrobin")])
def test_a_balancer_of_connections_passes_and_says_how_it_is_known(tmp_path: Path, told: Sequence[str]) -> None:
    """The first round's one connection meets one server; further connections meet the others."""
    with balancing(tmp_path, "tcp") as proxy:
        status, evidence, said = spread(proxy, *told)
    assert status == 0, said
    assert (evidence["unit"], evidence["unit_told_by"]) == ("connection", "inferred")
    assert "kept connections met one server, and 3 servers answered: a server is chosen for each connection" in said


def test_so_does_an_algorithm_that_owes_no_shares(tmp_path: Path) -> None:
    """One server on the first connection is no server starved."""
    with balancing(tmp_path, "tcp", balance="leastconn") as proxy:
        status, evidence, said = spread(proxy, "--algorithm", "leastconn")
    assert (status, evidence["unit"]) == (0, "connection"), said


def test_a_halved_weight_of_a_balancer_of_connections_fails(tmp_path: Path) -> None:
    """The user told the weights."""
    with balancing(tmp_path, "tcp", weights=(1, 2, 2)) as proxy:
        status, evidence, said = spread(proxy, *WEIGHTS)
    assert (status, evidence["unit"]) == (1, "connection"), said
    assert "server s1 answered" in said


def test_a_single_server_behind_it_fails(tmp_path: Path) -> None:
    """Two of three never answer, over no connection."""
    with balancing(tmp_path, "tcp", weights=(1,)) as proxy:
        told, untold = spread(proxy, *WEIGHTS), spread(proxy)
    assert (told[0], untold[0]) == (1, 3), (told, untold)
    assert (told[1]["unit"], untold[1]["unit"]) == ("request", "request")
    assert "only s1 answered: one server, a hash, a cookie, `first`, or dead others" in untold[2]


def test_a_hash_of_the_source_says_what_a_hash_says(tmp_path: Path) -> None:
    """One server for all connections: told it passes, untold nobody can tell."""
    with balancing(tmp_path, "tcp", balance="source") as proxy:
        told, untold = spread(proxy, "--algorithm", "source"), spread(proxy)
    assert (told[0], untold[0]) == (0, 3), (told, untold)
    assert "matches source: each key met one server" in told[2]


def test_the_users_word_on_the_unit_comes_first(tmp_path: Path) -> None:
    """Held to requests, the first connection is a server that answers everything."""
    with balancing(tmp_path, "tcp") as proxy:
        request = spread(proxy, *WEIGHTS, "--unit", "request")
        connection = spread(proxy, *WEIGHTS, "--unit", "connection")
    assert (request[0], connection[0]) == (1, 0), (request, connection)
    assert (request[1]["unit_told_by"], connection[1]["unit_told_by"]) == ("user", "user")


def test_counters_say_the_mode(tmp_path: Path) -> None:
    """Then nothing needs to be found out."""
    with balancing(tmp_path, "tcp") as proxy:
        status, evidence, said = spread(proxy, "--stats", proxy.unix)
    assert (status, evidence["unit"], evidence["unit_told_by"]) == (0, "connection", "balancer"), said


@pytest.mark.parametrize("arguments", [(), ("--requests", "120", "--rate", "0")])
@pytest.mark.parametrize(("servers", "threads"), [(4, 1), (3, 4)])
def test_a_balancer_of_requests_is_never_taken_for_one_of_connections(
    tmp_path: Path, servers: int, threads: int, arguments: Sequence[str]
) -> None:
    """Also where as many servers take turns as there are connections."""
    with balancing(tmp_path, "http", weights=[1] * servers, threads=threads) as proxy:
        status, evidence, said = spread(proxy, "--servers", str(servers), *arguments)
    assert (evidence["unit"], evidence["unit_told_by"]) == ("request", "inferred"), said
    assert status in {0, 3}, said  # 120 requests may be too few for four servers


def test_a_balancer_that_draws_for_each_request_is_one_of_requests(tmp_path: Path) -> None:
    """HAProxy's `random`."""
    with balancing(tmp_path, "http", balance="random") as proxy:
        _, evidence, said = spread(proxy, "--algorithm", "random", "--requests", "60")
    assert (evidence["unit"], evidence["unit_told_by"]) == ("request", "inferred"), said


def test_few_connections_of_one_round_tell_nothing(tmp_path: Path) -> None:
    """The user said how many requests: they are on four connections, and no law of requests is held against them."""
    with balancing(tmp_path, "tcp") as proxy:
        status, evidence, said = spread(proxy, *WEIGHTS, "--requests", "200", "--rate", "0")
    assert (status, evidence["unit"]) == (3, "connection"), said
    assert "too few connections to tell" in said


def test_kept_samples_give_the_same_report(tmp_path: Path) -> None:
    """Word for word, but for when it was and how long it took."""
    file = tmp_path / "samples.jsonl"
    with balancing(tmp_path, "tcp") as proxy:
        url = f"http://{proxy.www}/"
        first = lbcheck("spread", url, "--keep-alive", *WEIGHTS, "--samples", str(file), "--format", "json")
    again = lbcheck("report", str(file), "--format", "json")
    assert (first.returncode, again.returncode) == (0, 0)
    assert report(again)["verdicts"] == report(first)["verdicts"]
