"""After each round: is it certain, or how many more requests, and by which routes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lbcheck.analysis.order.cycles import TURNS
from lbcheck.checks.spread import budget, ceiling, losses, planning
from lbcheck.checks.spread.known import known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.planning import Route
from lbcheck.checks.spread.recognising import observed
from lbcheck.checks.spread.returns import returns
from lbcheck.checks.spread.shares import shares
from lbcheck.model.plan import Options, Plan
from lbcheck.model.question import Question
from lbcheck.model.step import Sample

# Requests that are sent for one answer of a balancer that gets few of them: enough for one of 50 behind a name. Beyond
# it a round brings fewer answers than are lacking, and the next one goes on.
MOST_FOR_ONE = 50
MOST_ROUNDS = 120  # a bound for what should end by itself; a test by rounds looks up to 100 times (planning.LOOKS)


def further(question: Question, options: Options, samples: Sequence[Sample]) -> Plan:
    """Return the next round; nothing if every frontend is certain at every balancer, or the user said how many."""
    seen = observed(question, samples)
    rounds = max((one.rounds for one in seen), default=0)
    if options.requests or not seen or rounds >= MOST_ROUNDS:
        return Plan()
    ways = planning.routes(question, options)
    wanted: dict[Route, int] = {}
    for one in seen:
        wanted |= _wanted(question, one, [way for way in ways if way.frontend == one.frontend])
    silent_s = {way: _silent_s(one, way) for one in seen for way in wanted if way.frontend == one.frontend}
    # What a route may wait in all may be spent, although each round kept to its bound.
    left = {way: n for way, n in wanted.items() if planning.left_s(question, options, silent_s[way]) > 0}
    dealt = max((one.kept.dealt for one in seen if one.either_unit), default=0)
    if dealt:
        options = replace(options, concurrency=1)
    elif any(one.unit == "connection" or one.either_unit for one in seen):
        options = replace(options, keep_alive=False)  # requests on a kept connection may be no further choices
    if not question.lab and any(one.client().total() < TURNS * len(one.client()) for one in seen):
        options = replace(options, concurrency=1)  # a strict cycle shows in as many answers, if they come one at a time
    return planning.round_of(question, options, left, rounds, silent_s, dealt=dealt) if left else Plan()


def _silent_s(seen: Observations, way: Route) -> float:
    """Return how many seconds a route has waited for failures and silence."""
    asked = (a for a in seen.answers if (a.at, a.source) == (way.client, way.source))
    return sum(answers.silent_s for answers in asked if way.address in ("", answers.address))


def _wanted(question: Question, seen: Observations, ways: Sequence[Route]) -> Mapping[Route, int]:
    """Return how many more requests each route takes; those to balancers that are certain take none."""
    answered = seen.client().total()
    if not answered or any(answers.failure or answers.given_up for answers in seen.answers):
        return {}  # more of it would show no more
    found: dict[Route, int] = {}
    for balancer, more in _open(question, seen):
        asked = [way for way in ways if way.address in _addresses(seen, balancer)] or list(ways)
        of_one = 1.0 if seen.unit == "connection" else _sent(seen, asked) / (seen.client(balancer).total() or 1)
        each = math.ceil(more * min(of_one, MOST_FOR_ONE) / len(asked))
        found |= {way: max(each, found.get(way, 0)) for way in asked}
    return found


def _open(question: Question, seen: Observations) -> Iterator[tuple[str | None, int]]:
    """Give each balancer about which the counts do not yet tell, with the number of its answers that are lacking."""
    alphas, parts = budget.split(question, seen.told_apart, seen.parts), returns(seen)
    for balancer in (*seen.told_apart,) or (None,):
        if balancer and not seen.client(balancer):
            continue  # it answers nobody: no number of requests changes that
        judgement = shares(seen, known(seen, balancer), balancer, alphas[balancer], closed=False).judgement
        lacking = ceiling.more(judgement, seen.client(balancer).total())
        more = max(lacking, losses.lacking(parts[balancer], alphas[balancer]))
        if more:
            yield balancer, more


def _addresses(seen: Observations, balancer: str | None) -> set[str]:
    return {vip.address for vip in seen.cluster.vips if balancer and vip.home == balancer}


def _sent(seen: Observations, ways: Sequence[Route]) -> int:
    """Return how many requests these routes have carried."""
    addresses = {way.address for way in ways}
    return sum(answers.sent for answers in seen.answers if not ways[0].address or answers.address in addresses)
