"""What the answers through each balancer tell, gathered in one walk over all of them: by key, and in their order.

Balancer (None: all of them) → what its answers tell. A balancer without a name in answers is among all of them alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from lbcheck.model.address import family
from lbcheck.model.requests import Answers

Names = tuple[str | None, ...]
Route = tuple[str, str, str, str]  # client, address, source address, key


def names(balancer: str) -> Names:
    """Return under which names the answers through a balancer count."""
    return (None, balancer) if balancer else (None,)


def keys(asked: Iterable[Answers]) -> Mapping[str | None, Mapping[str, Mapping[str, int]]]:
    """Return balancer → key of a hash → server → answers: what was sent as a key, else the client.

    A client is its source address or host, and the IP family: the key of a hash of sources.
    """
    found: dict[str | None, dict[str, dict[str, int]]] = {}
    for answers in asked:
        of_address = family(answers.address) if answers.address else ""
        key = f"key {answers.key}" if answers.key else f"{answers.source or answers.place} IPv{of_address}"
        for count in answers.counts:
            for name in names(count.balancer):
                servers = found.setdefault(name, {}).setdefault(key, {})
                servers[count.server] = servers.get(count.server, 0) + count.requests
    return found


def orders(asked: Iterable[Answers]) -> Mapping[str | None, Sequence[Sequence[str]]]:
    """Return balancer → for each route that it answered the servers that did, in the order of the answers."""
    found: dict[str | None, dict[Route, list[str]]] = {}
    for answers in asked:
        route = answers.at, answers.address, answers.source, answers.key
        for place, length in answers.order:
            count = answers.counts[place]
            for name in names(count.balancer):
                found.setdefault(name, {}).setdefault(route, []).extend([count.server] * length)
    return {name: list(routes.values()) for name, routes in found.items()}
