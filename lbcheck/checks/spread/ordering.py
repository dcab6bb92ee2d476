"""What the order of answers tells about the algorithm: it explains, and it may let counts pass, but fails nothing."""

from collections.abc import Mapping

from lbcheck.analysis.order.infer import cycle, infer
from lbcheck.analysis.order.inference import Inference, Kind
from lbcheck.checks.spread.observations import Observations

CYCLES = frozenset((Kind.STRICT_CYCLE, Kind.WEIGHTED_CYCLE))
_EXPLAIN = CYCLES | {Kind.EVEN, Kind.ONE_KEY_ONE_SERVER, Kind.FIRST_UNTIL_FULL, Kind.CHANGED}


def inferences(seen: Observations, balancer: str | None) -> list[Inference]:
    """Return what each route's answers tell, by one balancer or by all."""
    return [infer(order) for order in seen.orders.get(balancer, ())]


def cycles(seen: Observations, balancer: str | None) -> list[Inference]:
    """Return the cycle that each route's answers show; none if not every route shows one."""
    found = [cycle(order) for order in seen.orders.get(balancer, ())]
    return [one for one in found if one] if all(found) else []


def keeps(weights: Mapping[str, int], found: list[Inference]) -> Inference | None:
    """Return the cycle that every route shows, if it keeps these weights (server → weight); else None."""
    if not found or not all(one.kind in CYCLES and _same_ratios(weights, one.weights) for one in found):
        return None
    return found[0]


def explanations(found: list[Inference]) -> list[str]:
    """Return a sentence for each kind of order that says something."""
    return list({one.kind: one.sentence for one in found if one.kind in _EXPLAIN}.values())


def departures(found: list[Inference]) -> list[str]:
    """Return a sentence for each server that stopped answering, by a silence to the end that draws do not explain."""
    last = (absence for one in found for absence in one.absences if absence.end == absence.requests)
    return [f"server {absence.sentence}: run again, or look at its health" for absence in last]


def _same_ratios(weights: Mapping[str, int], shown: Mapping[str, int]) -> bool:
    used = {name: weight for name, weight in weights.items() if weight}
    in_all, in_period = sum(used.values()), sum(shown.values())
    return used.keys() == shown.keys() and all(used[name] * in_period == shown[name] * in_all for name in used)
