"""Footnotes on how often a statistical verdict is wrong; the numbers come from analysis/sampling.py."""

import math

from lbcheck.analysis.sampling import FALSE_ALARM, MISS
from lbcheck.model.exhibit import Footnote
from lbcheck.model.verdict import Outcome

_RUNS = round(1 / FALSE_ALARM)
_ROUNDING = 1e-6  # of runs: 1 - 0.99 is a little more than 0.01 in floats
_FALSE_ALARMS = f"A healthy cluster is called faulty in at most one run of {_RUNS:,}"
_NEXT = Footnote(
    f"Next: mend what ✗ names and run this again. A healthy cluster fails in at most one run of {_RUNS:,}.",
    Outcome.FAIL,
)
# For rules that expect no share of a server, such as leastconn's.
FALSE_ALARMS = (Footnote(f"{_FALSE_ALARMS}.", Outcome.PASS), _NEXT)


def of_weights(detect: float = 0.5, power: float = 1 - MISS) -> tuple[Footnote, ...]:
    """Return the footnotes of a rule that holds servers to their weights.

    `detect`: the smallest fault that it finds is a weight times (1 - detect). `power`: how surely it does, below 1.
    """
    runs = math.floor(1 / (1 - power) + _ROUNDING)
    fault = "is halved" if detect == 0.5 else f"is {100 * detect:.3g}% too small"
    missed = f"a server whose weight {fault} is missed in at most one of {runs:,}"
    return (Footnote(f"{_FALSE_ALARMS}; {missed}.", Outcome.PASS), _NEXT)
