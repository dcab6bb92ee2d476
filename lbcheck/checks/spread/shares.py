"""Which law the counts of a backend are held to, and what its judgement means, depending on who told what.

A law is applied if somebody told which. If nobody did, the counts may still pass as even, but they fail nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.exact_cycle import ExactCycle
from lbcheck.analysis.laws.one_key import OneKeyOneServer
from lbcheck.analysis.laws.tally import Judgement, Law, Tally
from lbcheck.analysis.order.inference import Inference
from lbcheck.checks import loss
from lbcheck.checks.spread import causes, ceiling, changes, choices, hash_keys, ordering
from lbcheck.checks.spread.kept import of_either_unit
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.known import known as known_of
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.states import takes_requests
from lbcheck.model.step import ErrorKind
from lbcheck.model.told_by import ToldBy
from lbcheck.model.verdict import Finding, Outcome, gravest

_TOLD = frozenset((ToldBy.USER, ToldBy.BALANCER, ToldBy.CONFIGURATION))

_FEWEST_OF_A_KEY = 10  # answers; draws over two servers all meet the same one in 1 of 512 keys
_UNSTEADY_ROUNDS = 3  # after so many rounds, each with a change, the next will likely have one, too
_JUST_AFTER = "just after a change an algorithm may be further off than its law says: run again"


@dataclass(frozen=True)
class Shares:
    """The law that was applied to the counts of one balancer or of all, and its judgement.

    `judgement`: None if lbcheck knows no law of the algorithm. `counts`: those that a reader is shown. `causes`: why
    they may be off the law although nothing is wrong with the algorithm. `unsteady`: no round was without a change.
    `part`: some were, and are judged alone. `sticky`: the requests passed the algorithm by; more of them would tell no
    more. `note`: what the law does not tell; empty: nothing.
    `nameless`: too many answers name no server. `keyed`: each key met one of several servers. `explained`: what the
    order of answers tells. `departed`: a sentence for each server that it shows to have stopped answering.
    """

    known: Known
    law: Law | None
    judgement: Judgement | None
    counts: Mapping[str, int]
    unit: str
    product: str  # of the balancers, for sentences
    causes: tuple[str, ...] = ()
    unsteady: bool = False
    part: bool = False
    sticky: bool = False
    note: str = ""
    keyed: bool = False
    nameless: bool = False
    explained: tuple[str, ...] = ()
    departed: tuple[str, ...] = ()

    @property
    def _accuses(self) -> bool:
        """Whether it is a fault to break the law: somebody told the weights, and told the algorithm or meant draws."""
        if self.known.algorithm:
            return self.known.weights_told_by in _TOLD or not (self.law and self.law.holds_to_weights)
        return self.known.weights_told_by is ToldBy.USER

    def findings(self) -> list[Finding]:
        """Return what the counts of requests say about the spread, and what explains it if they do not pass."""
        found = self._concluded()
        passed = gravest(finding.outcome for finding in found) is Outcome.PASS
        if passed and self.departed and self.law and self.law.holds_to_weights:
            return found + [Finding(Outcome.INCONCLUSIVE, sentence) for sentence in self.departed]
        return found + [Finding(Outcome.PASS, sentence) for sentence in self.explained if found and not passed]

    def _concluded(self) -> list[Finding]:
        if self.judgement is None:
            sentence = f"lbcheck has no pass rule for the algorithm '{self.known.algorithm}'"
            return [Finding(Outcome.UNMEASURED, sentence)]
        if self.sticky and not self.judgement.faults:
            return []  # choices.findings says why the counts do not show the algorithm
        if self.judgement.doubts:
            return self._broken(self.judgement.doubts)
        if not any(self.counts.values()):
            return [Finding(Outcome.INCONCLUSIVE, "no answer came through it, and more requests would not change that")]
        if self.judgement.outcome is Outcome.INCONCLUSIVE:
            needed = self.judgement.needed
            few = f"too few {self.unit}s to tell; {needed:,} would do{ceiling.beyond(needed)}"
            return [Finding(Outcome.INCONCLUSIVE, sentence) for sentence in (*self.causes, few)]
        if len(self.counts) == 1 and not (self.known.servers_told or (self.law and self.law.may_keep_to_one)):
            # Without a list of servers a dead one goes unnoticed: a single server that answers everything looks even.
            why = "one server, a hash, a cookie, `first`, or dead others; --weights or --stats would tell"
            return [Finding(Outcome.INCONCLUSIVE, f"only {next(iter(self.counts))} answered: {why}")]
        if self.judgement.faults:
            return self._broken(self.judgement.faults)
        return [Finding(Outcome.PASS, sentence) for sentence in (self._kept(self.judgement), self.note) if sentence]

    def _broken(self, faults: tuple[str, ...]) -> list[Finding]:
        if self.unsteady:
            why = f"shares are not judged, because {self.product or 'the fleet'} changed during the run"
            return [Finding(Outcome.INCONCLUSIVE, f"{why}: run again")]
        excuses = [sentence for sentence in (*self.causes, self.note, _JUST_AFTER if self.part else "") if sentence]
        if excuses:
            return [Finding(Outcome.INCONCLUSIVE, sentence) for sentence in (*excuses, *faults)]
        if (self.judgement and self.judgement.doubts) or self.nameless:
            nobody = ("answers without a name may be those that are missed",) if self.nameless else ()
            return [Finding(Outcome.INCONCLUSIVE, doubt) for doubt in (*faults, *nobody)]
        if self.keyed and not self.known.algorithm:
            why = "each address that asked met one of several servers, as under a hash: --algorithm would tell"
            return [Finding(Outcome.INCONCLUSIVE, sentence) for sentence in (*faults, why)]
        if self._accuses and self.known.algorithm:
            return [Finding(Outcome.FAIL, fault) for fault in faults]
        if self._accuses:
            meant = "if leastconn, random, `first`, a hash or a cookie is meant, say --algorithm"
            return [*(Finding(Outcome.FAIL, fault) for fault in faults), Finding(Outcome.PASS, meant)]
        return [Finding(Outcome.INCONCLUSIVE, fault) for fault in (*faults, self._what_would_tell())]

    def _what_would_tell(self) -> str:
        if self.known.weights_told_by in _TOLD:
            whose = f"the weights are those that {self._teller(self.known.weights_told_by)} tells"
            return f"{whose}, and nobody told the algorithm, which may be a hash: --algorithm would tell"
        if self.known.weights_told_by is ToldBy.INFERRED:
            whose = f"the weights are those that {self.product or 'the balancer'} tells of some of those who answer"
            return f"{whose}: --weights, or --stats of each, would tell"
        return "nobody told the weights, and equal ones are assumed: --weights or --stats would tell"

    def _kept(self, judgement: Judgement) -> str:
        known = self.known
        if self.note:
            return f"matches {known.algorithm} without its key: {judgement.rule}"
        if known.algorithm:
            return f"matches {known.algorithm}{self._as_told(known.algorithm_told_by)}: {judgement.rule}"
        if known.weights_told_by in (*_TOLD, ToldBy.INFERRED):
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
    """Hold the counts of one balancer, or of all, to the law that applies, over the steady part of the run.

    `closed`: no further request will follow.
    """
    steady = changes.steady(seen, balancer)
    judged = seen if steady is None else steady
    now = known if judged is seen else known_of(judged, balancer)
    tally = _without_idle_backups(_tally(judged, now, balancer, closed=closed), judged, balancer)
    tally = replace(tally, silent=_silent(judged, now, balancer))
    orders = (ordering.inferences if closed else ordering.cycles)(judged, balancer)
    law, judgement, note = _judged(judged, now, tally, alpha)
    if law and judgement and judged.either_unit and not law.may_keep_to_one:
        judgement = _of_either_unit(judgement, law, tally, judged, balancer=balancer, alpha=alpha)
    if judgement and law and law.holds_to_weights and (cycle := ordering.keeps(now.weights, orders)):
        judgement = _passed_by_order(judgement, cycle)
    sticky = choices.sticky(seen, balancer, alpha)
    if law and judgement and not sticky:
        judgement = _beside_answers(judgement, law, tally, judged, balancer=balancer, alpha=alpha)
    if judgement and sticky:
        judgement = replace(judgement, more=0)
    elif judgement and not closed and steady is None and _rounds(seen) < _UNSTEADY_ROUNDS:
        judgement = replace(judgement, more=max(judgement.more, judgement.needed))  # in a round without a change
    answered = seen.client(balancer)
    return Shares(
        now,
        law,
        judgement,
        answered if balancer is None else seen.counted(balancer) or answered,
        seen.unit,
        seen.product,
        causes=causes.of(seen, balancer),
        unsteady=steady is None,
        part=judged is not seen,
        sticky=sticky,
        note=note,
        keyed=_each_key_met_one(tally),
        nameless=loss.too_much(seen.errors[ErrorKind.UNIDENTIFIED], seen.sent),
        explained=tuple(ordering.explanations(orders)),
        departed=tuple(ordering.departures(orders if judged is seen else ordering.inferences(seen, balancer))),
    )


def _passed_by_order(judgement: Judgement, cycle: Inference) -> Judgement:
    """Return a pass if the counts do not yet tell, and the order of answers shows a cycle that keeps the weights."""
    if judgement.outcome is not Outcome.INCONCLUSIVE or judgement.doubts:
        return judgement
    test, period = "period of the order of answers", cycle.period or 0
    rule = f"the answers repeat every {period:,} without exception, by these weights"
    return replace(judgement, outcome=Outcome.PASS, test=test, rule=rule, more=0)


def _each_key_met_one(tally: Tally) -> bool:
    """Return whether several keys were sent, and each met one of several servers, as under a hash."""
    met = [set(servers) for servers in tally.by_key.values() if sum(servers.values()) >= _FEWEST_OF_A_KEY]
    return len(met) > 1 and all(len(servers) == 1 for servers in met) and len(set.union(*met)) > 1


def _judged(seen: Observations, known: Known, tally: Tally, alpha: float) -> tuple[Law | None, Judgement | None, str]:
    """Return the law that applies, its judgement, and what it does not tell."""
    law = table.law_applied(known.algorithm, known.product)
    if not known.algorithm and known.weights_told_by is ToldBy.USER and seen.connection_each:
        law, tally = table.WORKERS, replace(tally, complete=False)
    judgement = law.judge(tally, alpha) if law else None
    if isinstance(law, OneKeyOneServer) and judgement and judgement.faults and not _key_sent(seen, known):
        law = table.law_without_key(known.product)
        return law, law.judge(tally, alpha), _without_key(known)
    return law, judgement, ""


def _rounds(seen: Observations) -> int:
    """Return the number of rounds, by the readings of the balancers after each if there are any."""
    return max((len(process.readings) - 1 for process in seen.processes), default=seen.rounds)


def _key_sent(seen: Observations, known: Known) -> bool:
    return hash_keys.surely_sent(known.algorithm, seen.frontend.url, seen.asked.hash_keys)


def _without_key(known: Known) -> str:
    who = known.product or "the balancer"
    does = "takes turns" if isinstance(table.law_without_key(known.product), ExactCycle) else "does not hash"
    return (
        f"the requests carry no key for {known.algorithm}, and without one {who} {does}: "
        "whether one key meets one server cannot be told; --hash-key names the key"
    )


def _of_either_unit(
    judgement: Judgement, law: Law, tally: Tally, seen: Observations, *, balancer: str | None, alpha: float
) -> Judgement:
    """Return the judgement where it is not known whether a server is chosen for each request or each connection."""
    if tally.complete:
        return judgement  # counters hold just as many requests
    by_connection = replace(seen, asked=replace(seen.asked, unit="connection"))
    counts = by_connection.client(balancer)
    looks = tuple(by_connection.client(balancer, rounds) for rounds in range(1, seen.rounds))
    connections = law.judge(replace(tally, counts=counts, looks=looks, silent={}), alpha)
    further = 0 if tally.closed else seen.kept.further(counts.total(), connections.more)
    return of_either_unit(judgement, connections, seen.kept, further)


def _beside_answers(
    judgement: Judgement, law: Law, tally: Tally, seen: Observations, *, balancer: str | None, alpha: float
) -> Judgement:
    """Return the judgement on counts that hold requests of others, too; a doubt if the answers break the law.

    No witness outvotes another. Answers may be uneven only because others ask in step with the probe.
    """
    answered = seen.client(balancer)
    if judgement.faults or not answered or tally.total - answered.total() <= seen.slack:
        return judgement
    looks = tuple(seen.client(balancer, rounds) for rounds in range(1, seen.rounds))
    alone = law.judge(replace(tally, counts=answered, looks=looks, complete=False), alpha)
    if not alone.faults:
        return judgement
    why = "the counters fit and hold requests of others, too, which may fall in step with these: ask again, or alone"
    return replace(judgement, outcome=Outcome.INCONCLUSIVE, doubts=(*alone.faults, why), more=alone.more)


def _tally(seen: Observations, known: Known, balancer: str | None, *, closed: bool) -> Tally:
    cycles = sum(_cycles(seen, process) for process in seen.heard(balancer))
    tally = Tally(
        seen.client(balancer),
        known.weights,
        complete=seen.complete(balancer),
        cycles=cycles,
        slack=seen.disturbances,
        by_key=seen.by_key.get(balancer, {}),
        looks=tuple(seen.client(balancer, rounds) for rounds in range(1, seen.rounds)),
        closed=closed,
        seldom=bool(seen.cluster.clients),
        detect=seen.asked.detect,
        miss=1 - seen.asked.power,
    )
    counted, picks = seen.counted(balancer), choices.chosen(seen, balancer)
    if picks is not None and (known.algorithm or seen.alone(balancer)):
        # Its choices themselves: also those for clients that a cookie keeps, and in place of a server that refused.
        taken = tally.taken if picks == counted else "was chosen for"
        looks = tally.looks if picks == tally.counts else choices.looks(seen, balancer)
        return replace(tally, counts=picks, looks=looks, complete=True, slack=0, taken=taken)
    # A complete count holds every choice of the algorithm, so the exact bound applies; the clients' count may not.
    return replace(tally, counts=counted) if counted is not None and tally.complete else tally


def _silent(seen: Observations, known: Known, balancer: str | None) -> dict[str, int]:
    """Return server → answers since its last one, at least; nothing where the unit is the connection."""
    if seen.unit != "request":
        return {}
    since, all_answers = seen.silences.get(balancer, {}), seen.client(balancer).total()
    return {name: since.get(name, all_answers) for name in known.weights}


def _without_idle_backups(tally: Tally, seen: Observations, balancer: str | None) -> Tally:
    """Return the tally without what backup servers got beside a server that serves: states.py says who got any."""
    servers = [server for process in seen.heard(balancer) for server in seen.deltas(process).values()]
    idle = {server.name for server in servers if server.backup}
    if not idle or not any(takes_requests(server) and not server.backup for server in servers):
        return tally
    return replace(tally, counts={name: count for name, count in tally.counts.items() if name not in idle})


def _cycles(seen: Observations, process: Difference) -> int:
    """Return how many cycles may choose by themselves: one for each server line of a server, in each part of it."""
    lines = max((delta.lines for delta in seen.deltas(process).values()), default=1)
    return lines * max((reading.cycles for reading in process.readings), default=1)
