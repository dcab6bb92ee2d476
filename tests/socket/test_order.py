"""The order of a real HAProxy's answers, one at a time, is told for what it is."""

import http.client
import random
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from bench.order import fwrr
from lbcheck.analysis.order.infer import infer
from lbcheck.analysis.order.inference import Inference, Kind

from .counter_servers import Reply, haproxy, http_answer, replying

SOURCES = [f"127.0.0.{number}" for number in range(1, 9)]


def answers(directory: Path, balance: str, weights: Sequence[int], sources: Sequence[str]) -> list[str]:
    """Ask a real HAProxy once from each source, one after the other; return the servers' names."""
    with ExitStack() as opened:
        servers = [opened.enter_context(replying(_named(f"s{number}"))) for number in range(len(weights))]
        lines = [
            f"server s{number} {place} weight {weight}"
            for number, (place, weight) in enumerate(zip(servers, weights, strict=True))
        ]
        proxy = opened.enter_context(haproxy(directory, web=[f"balance {balance}", *lines]))
        return [_ask(proxy.www, source) for source in sources]


def _named(name: str) -> Reply:
    answer = http_answer(b"", "200 OK", f"X-Served-By: {name}")
    return lambda _: answer


def _ask(place: str, source: str) -> str:
    connection = http.client.HTTPConnection(place, timeout=10, source_address=(source, 0))
    try:
        connection.request("GET", "/")
        return connection.getresponse().headers["X-Served-By"]
    finally:
        connection.close()


def told(directory: Path, balance: str, weights: Sequence[int] = (1, 1, 1)) -> Inference:
    """Return what 200 answers to one source tell."""
    return infer(answers(directory, balance, weights, SOURCES[:1] * 200))


def test_roundrobin_is_a_strict_cycle(tmp_path: Path) -> None:
    """Equal weights, nobody beside: the turn repeats without exception."""
    inference = told(tmp_path, "roundrobin")
    assert (inference.kind, inference.period) == (Kind.STRICT_CYCLE, 3)


def test_weighted_roundrobin_is_a_weighted_cycle(tmp_path: Path) -> None:
    """The period shows the weights, and the simulated wheel turns as the real one does."""
    order = answers(tmp_path, "roundrobin", (1, 1, 2), SOURCES[:1] * 200)
    assert infer(order).weights == {"s0": 1, "s1": 1, "s2": 2}
    assert order == [f"s{server}" for server in islice(fwrr((1, 1, 2)), 200)]


def test_random_is_no_cycle(tmp_path: Path) -> None:
    """It is like draws; once in 1,000 runs draws look as if a share had changed."""
    assert told(tmp_path, "random").kind in {Kind.DRAWS_LIKE, Kind.CHANGED}


def test_source_is_one_server_for_one_key(tmp_path: Path) -> None:
    """From one address only, a hash is not told from one server alone."""
    assert told(tmp_path, "source").kind is Kind.ONE_SERVER


def test_source_is_one_key_one_server_for_several(tmp_path: Path) -> None:
    """From several addresses in irregular order it is."""
    keys = random.Random(1).choices(SOURCES, k=80)  # noqa: S311 (an order, no secret)
    order = answers(tmp_path, "source", (1, 1, 1), keys)
    assert len(set(order)) > 1, "HAProxy's hash has other homes for these addresses now: take others"
    assert infer(order, keys).kind is Kind.ONE_KEY_ONE_SERVER
