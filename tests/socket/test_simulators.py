"""The simulators of bench/verdicts against the real HAProxy: the order of its choices, and its ring's shares."""

from collections import Counter
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from bench.verdicts.laws import Law
from bench.verdicts.laws.haproxy_least import leastconn
from bench.verdicts.laws.haproxy_map import static_rr
from bench.verdicts.laws.haproxy_ring import ring
from bench.verdicts.laws.haproxy_wheel import roundrobin
from bench.verdicts.laws.smooth import smooth

from .test_wheels import HEAVY, ORDERS, chosen, haproxy, nginx

DRAWS = 6_000
OFF = 0.03  # share: five standard deviations of so many draws


def simulated(law: Law, weights: tuple[int, ...], choices: int) -> list[int]:
    """Return so many choices of idle servers."""
    return list(islice(law(weights, Random(1), [0] * len(weights)), choices))  # noqa: S311 (a simulation, no secret)


@pytest.mark.parametrize(("balance", "law"), [("roundrobin", roundrobin), ("static-rr", static_rr)])
def test_haproxy_chooses_as_it_is_simulated(tmp_path: Path, balance: str, law: Law) -> None:
    """One request at a time from the start on, beyond a turn of each wheel: no choice is another."""
    with haproxy(tmp_path, balance, threads=1) as address:
        for weights, requests in ORDERS.items():
            assert chosen(address, weights, requests) == simulated(law, weights, requests), weights


def test_haproxys_leastconn_takes_idle_servers_in_turn(tmp_path: Path) -> None:
    """Whatever they weigh: the order repeats, and each server is in a turn once."""
    with haproxy(tmp_path, "leastconn", threads=1) as address:
        for weights in ((1, 1, 2), HEAVY):
            order = chosen(address, weights, 3 * len(weights))
            turn = order[: len(weights)]
            assert order == turn * 3
            assert sorted(turn) == sorted(simulated(leastconn, weights, len(weights)))


def test_haproxys_random_draws_on_the_simulated_ring(tmp_path: Path) -> None:
    """Each server's share of many draws is its part of the ring, not its weight: .43 .57 of two equal ones."""
    with haproxy(tmp_path, "random", threads=1) as address:
        for weights in ((1, 1), (1, 1, 1), (1, 1, 2), (16, 10, 16, 10, 16)):
            seen = Counter(chosen(address, weights, DRAWS))
            for server, share in enumerate(ring_shares(weights)):
                assert abs(seen[server] / DRAWS - share) < OFF, weights


def ring_shares(weights: tuple[int, ...]) -> list[float]:
    """Return each server's part of the ring: half of the way to the next point, on both sides of its points."""
    places, owners = ring(weights)
    shares = [0.0] * len(weights)
    for point, owner in enumerate(owners):
        before, after = places[point - 1], places[(point + 1) % len(places)]
        shares[owner] += ((places[point] - before) % 2**32 + (after - places[point]) % 2**32) / 2 / 2**32
    return shares


def test_nginx_chooses_as_it_is_simulated(tmp_path: Path) -> None:
    """One request at a time from the start on, and beyond a turn: no choice is another."""
    with nginx(tmp_path) as address:
        for weights in ORDERS:
            requests = 2 * sum(weights) + 10
            assert chosen(address, weights, requests) == simulated(smooth, weights, requests), weights
