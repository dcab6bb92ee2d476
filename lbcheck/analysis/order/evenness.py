"""What is told by an order that is less even than draws are, or more even."""

from lbcheck.analysis.order import draws
from lbcheck.analysis.order.inference import Inference, Kind, Order

# With shares that are further apart draws are about as even as a cycle: of 1,000 runs of 200 draws at 9:1, 4 stay
# within 2.5 requests.
MAX_REPEAT = 0.6
# That draws are called even. At 200 answers of 3, 10 and 20 servers this is an evenness of 4.8, 4.5 and 3.8; a cycle
# by itself stays within 2.5 there.
EVEN_CHANCE = 1e-4
# That draws are called changed; up to 1.7 times as often was simulated. A rarer alarm would find fewer changes.
UNEVEN_CHANCE = 1e-3


def uneven(order: Order) -> Inference | None:
    """Say that a share changed: the order strays further than draws do."""
    swing = order.swing
    chance = draws.chance_as_uneven(swing.size, order.counts.values())
    if chance > UNEVEN_CHANCE:
        return None
    at, total = swing.furthest, order.length
    early = order.answers[:at].count(swing.server)
    late = order.counts[swing.server] - early
    sentence = (
        f"server {swing.server} gave {early / at:.0%} of the first {at:,} answers and {late / (total - at):.0%} of the "
        f"other {total - at:,}: independent draws vary so much in about one run of {1 / UNEVEN_CHANCE:,.0f}. "
        "A weight that changed, a server that came or went, and answers that come in bunches cannot be told apart"
    )
    return Inference(Kind.CHANGED, sentence, swing.size, chance)


def even(order: Order) -> Inference | None:
    """Say that one cycle or a few cycles are at work: the order is more even than draws are."""
    size = order.evenness
    chance = draws.chance_as_even(size, order.counts.values())
    if order.repeat > MAX_REPEAT or chance > EVEN_CHANCE:
        return None
    sentence = (
        f"the {order.length:,} answers are more even than draws: each server's count stays within a range of "
        f"{size:.1f} requests around its share. One cycle, alone or beside a little other traffic, and a few workers "
        "with a cycle each cannot be told apart, nor round robin from leastconn one request at a time, nor from a hash "
        "whose key is not sent"
    )
    return Inference(Kind.EVEN, sentence, size, chance)
