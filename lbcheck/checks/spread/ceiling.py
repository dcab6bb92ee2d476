"""How many requests a run sends at most where nobody said how many: what settles the question, unless that is absurd.

A server of weight 1 beside one of a million gets one request in a million, and a fault of it shows after 170 million.
"""

from lbcheck.analysis.laws.tally import Judgement

MOST = 10_000_000  # answers of a balancer: 2.5 million settle 10,000 equal servers, 7 million a fault of 1 % of ten
INSTEAD = 2_000  # of a balancer that would take more than that: the halved weight of one of ten shows in as many


def bounded(needed: int) -> int:
    """Return how many of the answers that would settle the question are asked for."""
    return needed if needed <= MOST else INSTEAD


def more(judgement: Judgement | None, answered: int) -> int:
    """Return how many more answers a judgement on `answered` takes, as far as they are asked for."""
    if judgement is None:
        return 0
    if judgement.needed <= MOST:
        return judgement.more
    return max(0, INSTEAD - answered) if judgement.more else 0


def beyond(needed: int) -> str:
    """Return that a run ends before so many answers, to be said after their number; empty: it does not."""
    return f", and more than {MOST:,} are sent only if --requests says so" if needed > MOST else ""
