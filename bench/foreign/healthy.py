"""Healthy fleets: none is called faulty, nor left without a verdict."""

from collections.abc import Iterator, Sequence

from bench.foreign.asking import ask, ways, words
from bench.foreign.fleet import balanced, servers_of
from bench.foreign.product import Algorithm, Product
from bench.foreign.rows import Row

RIGHT = {"pass", "inconclusive"}


def rows(product: Product, runs: int) -> Iterator[Row]:
    """Ask each algorithm's fleets so many times, each time of a balancer that was just started."""
    for algorithm in product.algorithms:
        if not algorithm.known_fault:
            for weights in fleets(algorithm):
                yield from _asked(product, algorithm, weights, runs)


def fleets(algorithm: Algorithm) -> Sequence[Sequence[int]]:
    """Return the weights of three and of four servers."""
    return ((1, 1, 1), (1, 1, 2, 2)) if algorithm.weighs else ((1, 1, 1), (1, 1, 1, 1))


def _asked(product: Product, algorithm: Algorithm, weights: Sequence[int], runs: int) -> Iterator[Row]:
    told = {way: words(product, algorithm, algorithm.rightly(weights), way[0]) for way in ways()}
    found = {way: Row(columns(product, algorithm, weights, *way)) for way, given in told.items() if given is not None}
    ordered = list(found)
    for run in range(runs):
        with balanced(product, algorithm, servers_of(weights)):
            # Each way in its turn is the first that a balancer is asked.
            for way in ordered[run % len(ordered) :] + ordered[: run % len(ordered)]:
                verdict = ask(algorithm.path, told[way] or (), way[1])
                found[way].add(verdict.outcome, verdict.requests, [] if verdict.outcome in RIGHT else verdict.said)
    yield from found.values()


def columns(
    product: Product, algorithm: Algorithm, weights: Sequence[int], told: str, connections: str
) -> dict[str, object]:
    """Return what tells a row from others."""
    return {
        "product": product.name,
        "version": product.version,
        "algorithm": algorithm.label,
        "weights": ":".join(map(str, weights)),
        "told": told,
        "connections": connections,
    }
