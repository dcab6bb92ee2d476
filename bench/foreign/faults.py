"""Planted faults, of algorithms whose shares somebody can tell: none passes.

One server has the wrong weight, or, where the algorithm takes no weights, is listed twice. One is not there. And what
is known to be broken in a version is broken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.foreign.asking import ask, ways, words
from bench.foreign.fleet import NOBODY, TWIN, balanced, servers_of
from bench.foreign.healthy import columns
from bench.foreign.product import Algorithm, Product, Server, by_weight, equally
from bench.foreign.rows import Row

WEIGHTS = (1, 1, 1)  # as they are told


def rows(product: Product, runs: int) -> Iterator[Row]:
    """Ask each faulty fleet so many times."""
    for algorithm in product.algorithms:
        if algorithm.known_fault:
            yield from _asked(product, algorithm, algorithm.known_fault, servers_of(WEIGHTS), runs)
        elif algorithm.rightly(WEIGHTS):
            for fault, servers in _faulty(algorithm):
                yield from _asked(product, algorithm, fault, servers, runs)


def _faulty(algorithm: Algorithm) -> Iterator[tuple[str, Sequence[Server]]]:
    first, *others = servers = servers_of(WEIGHTS)
    if algorithm.weighs and algorithm.rightly is by_weight:
        yield "doubled weight", [replace(first, weight=2), *others]
    elif algorithm.rightly is equally:
        yield "listed twice", [*servers, replace(first, port=TWIN)]
    yield "not there", [*servers[:2], replace(servers[2], port=NOBODY)]


def _asked(product: Product, algorithm: Algorithm, fault: str, servers: Sequence[Server], runs: int) -> Iterator[Row]:
    for told, connections in ways(("weights", "both")):
        given = words(product, algorithm, WEIGHTS, told) or ()
        if algorithm.known_fault:
            given = (*given, "--concurrency", "1")  # with several at once it is smaller than what is to be found
        what = columns(product, algorithm, WEIGHTS, told, connections)
        found = Row({**what, "fault": fault})
        for _ in range(runs):
            with balanced(product, algorithm, servers):
                verdict = ask(algorithm.path, given, connections)
            found.add(verdict.outcome, verdict.requests, verdict.said if verdict.outcome == "pass" else [])
        yield found
