"""What the answers through each balancer tell, gathered in one walk over all of them: by key, and in their order.

Balancer (None: all of them) → what its answers tell. A balancer without a name in answers is among all of them alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from lbcheck.model.address import family
from lbcheck.model.requests import Answers, Count

Route = tuple[str, str, str, str]  # client, address, source address, key
Places = Sequence[tuple[int, int]]  # as in the order of Answers


def counts(answers: Answers) -> Mapping[str | None, Sequence[Count]]:
    """Return balancer → its counts in a sample."""
    found: dict[str | None, list[Count]] = {}
    for count in answers.counts:
        found.setdefault(count.balancer, []).append(count)
    found.pop("", None)
    return {None: answers.counts, **found}


def orders(answers: Answers) -> Mapping[str | None, Places]:
    """Return balancer → its part of the order of a sample's answers."""
    named = [count.balancer for count in answers.counts]
    if not any(named):
        return {None: answers.order}
    found: dict[str | None, list[tuple[int, int]]] = {}
    for place, length in answers.order:
        found.setdefault(named[place], []).append((place, length))
    found.pop("", None)
    return {None: answers.order, **found}


def by_key(asked: Iterable[Answers]) -> Mapping[str | None, Mapping[str, Mapping[str, int]]]:
    """Return balancer → key of a hash → server → answers: what was sent as a key, else the client.

    A client is its source address or host, and the IP family: the key of a hash of sources.
    """
    found: dict[str | None, dict[str, dict[str, int]]] = {}
    for answers in asked:
        of_address = family(answers.address) if answers.address else ""
        key = f"key {answers.key}" if answers.key else f"{answers.source or answers.place} IPv{of_address}"
        for name, those in counts(answers).items():
            if those:
                servers = found.setdefault(name, {}).setdefault(key, {})
                for count in those:
                    servers[count.server] = servers.get(count.server, 0) + count.requests
    return found


def by_route(asked: Iterable[Answers]) -> Mapping[str | None, Sequence[Sequence[str]]]:
    """Return balancer → for each route that it answered the servers that did, in the order of the answers."""
    found: dict[str | None, dict[Route, list[str]]] = {}
    for answers in asked:
        route, servers = (answers.at, answers.address, answers.source, answers.key), [c.server for c in answers.counts]
        for name, order in orders(answers).items():
            if order:
                names = found.setdefault(name, {}).setdefault(route, [])
                for place, length in order:
                    names += [servers[place]] * length
    return {name: list(routes.values()) for name, routes in found.items()}
