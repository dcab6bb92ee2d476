"""The simulators of bench/verdicts beside the programs that they name: the order of choices, or shares of draws.

An order is held choice by choice from the start on; Envoy begins anywhere, and in floats, so that the order of servers
which are due at once is left to chance. Draws are held to their shares, within five standard deviations, and to be as
uneven in short blocks as draws are.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby, islice
from math import sqrt
from random import Random
from statistics import fmean

from bench.foreign.fleet import balanced, order, servers_of
from bench.foreign.product import Algorithm, Product
from bench.foreign.rows import Row
from bench.verdicts.laws import (
    Law,
    blocks,
    deadlines,
    draws,
    haproxy_least,
    haproxy_map,
    haproxy_ring,
    haproxy_wheel,
    smooth,
)

HEAVY = (222, 8, 3, 4, 4, 3, 5, 2, 5, 3, 7, 5, 3, 8, 7, 2, 6, 6, 4)
WEIGHTS = ((1, 1), (1, 1, 1), (1, 1, 2), (3, 3, 3, 1), (8, 8, 7), (3, 7, 11, 13), HEAVY)
TURNS, MORE = 3, 10  # an order is held over so many turns, and a few choices of the next
DRAWS, BLOCK = 3_000, 100
OFF = 5.0  # standard deviations: a healthy run in 1,700,000 is farther off
UNEVEN = (0.2, 2.6)  # variance in blocks ÷ the binomial's: a cycle has 0, and draws are outside once in 250,000 runs

Check = Callable[[Sequence[int], Law, Sequence[int]], str]  # choices, simulator, weights → what differs; empty: nothing


def from_start(chosen: Sequence[int], law: Law, weights: Sequence[int]) -> str:
    """Hold each choice to the simulator's, from the start on."""
    return _compared(chosen, _simulated(law, weights, len(chosen)))


def by_deadline(chosen: Sequence[int], law: Law, weights: Sequence[int]) -> str:
    """Hold these choices and the simulator's to the same deadlines; those that are due at once are in any order.

    Equal servers take strict turns, of which the first one may be any.
    """
    if len(set(weights)) == 1:
        return _compared(chosen, [(chosen[0] + place) % len(weights) for place in range(len(chosen))])
    choices = {"its": chosen, "the simulator's": _simulated(law, weights, len(chosen))}
    wrong = [whose for whose, order in choices.items() if not _due_in_order(order, weights)]
    return f"{' and '.join(wrong)} choices are no stretch of earliest deadlines" if wrong else ""


def in_turn(chosen: Sequence[int], law: Law, weights: Sequence[int]) -> str:
    """Hold the choices to turns of one order, in which the simulator's servers are once each."""
    turn = list(chosen[: len(weights)])
    if sorted(turn) != sorted(_simulated(law, weights, len(weights))):
        return f"the first {len(weights)} choices are {turn}"
    return _compared(chosen, (turn * len(chosen))[: len(chosen)])


def as_draws(chosen: Sequence[int], law: Law, weights: Sequence[int]) -> str:
    """Hold shares to the simulator's, and counts in blocks to those of draws."""
    simulated, seen = Counter(_simulated(law, weights, 20 * DRAWS)), Counter(chosen)
    for server in range(len(weights)):
        share = simulated[server] / (20 * DRAWS)
        spread = sqrt(share * (1 - share) * (1 / len(chosen) + 1 / (20 * DRAWS)))
        if abs(seen[server] / len(chosen) - share) > OFF * spread:
            return f"s{server + 1} has {seen[server] / len(chosen):.3f}, simulated {share:.3f}"
    uneven = _unevenness(chosen)
    return "" if UNEVEN[0] < uneven < UNEVEN[1] else f"counts in blocks vary {uneven:.2f} times as much as draws"


@dataclass(frozen=True)
class Held:
    """A simulator and how it is held. `name`: its file and function."""

    law: Law
    check: Check

    @property
    def name(self) -> str:
        """Return its file and function."""
        return f"{self.law.__module__.rpartition('.')[2]}.{self.law.__name__}"


