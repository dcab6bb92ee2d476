"""How strongly counts speak for a fault of a server, and whether they speak against the faults of a class."""

import math
from collections.abc import Sequence

from lbcheck.analysis import binomial
from lbcheck.analysis.sequential.faults import Equals, Fault
from lbcheck.analysis.sequential.mixture import log_mixture


def log_evidence(equals: Equals, seen: int, of: int, detect: float) -> float:
    """Return the logarithm of a server's evidence, a mixture of likelihood ratios against a healthy fleet.

    Half of it is Robbins' mixture of all shares, a quarter each is the two smallest faults to be found.
    """
    healthy = seen * math.log(equals.share) + (of - seen) * math.log1p(-equals.share)
    parts = (
        log_mixture(seen, of, equals.share, detect) - healthy + math.log(0.5),
        equals.less.log_ratio(seen, of) + math.log(0.25),
        equals.more.log_ratio(seen, of) + math.log(0.25),
    )
    largest = max(parts)
    return largest + math.log(sum(math.exp(part - largest) for part in parts))


def ruled_out(fault: Fault, counts: Sequence[int], of: int, beta: float) -> bool:
    """Return whether the mean likelihood ratio of `fault` over the servers of a class is at most `beta`.

    `counts`: each server's answers, of `of` in all.
    """
    return log_mean_ratio(fault, counts, of) <= math.log(beta)


def log_mean_ratio(fault: Fault, counts: Sequence[int], of: int) -> float:
    """Return the logarithm of the mean likelihood ratio of `fault` over the servers of a class."""
    ratios = {seen: fault.log_ratio(seen, of) for seen in set(counts)}  # of many servers, many have the same count
    largest = max(ratios.values())
    return largest + math.log(sum(math.exp(ratios[seen] - largest) for seen in counts) / len(counts))


def tail(equals: Equals, seen: int, of: int) -> float:
    """Return how likely a healthy server's count is as far off as `seen` of `of`, or farther, on the same side."""
    tail_of = binomial.at_most if seen < equals.share * of else binomial.at_least
    return tail_of(seen, of, equals.share)
