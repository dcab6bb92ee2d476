"""Statistical tests with stated error rates, and how many samples they need.

A whole run raises a false alarm with a probability of at most FALSE_ALARM, however many tests it makes (Bonferroni). It
misses a fault that it promises to find with a probability of at most MISS.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist

from lbcheck.analysis import binomial

FALSE_ALARM = 1e-4  # probability for one whole run on a healthy cluster
BUDGET = {"dns": 0.5, "spread": 0.5}  # check → its share of FALSE_ALARM; other checks compare exactly
MISS = 0.01  # probability for the smallest fault: one server's weight is halved

_quantile = NormalDist().inv_cdf  # of the standard normal distribution


def shares(weights: Mapping[str, int]) -> dict[str, float]:
    """Return server → expected share of the requests, 0 to 1, by weight; all 0 if every weight is 0."""
    total = sum(weights.values())
    return {name: weight / total if total else 0.0 for name, weight in weights.items()}


def multinomial_p(counts: Mapping[str, int], owed: Mapping[str, float]) -> float:
    """Return a p-value for `counts` (server → requests) being random draws with the expected shares `owed`.

    This is an exact binomial test for each server, with Bonferroni's correction. Unlike the χ² approximation it keeps
    its error rate in the far tail, at 10⁻⁶, and it names the server.
    """
    total = sum(counts.values())
    # Of servers with equal shares the one with the fewest or the most answers is the farthest off.
    extremes: dict[float, tuple[int, int]] = {}
    for name, share in owed.items():
        seen = counts.get(name, 0)
        fewest, most = extremes.get(share, (seen, seen))
        extremes[share] = min(fewest, seen), max(most, seen)
    ends = ((seen, share) for share, pair in extremes.items() for seen in pair)
    return min(1.0, len(owed) * min(binomial.two_sided(seen, total, share) for seen, share in ends))


def halved_share(weight: int, total: int) -> float:
    """Return the share of a server of `weight` out of `total` if its weight were half of that.

    It is the smallest fault that a verdict promises to find.
    """
    return weight / (2 * total - weight)


def needed_for_multinomial(weights: Mapping[str, int], alpha: float) -> int:
    """Return how many draws detect that any one weight is halved.

    Error rates: false alarms `alpha`, misses MISS, both by the normal approximation.
    """
    used = [weight for weight in weights.values() if weight]
    if len(used) < 2:
        return 1
    total, z_false, z_miss = sum(used), -_quantile(alpha / 2 / len(used)), -_quantile(MISS)

    def draws(victim: int) -> float:
        right, fault = victim / total, halved_share(victim, total)
        spread = z_false * math.sqrt(right * (1 - right)) + z_miss * math.sqrt(fault * (1 - fault))
        return (spread / (right - fault)) ** 2

    return math.ceil(max(draws(victim) for victim in set(used)))


def needed_for_bound(weights: Mapping[str, int], bound: float) -> int:
    """Return how many requests are needed until halving any one weight exceeds a bound of ± `bound` requests."""
    used = [weight for weight in weights.values() if weight]
    if len(used) < 2:
        return 1
    total = sum(used)
    return math.ceil(max(2 * bound / (victim / total - halved_share(victim, total)) for victim in set(used)))


def needed_to_meet(smallest_share: float, things: int, alpha: float) -> int:
    """Return how many independent draws meet each of `things` at least once, except with probability `alpha`.

    `smallest_share`: the share of the rarest one.
    """
    if things < 2:
        return 1
    return math.ceil(math.log(alpha / things) / math.log1p(-smallest_share))


def sampling_error(share: float, draws: int, alpha: float) -> float:
    """Return how far a share observed in `draws` draws may differ from `share`, except with probability `alpha`.

    By the normal approximation.
    """
    return -_quantile(alpha / 2) * math.sqrt(share * (1 - share) / draws)