HELD: Mapping[tuple[str, str], Held] = {
    ("nginx", "round_robin"): Held(smooth.smooth, from_start),
    ("nginx", "random"): Held(draws.by_weight, as_draws),
    ("Envoy", "ROUND_ROBIN"): Held(deadlines.round_robin, by_deadline),
    ("Envoy", "RANDOM"): Held(draws.equally, as_draws),
    ("Traefik", "p2c"): Held(draws.less_loaded_of_two, as_draws),
    ("Caddy", "weighted_round_robin"): Held(blocks.blocks, from_start),
    ("Caddy", "random"): Held(draws.equally, as_draws),
    ("HAProxy", "roundrobin"): Held(haproxy_wheel.roundrobin, from_start),
    ("HAProxy", "static-rr"): Held(haproxy_map.static_rr, from_start),
    ("HAProxy", "random"): Held(haproxy_ring.drawn_on_ring, as_draws),
    ("HAProxy", "leastconn"): Held(haproxy_least.leastconn, in_turn),
}


def rows(product: Product, runs: int) -> Iterator[Row]:
    """Hold each simulator of a product so many times, to a balancer that was just started."""
    for algorithm in product.algorithms:
        held = HELD.get((product.name, algorithm.name))
        if held and not algorithm.key and (algorithm.workers == 1 or product.name == "HAProxy"):
            for weights in WEIGHTS:
                yield _held(product, algorithm, held, weights, runs)


def _held(product: Product, algorithm: Algorithm, held: Held, weights: Sequence[int], runs: int) -> Row:
    what = {"product": product.name, "version": product.version, "algorithm": algorithm.label}
    by = {"simulator": held.name, "held to its": held.check.__name__.replace("_", " ")}
    row = Row({**what, **by, "weights": ":".join(map(str, weights)) if len(weights) < 5 else "one heavy, 18 lights"})
    requests = DRAWS if held.check is as_draws else TURNS * sum(weights) + MORE
    for _ in range(runs):
        with balanced(product, algorithm, servers_of(weights)):
            chosen = order(requests)
        wrong = held.check(chosen, held.law, weights)
        row.add("differs" if wrong else "same", requests, [wrong] if wrong else [])
    return row


def _simulated(law: Law, weights: Sequence[int], choices: int) -> list[int]:
    """Return so many choices of idle servers."""
    return list(islice(law(weights, Random(1), [0] * len(weights)), choices))  # noqa: S311 (a simulation, no secret)


def _due_in_order(chosen: Sequence[int], weights: Sequence[int]) -> bool:
    """Return whether a turn of deadlines, 1 ÷ weight apart, has a place from which these choices follow."""
    times = sorted((Fraction(time, weight), server) for server, weight in enumerate(weights) for time in range(weight))
    groups = [[server for _, server in together] for _, together in groupby(times, key=lambda due: due[0])]
    group_at = [number for number, group in enumerate(groups) for _ in group]

    def follows(start: int) -> bool:
        seen: dict[int, Counter[int]] = {}
        for place, server in enumerate(chosen, start):
            turn, at = divmod(place, len(times))
            seen.setdefault(turn * len(groups) + group_at[at], Counter())[server] += 1
        return all(count <= Counter(groups[number % len(groups)]) for number, count in seen.items())

    return any(map(follows, range(len(times))))


def _compared(chosen: Sequence[int], owed: Sequence[int]) -> str:
    differ = next((place for place, pair in enumerate(zip(chosen, owed, strict=True)) if pair[0] != pair[1]), None)
    return "" if differ is None else f"choice {differ + 1} is s{chosen[differ] + 1}, simulated s{owed[differ] + 1}"


def _unevenness(chosen: Sequence[int]) -> float:
    """Return the variance of the first server's count in blocks, over that of draws."""
    counts = [Counter(chosen[at : at + BLOCK])[0] for at in range(0, len(chosen), BLOCK)]
    mean = fmean(counts)
    return fmean((count - mean) ** 2 for count in counts) / (mean * (1 - mean / BLOCK))
