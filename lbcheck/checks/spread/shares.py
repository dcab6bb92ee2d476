"""Which law the counts of a backend are held to, and what its judgement means, depending on who told what.

A law is applied if somebody told which. If nobody did, the counts may still pass as even, but they fail nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.analysis.laws.tally import Judgement, Law, Tally
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.told_by import ToldBy
from lbcheck.model.verdict import Finding, Outcome

_TOLD = frozenset((ToldBy.USER, ToldBy.BALANCER, ToldBy.CONFIGURATION))


@dataclass(frozen=True)
class Shares:
    """The law that was applied to the counts of one balancer or of all, and its judgement.

    `judgement`: None if lbcheck knows no law of the algorithm. `counts`: those that a reader is shown.
    """

    known: Known
    law: Law | None
    judgement: Judgement | None
    counts: Mapping[str, int]
    unit: str
    product: str  # of the balancers, for sentences

    @property
    def _accuses(self) -> bool:
        """Whether it is a fault to break the law: somebody told the weights, and told the algorithm or meant draws."""
        if self.known.algorithm:
            return self.known.weights_told_by in _TOLD or not (self.law and self.law.holds_to_weights)
        return self.known.weights_told_by is ToldBy.USER

    def findings(self) -> list[Finding]:
        """Return what the counts of requests say about the spread."""
        if self.judgement is None:
            sentence = f"lbcheck has no pass rule for the algorithm '{self.known.algorithm}'"
            return [Finding(Outcome.UNMEASURED, sentence)]
        if self.judgement.doubts:
            return [Finding(Outcome.INCONCLUSIVE, doubt) for doubt in self.judgement.doubts]
        if self.judgement.outcome is Outcome.INCONCLUSIVE:
            few = f"too few {self.unit}s to tell; {self.judgement.needed:,} would do"
            return [Finding(Outcome.INCONCLUSIVE, few)]
        if len(self.counts) == 1 and not (self.known.servers_told or (self.law and self.law.may_keep_to_one)):
            # Without a list of servers a dead one goes unnoticed: a single server that answers everything looks even.
            why = "one server, a hash, a cookie, `first`, or dead others; --weights or --stats would tell"
            return [Finding(Outcome.INCONCLUSIVE, f"only {next(iter(self.counts))} answered: {why}")]
        if self.judgement.faults:
            return self._broken(self.judgement.faults)
        return [Finding(Outcome.PASS, self._kept(self.judgement))]

    def _broken(self, faults: tuple[str, ...]) -> list[Finding]:
        if self._accuses and self.known.algorithm:
            return [Finding(Outcome.FAIL, fault) for fault in faults]
        if self._accuses:
            hint = "if a hash, a cookie or `first` is meant, say --algorithm"
            return [*(Finding(Outcome.FAIL, fault) for fault in faults), Finding(Outcome.PASS, hint)]
        return [Finding(Outcome.INCONCLUSIVE, fault) for fault in (*faults, self._what_would_tell())]

    def _what_would_tell(self) -> str:
        if self.known.weights_told_by in _TOLD:
            whose = f"the weights are those that {self._teller(self.known.weights_told_by)} tells"
            return f"{whose}, and nobody told the algorithm, which may be a hash: --algorithm would tell"
        return "nobody told the weights, and equal ones are assumed: --weights or --stats would tell"

    def _kept(self, judgement: Judgement) -> str:
        known = self.known
        if known.algorithm:
            return f"matches {known.algorithm}{self._as_told(known.algorithm_told_by)}: {judgement.rule}"
        if known.weights_told_by in _TOLD:
            return f"matches the weights{self._as_told(known.weights_told_by)}: {judgement.rule}"
        if known.servers_told:
            return f"even over {len(known.weights)} servers: {judgement.rule}"
        many = f"even over the {len(known.weights)} that answered"
        return f"{many}; one that never answers cannot be seen: --weights or --servers would tell"

    def _as_told(self, who: ToldBy) -> str:
        """Return who told it, unless it was the user, who knows."""
        return "" if who is ToldBy.USER else f", as {self._teller(who)} tells"

    def _teller(self, who: ToldBy) -> str:
        return "the configuration" if who is ToldBy.CONFIGURATION else self.product or "the balancer"


def shares(seen: Observations, known: Known, balancer: str | None, alpha: float, *, closed: bool = True) -> Shares:
    """Hold the counts of one balancer, or of all, to the law that applies. `closed`: no further request will follow."""
    law = table.law_of(known.algorithm, known.product) if known.algorithm else DRAWS
    tally = _tally(seen, known, balancer, closed=closed)
    answered = seen.client(balancer)
    counts = answered if balancer is None else seen.counted(balancer) or answered
    judgement = law.judge(tally, alpha) if law else None
    return Shares(known, law, judgement, counts, seen.unit, seen.product)


def _tally(seen: Observations, known: Known, balancer: str | None, *, closed: bool) -> Tally:
    counted, complete = seen.counted(balancer), seen.complete(balancer)
    # A complete count holds every choice of the algorithm, so the exact bound applies; the clients' count may not.
    counts = counted if counted is not None and complete else seen.client(balancer)
    lines = sum(_lines(seen, process) for process in seen.heard(balancer))
    return Tally(
        counts,
        known.weights,
        complete=complete,
        cycles=lines,
        slack=seen.disturbances,
        by_key=seen.by_key(balancer),
        looks=tuple(seen.client(balancer, rounds) for rounds in range(1, seen.rounds)),
        closed=closed,
        seldom=bool(seen.cluster.clients),
        detect=seen.asked.detect,
        miss=1 - seen.asked.power,
    )


def _lines(seen: Observations, process: Difference) -> int:
    """Return the largest number of server lines that one server has; the exact bound holds for each line."""
    return max((delta.lines for delta in seen.deltas(process).values()), default=1)
