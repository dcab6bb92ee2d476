"""Cycles that repeat without exception."""

from collections import Counter
from math import gcd

from lbcheck.analysis.order.inference import Inference, Kind, Order, listed

# Two servers that take turns 24 times: draws do that once in 8,400,000 runs, and more servers do it less often.
FEWEST = 24
TURNS = 3  # a period is believed when it was seen three times
# That draws repeat with a given period. At 200 answers 66 periods are looked at, so draws are called a cycle once in
# 1,500,000 runs.
PERIOD_CHANCE = 1e-8

_SAME = "Round robin, leastconn one request at a time, and a hash whose key is not sent cannot be told apart"


def strict_cycle(order: Order) -> Inference | None:
    """Say that every server answers once in each turn, always in the same order."""
    servers = len(order.counts)
    if order.length < max(TURNS * servers, FEWEST) or order.answers[servers:] != order.answers[:-servers]:
        return None
    turn = list(order.counts)
    sentence = (
        f"the {order.length:,} answers repeat the turn {listed(turn)} without exception: one cycle, every server "
        f"with the same weight. {_SAME}"
    )
    chance = order.repeat ** (order.length - servers)
    return Inference(Kind.STRICT_CYCLE, sentence, order.evenness, chance, servers, dict.fromkeys(turn, 1))


def weighted_cycle(order: Order) -> Inference | None:
    """Say that a period longer than the number of servers repeats, and what weights it shows."""
    period = order.period
    chance = order.repeat ** (order.length - period)
    if period * TURNS > order.length or chance > PERIOD_CHANCE:
        return None
    counts = Counter(order.answers[:period])
    divisor = gcd(*counts.values())
    weights = {name: count // divisor for name, count in counts.items()}
    told = [f"{name} {count}" for name, count in counts.items()]
    sentence = (
        f"the order of the {order.length:,} answers repeats every {period:,} answers without exception, "
        f"with {listed(told)} in each period: one cycle by these weights. Whether they are the intended ones cannot be "
        f"told. {_SAME}"
    )
    return Inference(Kind.WEIGHTED_CYCLE, sentence, order.evenness, chance, period, weights)
