"""Several lines of one server: what makes them one, what of them is added up, and what stays apart."""

from dataclasses import replace
from typing import Any

import pytest

from lbcheck.checks.spread.server_lines import as_one, spelled_out
from lbcheck.model.cluster import Backend, Balancer, Frontend, Server
from lbcheck.model.counters import Counters, ServerCounters, ServerState
from lbcheck.model.verdict import Outcome

from .scenes import about, answers, backend, counted, readings
from .test_spread_names import the


def reading(*servers: ServerCounters) -> Counters:
    """Return one reading of a backend with these server lines."""
    before, _ = readings("lb1", {})
    return replace(before, backends=backend(*servers))


def line(name: str, address: str | None = "10.0.0.1:80", answered: int = 5, **more: Any) -> ServerCounters:
    """Return a server line that connects to an address and port."""
    return counted(name, answered, address=address, **more)


def merged(*lines: ServerCounters, pairs: dict[str, str] | None = None, answered: tuple[str, ...] = ()) -> list[Any]:
    """Return name, requests, number of lines and weight of each server that the lines make."""
    (found,) = as_one(reading(*lines), pairs or {}, answered).backends
    return [(server.name, server.requests, server.lines, server.weight) for server in found.servers]


def test_lines_that_connect_to_one_address_and_port_are_one_server() -> None:
    """Their counts are added up; another port is another server."""
    lines = line("a1"), line("b1", "10.0.0.2:80"), line("a2"), line("b2", "10.0.0.2:80")
    assert merged(*lines) == [("a1", 10, 2, 1), ("b1", 10, 2, 1)]
    assert len(merged(line("a1"), line("a2", "10.0.0.1:81"))) == 2


@pytest.mark.parametrize("address", [None, "", "0.0.0.0:80", "[::]:80", "unix:/s", "web1:80"])
def test_lines_whose_address_is_not_known_stay_apart(address: str | None) -> None:
    """Servers that no name service has told yet have the same one: none."""
    found = reading(line("a", address), line("b", address))
    assert as_one(found, {}, ()) is found


def test_lines_that_answers_name_stay_apart() -> None:
    """Whoever sends the line's name in a header tells them apart himself."""
    assert len(merged(line("a1"), line("a2"), answered=("a1", "a2"))) == 2
    assert len(merged(line("a1"), line("a2"), answered=("a1",))) == 1


def test_the_weights_of_uneven_lines_are_added_up() -> None:
    """A server with three lines beside one with one has three times its weight; with as many each, one tells."""
    lines = [line(f"a{n}") for n in range(3)]
    assert merged(*lines, line("b1", "10.0.0.2:80")) == [("a0", 15, 3, 3), ("b1", 5, 1, 1)]
    uneven = line("a1", weight=2), line("a2", weight=1), line("b1", "10.0.0.2:80"), line("b2", "10.0.0.2:80")
    assert [weight for *_, weight in merged(*uneven)] == [3, 2]


def test_lines_are_one_server_where_the_user_told_so() -> None:
    """By the names of all, of one of them, or the other way round; on whatever port they are."""
    lines = line("a1"), line("a2"), line("a3", "10.0.0.1:81")
    assert merged(*lines, pairs={"a2": "web1"}) == [("a2", 10, 2, 1 * 2), ("a3", 5, 1, 1)]
    assert merged(*lines, pairs={"web1": "a2"})[0][:2] == ("a2", 10)
    assert merged(*lines, pairs={"a1": "web1", "a3": "web1"}) == [("a1", 15, 3, 1)]


def test_a_server_does_not_serve_while_a_line_of_it_does_not() -> None:
    """One state is shown of all, and it is the one that somebody should know of."""
    (found,) = as_one(reading(line("a1"), line("a2", state=ServerState.DOWN, status="DOWN")), {}, ()).backends
    assert [server.state for server in found.servers] == [ServerState.DOWN]


def test_a_pattern_is_spelled_out_by_the_names_that_the_balancer_has() -> None:
    """What fits the patterns of two servers is neither's, and a name that is told goes first."""
    found = [reading(line("server-a-1"), line("server-a-2"), line("server-ab-1"), line("other"))]
    told = {"server-a-*": "a", "server-ab-*": "ab", "other": "o"}
    expected = {"server-a-1": "a", "server-a-2": "a", "server-ab-1": "ab", "other": "o"}
    assert spelled_out(told, found) == expected
    assert spelled_out({"server-a*": "a", "server-ab-*": "ab"}, found) == {"server-a-1": "a", "server-a-2": "a"}
    assert spelled_out({"server-*": "a", "server-a-2": "b"}, found)["server-a-2"] == "b"


def test_a_fleet_with_a_line_for_each_source_is_held_to_its_servers() -> None:
    """Eight lines each, told by the address that the inventory has for each host: three witnesses, no fault."""
    servers = {"web1": "10.0.0.1", "web2": "10.0.0.2"}
    counts = {f"{name}_srcip_{n}": 25 for name in servers for n in range(1, 9)}

    def with_addresses(one: Counters) -> Counters:
        (web,) = one.backends
        lines = (replace(s, address=f"{servers[s.name[:4]]}:80", weight=1) for s in web.servers)
        return replace(one, backends=(replace(web, servers=tuple(lines)),))

    question = about(
        balancers=(Balancer("lb1", stats=("unix:/run/haproxy/stats.sock",)),),
        backends=(Backend("web", "roundrobin", tuple(Server(n, 1, (a,)) for n, a in servers.items())),),
        frontends=(Frontend("www", "http://www.lab.test/", "web", ("198.18.0.101",)),),
        vips=(),
    )
    samples = [answers("", dict.fromkeys(servers, 200), address="198.18.0.101")]
    samples += map(with_addresses, readings("lb1", counts))
    verdict = the(samples, question)
    assert verdict.outcome is Outcome.PASS, verdict.findings
    assert {name: seen["balancer"] for name, seen in verdict.evidence["servers"].items()} == {"web1": 200, "web2": 200}
