"""How long each server has been silent, in answers since its last one: a server that has died shows by that."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from lbcheck.checks.spread.each_balancer import names
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
                since.setdefault(server, passed[name] + late.get(server, 0))
            passed[name] += counts.total()
    return found


def _answered(asked: Sequence[Answers]) -> Mapping[str | None, Counter[str]]:
    """Return balancer → server → answers."""
    found: dict[str | None, Counter[str]] = {}
    for count in (count for answers in asked for count in answers.counts):
        for name in names(count.balancer):
            found.setdefault(name, Counter())[count.server] += count.requests
    return found


def _at_the_end(asked: Sequence[Answers]) -> Silences:
    """Return how many answers others gave after each server's last one, in one round of one route.

    As many answers as there were connections may come late, of requests that were sent before the server's last one.
    """
    if len(asked) > 1 or asked[0].order_cut:
        return {}
    found: dict[str | None, dict[str, int]] = {}
    passed = Counter[str | None]()
    for place, length in reversed(asked[0].order):
        count = asked[0].counts[place]
        for name in names(count.balancer):
            late = max(0, passed[name] - asked[0].connections + 1)
            found.setdefault(name, {}).setdefault(count.server, late)
            passed[name] += length
    return found
