"""Which differences of a server's weight matter, and what share of the answers it has with each of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One server's weight is wrong, and the others' are right.

    `owed`: the server's share, above 0 and below 1, if nothing is wrong. `share`: its share with the fault. `hit` and
    `other`: what one answer by this server, and one by another server, adds to the logarithm of the likelihood ratio
    of the fault against a healthy fleet.
    """

    owed: float
    share: float
    hit: float
    other: float

    def log_ratio(self, seen: int, of: int) -> float:
        """Return the logarithm of the likelihood ratio after `of` answers, `seen` of them by this server."""
        return seen * self.hit + (of - seen) * self.other

    @property
    def falls(self) -> float:
        """By how much an answer of a healthy fleet lowers that logarithm on average; above 0."""
        return -(self.owed * self.hit + (1 - self.owed) * self.other)


@dataclass(frozen=True)
class Equals:
    """Servers that are owed the same share.

    `low`, `high`: between these shares a difference is too small to matter: less than half of what is to be found.
    `less`, `more`: the smallest faults to be found. `finer`: smaller ones that matter, and that as many answers as the
    faults to be found need would show as well.
    """

    servers: tuple[str, ...]
    share: float
    low: float
    high: float
    less: Fault
    more: Fault
    finer: tuple[Fault, ...] = ()

    @property
    def to_rule_out(self) -> tuple[Fault, ...]:
        """The faults that do not fit the counts of a healthy fleet."""
        return (self.less, self.more, *self.finer)

    def matters(self, seen: int, of: int) -> bool:
        """Return whether `seen` of `of` answers is a difference large enough to matter."""
        return not self.low * of <= seen <= self.high * of


def classes(weights: Mapping[str, int], detect: float) -> tuple[Equals, ...]:
    """Return the classes of equal shares, for two servers or more, each with a weight of 1 or more.

    `detect`: the smallest fault to be found multiplies or divides one weight by 1 − `detect`; above 0 and below 1.
    """
    total = sum(weights.values())
    named: dict[int, list[str]] = {}
    for name, weight in weights.items():
        named.setdefault(weight, []).append(name)
    return tuple(_equals(tuple(names), weight / total, detect) for weight, names in named.items())


def _equals(servers: tuple[str, ...], share: float, detect: float) -> Equals:
    low, high = too_small_to_matter(share, detect)
    return Equals(
        servers,
        share,
        low=low,
        high=high,
        less=fault(share, reweighted(share, 1 - detect)),
        more=fault(share, reweighted(share, 1 / (1 - detect))),
    )


def too_small_to_matter(share: float, detect: float) -> tuple[float, float]:
    """Return between which shares a server's weight is off by less than half of what is to be found."""
    less = 1 - detect / 2
    return reweighted(share, less), reweighted(share, 1 / less)


def reweighted(share: float, factor: float) -> float:
    """Return the share of a server whose weight is multiplied by `factor`, if the others keep theirs."""
    return share * factor / (1 - share + share * factor)


def fault(owed: float, share: float) -> Fault:
    """Return the fault that gives a server `share` in place of `owed`; both above 0 and below 1."""
    return Fault(owed, share, hit=math.log(share / owed), other=math.log1p(-share) - math.log1p(-owed))
