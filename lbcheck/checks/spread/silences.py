"""How long each server has been silent, in answers since its last one: a server that has died shows by that."""

from collections import Counter
from collections.abc import Mapping, Sequence

from lbcheck.checks.spread.observations import Observations
from lbcheck.model.requests import Answers


def silences(seen: Observations, balancer: str | None, servers: Sequence[str]) -> Mapping[str, int]:
    """Return server → answers by others since its last one, at least; of one balancer, or of all.

    Nothing where the unit is the connection, whose order nobody knows. Several routes are asked at the same time: of
    the round in which a server answered last, only one route by itself tells when.
    """
    if seen.unit != "request":
        return {}
    rounds: dict[int, list[Answers]] = {}
    for answers in seen.answers:
        rounds.setdefault(answers.round, []).append(answers)
    found: dict[str, int] = {}
    passed = 0
    for number in sorted(rounds, reverse=True):
        counts = Counter[str]()
        for count in (count for answers in rounds[number] for count in answers.counts):
            if balancer in (None, count.balancer):
                counts[count.server] += count.requests
        last = _at_the_end(rounds[number], balancer)
        found |= {name: passed + last.get(name, 0) for name in counts if name not in found}
        passed += counts.total()
    return {name: found.get(name, passed) for name in servers}


def _at_the_end(asked: Sequence[Answers], balancer: str | None) -> Mapping[str, int]:
    """Return server → answers by others after its last one, in one round of one route.

    As many answers as there were connections may come late, of requests that were sent before the server's last one.
    """
    if len(asked) > 1 or asked[0].order_cut:
        return {}
    found: dict[str, int] = {}
    passed = 0
    for place, length in reversed(asked[0].order):
        count = asked[0].counts[place]
        if balancer in (None, count.balancer):
            found.setdefault(count.server, max(0, passed - asked[0].connections + 1))
            passed += length
    return found
