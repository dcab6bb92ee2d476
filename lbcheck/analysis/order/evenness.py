"""Evenness: how far a server's count strays from its share of the answers so far, and what that tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from lbcheck.analysis.order import draws
from lbcheck.analysis.order.inference import Inference, Kind, Order

# With shares that are further apart draws are about as even as a cycle: at 9:1 they stay within ONE_CYCLE in 4 runs of
# 1,000 at 200 answers.
MAX_REPEAT = 0.6
# One cycle stays within 2 for most weights, and within 2.5 beside one other request in ten; of 400,000 runs of 200
# draws none does.
ONE_CYCLE = 2.5
EVEN_CHANCE = 1e-4  # that draws are called even
UNEVEN_CHANCE = 1e-3  # that draws are called changed; a rarer alarm finds a server that died half way too seldom


@dataclass(frozen=True)
class Swing:
    """How a server's count strayed from its share: the range, and after how many answers it was furthest off."""

    server: str
    size: float
    furthest: int


def widest_swing(answers: Sequence[str]) -> Swing:
    """Return the server whose count strayed most from its final share; ValueError without answers."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(answers):
        places.setdefault(name, []).append(place)
    return max((_swing(name, at, len(answers)) for name, at in places.items()), key=lambda swing: swing.size)


def evenness(answers: Sequence[str]) -> float:
    """Return the largest range over time of a server's count less its share of the answers so far, in requests."""
    return widest_swing(answers).size if answers else 0.0


def _swing(name: str, places: Sequence[int], total: int) -> Swing:
    # Between its own answers a server's count only falls behind, so the extremes lie just before and just after them.
    share = len(places) / total
    before = [(count - share * place, place) for count, place in enumerate(places)]
    after = [(count - share * (place + 1), place + 1) for count, place in enumerate(places, 1)]
    low, high = min((0.0, 0), *before), max((0.0, 0), *after)
    return Swing(name, high[0] - low[0], max(low, high, key=lambda extreme: abs(extreme[0]))[1])


def uneven(order: Order) -> Inference | None:
    """Say that a share changed: the order strays further than draws do."""
    swing = widest_swing(order.answers)
    chance = draws.chance_as_uneven(swing.size, order.counts.values())
    if chance > UNEVEN_CHANCE:
        return None
    at, total = swing.furthest, order.length
    early = order.answers[:at].count(swing.server)
    late = order.counts[swing.server] - early
    sentence = (
        f"server {swing.server} gave {early / at:.0%} of the first {at:,} answers and {late / (total - at):.0%} of the "
        f"other {total - at:,}: independent draws vary so much in at most one run of {1 / UNEVEN_CHANCE:,.0f}. "
        "A weight that changed, a server that came or went, and answers that come in bunches cannot be told apart"
    )
    return Inference(Kind.CHANGED, sentence, swing.size, chance)


def even(order: Order) -> Inference | None:
    """Say that one cycle or a few cycles are at work: the order is more even than draws are."""
    size = evenness(order.answers)
    chance = draws.chance_as_even(size, order.counts.values())
    if order.repeat > MAX_REPEAT or chance > EVEN_CHANCE:
        return None
    cycles = "one cycle, perhaps beside a little other traffic, or a few workers with a cycle each"
    sentence = (
        f"the {order.length:,} answers are more even than draws: each server's count stays within a range of "
        f"{size:.1f} requests around its share: {cycles if size <= ONE_CYCLE else 'a few workers with a cycle each'}. "
        "How many workers there are cannot be told, nor round robin from leastconn one request at a time, nor from a "
        "hash whose key is not sent"
    )
    return Inference(Kind.EVEN, sentence, size, chance)
