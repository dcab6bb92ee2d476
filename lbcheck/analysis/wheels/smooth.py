"""The smooth weighted round robin of nginx (its round robin module), and of Apache's byrequests where nothing races.

For each choice every server's current weight grows by its weight. The first one with the largest is chosen, and pays
the sum of all weights. nginx begins so at each reload; without a `zone` each of its workers has a sequence of its own.
"""

from lbcheck.analysis.wheels.turns import Turn
from lbcheck.analysis.wheels.wheel import Weights, by_turns, compared_all, reduced


def _turn(weights: Weights) -> Turn:
    weights = reduced(weights)
    total = sum(weights)
    if total == len(weights):  # all equal: each in its turn, which is known without comparing all of them each time
        return Turn(list(range(total)))
    current = [0] * len(weights)
    choices = []
    for _ in range(total):
        current = [now + weight for now, weight in zip(current, weights, strict=True)]
        best = current.index(max(current))
        current[best] -= total
        choices.append(best)
    return Turn(choices)


SMOOTH = by_turns("smooth weighted round robin", _turn, compared_all, ordered=True)
