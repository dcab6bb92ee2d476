"""Counts that a law judges, and its judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from lbcheck.model.verdict import Outcome

UNTOLD_CYCLES = 64  # workers, threads or instances with a cycle each, if nobody told how many there are


@dataclass(frozen=True)
class Tally:
    """Counts of one balancer (or of several processes together), and the weights that decide the expected counts.

    `counts`: server → requests. `complete`: the counts hold every request that the balancer distributed, so exact
    bounds apply. `cycles`: how many processes, threads or server lines choose by themselves; 0: nobody told.
    `by_key`: key of a hash → server → answers. `looks`: the counts after each round that was looked at, cumulative;
    without the last, which is `counts`. `closed`: no further request will follow. `seldom`: a round costs seconds.
    `slack`: requests that retries may have moved to another server, or counted twice. The smallest fault that matters
    is a weight times (1 - `detect`), or divided by it; `miss` is the probability that it is overlooked. `taken`: what a
    server did with what is counted, for sentences. `silent`: server → the probe's answers since its last one, at least.
    """

    counts: Mapping[str, int]
    weights: Mapping[str, int]
    complete: bool
    cycles: int = 1
    slack: int = 0
    by_key: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    looks: tuple[Mapping[str, int], ...] = ()
    closed: bool = True
    seldom: bool = False
    detect: float = 0.5
    miss: float = 0.01
    taken: str = "answered"
    silent: Mapping[str, int] = field(default_factory=dict)

    @cached_property  # each server is held to it
    def total(self) -> int:
        """Number of requests in the counts."""
        return sum(self.counts.values())

    @property
    def most_cycles(self) -> int:
        """Number of cycles, or the most that are assumed if nobody told."""
        return self.cycles or UNTOLD_CYCLES


@dataclass(frozen=True)
class Judgement:
    """The result of a pass rule: its outcome, and a sentence for each fault.

    `needed`: requests that suffice for a conclusion. `more`: further requests after which to look again; 0: it is
    certain. `doubts`: why it is inconclusive, unless that is for want of requests. `shares`: server → expected share,
    0 to 1; empty: none expected.
    """

    outcome: Outcome
    test: str
    rule: str  # the pass rule, in words
    needed: int
    faults: tuple[str, ...] = ()
    statistic: float | None = None
    p_value: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    more: int = 0
    doubts: tuple[str, ...] = ()


class Law(Protocol):
    """A pass rule, with what it is strict enough for."""

    @property
    def holds_to_weights(self) -> bool:
        """Whether it detects that one weight is halved."""

    @property
    def may_keep_to_one(self) -> bool:
        """Whether one server may get every request."""

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Apply the rule; it raises a false alarm with a probability of at most `alpha`."""


def verdict(tally: Tally, needed: int, faults: tuple[str, ...]) -> Outcome:
    """Return fail if there are faults, else pass if the tally has at least `needed` requests."""
    if faults:
        return Outcome.FAIL
    return Outcome.PASS if tally.total >= needed else Outcome.INCONCLUSIVE


def lacking(tally: Tally, needed: int) -> int:
    """Return how many requests a tally lacks of `needed`; 0 if no further request will follow."""
    return 0 if tally.closed else max(0, needed - tally.total)


def owes(name: str, tally: Tally, share: float, why: str) -> str:
    """Return the sentence for a server whose count, of at least one request, is not what its share owes it."""
    seen = tally.counts.get(name, 0)
    return (
        f"server {name} {tally.taken} {seen:,} of {tally.total:,} requests ({seen / tally.total:.1%}); "
        f"its weight owes it {share * tally.total:,.0f} ({share:.1%}){why}"
    )


def without_weight(tally: Tally) -> tuple[str, ...]:
    """Return a sentence for each server of weight 0 that answered."""
    return tuple(
        f"server {name} has weight 0 and {tally.taken} {tally.counts[name]:,} of {tally.total:,} requests"
        for name, weight in tally.weights.items()
        if not weight and tally.counts.get(name, 0)
    )
