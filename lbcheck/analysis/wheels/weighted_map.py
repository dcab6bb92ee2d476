"""A map that is made once and gone through place by place: HAProxy's `balance static-rr` (its lb_map.c).

The map has a place for each unit of weight, weights reduced. For each place every server's score grows by its weight.
The first one with the most whole sums of weights in its score gets the place, and pays one sum. Scores are compared in
whole sums only, so the map depends on the order of the servers.
"""

from lbcheck.analysis.wheels.turns import Turn
from lbcheck.analysis.wheels.wheel import Weights, by_turns, compared_all, reduced


def _turn(weights: Weights) -> Turn:
    places = reduced(weights)
    total = sum(places)
    scores = [0] * len(weights)
    choices = []
    for _ in range(total):
        scores = [score + weight for score, weight in zip(scores, places, strict=True)]
        sums = [score // total for score in scores]
        best = sums.index(max(sums))
        scores[best] -= total
        choices.append(best)
    return Turn(choices)


WEIGHTED_MAP = by_turns("weighted map", _turn, compared_all, ordered=True)
