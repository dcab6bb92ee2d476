"""How long each server has been silent, in answers since its last one: a server that has died shows by that."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from lbcheck.checks.spread import each_balancer
from lbcheck.model.requests import Answers

Silences = Mapping[str | None, Mapping[str, int]]  # balancer (None: all of them) → server → answers since its last one


def silences(asked: Iterable[Answers]) -> Silences:
    """Return for each server that answered how many answers others gave since its last one, at least.

    Several routes are asked at the same time: of the round in which a server answered last, only one route by itself
    tells when. A server that never answered has been silent all the time.
    """
    rounds: dict[int, list[Answers]] = {}
    for answers in asked:
        rounds.setdefault(answers.round, []).append(answers)
    found: dict[str | None, dict[str, int]] = {}
    passed = Counter[str | None]()
    for number in sorted(rounds, reverse=True):
        last = _at_the_end(rounds[number])
        for name, counts in _answered(rounds[number]).items():
            late, since = last.get(name, {}), found.setdefault(name, {})
            for server in counts:
                if server not in since:
                    since[server] = passed[name] + late.get(server, 0)
            passed[name] += sum(counts.values())
    return found


def _answered(asked: Sequence[Answers]) -> Silences:
    """Return balancer → server → answers."""
    found: dict[str | None, dict[str, int]] = {}
    for name, counts in (part for answers in asked for part in each_balancer.counts(answers).items()):
        servers = found.setdefault(name, {})
        for count in counts:
            servers[count.server] = servers.get(count.server, 0) + count.requests
    return found


def _at_the_end(asked: Sequence[Answers]) -> Silences:
    """Return how many answers others gave after each server's last one, in one round of one route.

    As many answers as there were connections may come late, of requests that were sent before the server's last one.
    """
    if len(asked) > 1 or asked[0].order_cut:
        return {}
    return {name: _late(asked[0], order) for name, order in each_balancer.orders(asked[0]).items()}


def _late(answers: Answers, order: each_balancer.Places) -> dict[str, int]:
    found: dict[str, int] = {}
    passed = 1 - answers.connections
    for place, length in reversed(order):
        server = answers.counts[place].server
        if server not in found:
            found[server] = max(0, passed)
        passed += length
    return found
