"""After each round: is it certain, or how many more requests, and by which routes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lbcheck.analysis.order.cycles import TURNS
from lbcheck.checks.spread import budget, ceiling, losses, planning
from lbcheck.checks.spread.known import known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.planning import Route
from lbcheck.checks.spread.recognising import observed
from lbcheck.checks.spread.returns import Returns, returns
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
    silent_s = _silent_s(seen, wanted)
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


def _silent_s(seen: Iterable[Observations], ways: Iterable[Route]) -> Mapping[Route, float]:
    """Return route → seconds that it has waited for failures and silence, at all addresses if none was given."""
    waited: dict[tuple[str, str, str, str], float] = {}
    for one in {one.frontend.url: one for one in seen}.values():
        for answers in one.answers:
            for address in {"", answers.address}:
                route = answers.url, answers.at, answers.source, address
                waited[route] = waited.get(route, 0.0) + answers.silent_s
    return {way: waited.get((way.frontend.url, way.client, way.source, way.address), 0.0) for way in ways}


def _wanted(question: Question, seen: Observations, ways: Sequence[Route]) -> Mapping[Route, int]:
    """Return how many more requests each route takes; those to balancers that are certain take none."""
    answered = seen.client().total()
    if not answered or any(answers.failure or answers.given_up for answers in seen.answers):
        return {}  # more of it would show no more
    alphas, parts, own = budget.split(question, seen.told_apart, seen.parts), returns(seen), _by_home(seen, ways)
    found: dict[Route, int] = {}
    for balancer in (*seen.told_apart,) or (None,):
        if balancer and not seen.client(balancer):
            continue  # it answers nobody: no number of requests changes that
        asked = own.get(balancer, ways)
        more = _lacking(seen, balancer, alphas[balancer], parts[balancer], _sent(seen, asked))
        if more:
            each = math.ceil(more / len(asked))
            found |= {way: max(each, found.get(way, 0)) for way in asked}
    return found


def _lacking(seen: Observations, balancer: str | None, alpha: float, came: Returns, sent: int) -> float:
    """Return how many requests would tell what the counts of a balancer do not yet; `sent`: by its routes until now."""
    answered = seen.client(balancer).total()
    judgement = shares(seen, known(seen, balancer), balancer, alpha, closed=False).judgement
    of_one_answer = 1.0 if seen.unit == "connection" else sent / (answered or 1)
    of_one_request = sent / (came.sent or 1)  # other balancers may answer there, too
    return max(
        ceiling.more(judgement, answered) * min(of_one_answer, MOST_FOR_ONE),
        losses.lacking(came, alpha) * min(of_one_request, MOST_FOR_ONE),
    )


def _by_home(seen: Observations, ways: Iterable[Route]) -> Mapping[str | None, Sequence[Route]]:
    """Return balancer → the routes to its own addresses."""
    homes: dict[str, list[str]] = {}
    for home, addresses in seen.addresses.items():
        for address in addresses:
            homes.setdefault(address, []).append(home)
    found: dict[str | None, list[Route]] = {}
    for way in ways:
        for home in homes.get(way.address, ()):
            found.setdefault(home, []).append(way)
    return found


def _sent(seen: Observations, ways: Sequence[Route]) -> int:
    """Return how many requests these routes have carried."""
    if not ways[0].address:
        return seen.sent
    return sum(
        answers.sent for address in {way.address for way in ways} for answers in seen.by_address.get(address, ())
    )
