"""Earliest deadline first: Envoy's ROUND_ROBIN with unequal weights (its edf_scheduler), and Traefik's wrr.

A server of weight w is due again 1/w after it was last due; the one that is due first is chosen. At whole times all
are due at once. Envoy then takes the one that was queued first, but its times are floats, whose rounding decides what
is "at once"; Traefik's heap decides by itself. So the law leaves the order of those that are due at once to chance.
The sequence is Envoy's, as it would be without rounding.

Envoy (EDF_IF_UNEQUAL: with equal weights it takes strict turns) begins at a random place, and each of its threads has
a sequence of its own. Traefik (EDF) begins with its servers in random order, and has one sequence a service.
"""

import math
from itertools import groupby

from lbcheck.analysis.wheels.turns import Turn
from lbcheck.analysis.wheels.wheel import LONGEST, Weights, by_turns, reduced

_BITS = 512  # of a time, that make a step take as long again: times are multiples of 1 ÷ the weights' common multiple


def _turn(weights: Weights) -> Turn:
    weights = reduced(weights)
    unit = math.lcm(*weights)  # of time, so that times are whole numbers
    # What is due at once is sorted by when it was queued, which is when it was due before: the lighter, the earlier.
    due = sorted(
        (time * (unit // weight), weight, server)
        for server, weight in enumerate(weights)
        for time in range(1, weight + 1)
    )
    ties = [len(list(together)) for _, together in groupby(due, key=lambda entry: entry[0])]
    return Turn([server for *_, server in due], ties=ties)


def _turn_if_unequal(weights: Weights) -> Turn:
    return Turn(range(len(weights))) if len(set(weights)) == 1 else _turn(weights)


def _steps(weights: Weights) -> int:
    steps = 2 * sum(reduced(weights))
    if steps > LONGEST:
        return steps
    return steps * (1 + math.lcm(*reduced(weights)).bit_length() // _BITS)


EDF = by_turns("earliest deadline first", _turn, _steps)
EDF_IF_UNEQUAL = by_turns("earliest deadline first, or strict turns", _turn_if_unequal, _steps)
