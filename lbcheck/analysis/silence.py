"""How long a server may be silent among answers that are drawn: one that has died shows by that, not by its count."""

import math

# Error rates of one test of shares that the test of silences has beside it: it is to be early, and each halving of its
# rate makes it later by two answers of three equal servers.
RATES = 2.5


def longest(share: float, answers: int, servers: int, rate: float) -> int:
    """Return how many answers in a row pass by a server with a probability of at most `rate`, anywhere in a run.

    `share`: what it is owed, above 0 and below 1. `answers`: of a run, at most. `servers`: how many are watched.
    A server begins a silence at the start and after each of its own answers, `answers` × `share` + 1 times; each is as
    long as g with a probability of (1 − share)ᵍ. A cycle has shorter ones.
    """
    silences = (answers * share + 1) * servers
    return math.ceil(math.log(silences / rate) / -math.log1p(-share))
