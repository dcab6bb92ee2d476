"""Verdicts on each backend: one on all balancers together, and one on each balancer."""

from collections.abc import Mapping, Sequence

from lbcheck.analysis import sampling
from lbcheck.analysis.counter_deltas import Difference
from lbcheck.analysis.laws import table
from lbcheck.analysis.laws.tally import Judgement, Tally
from lbcheck.checks.spread import testimony
from lbcheck.checks.spread.evidence import ServerCounts, SpreadEvidence, StatisticalTest
from lbcheck.checks.spread.observations import Observations, gather
from lbcheck.model import schemes
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NAME = "spread"
ALPHA = sampling.FALSE_ALARM * sampling.BUDGET[NAME]
FEWEST_TESTS = 20  # the error rate is divided by at least this many tests


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return, for each frontend that was asked, a verdict on all balancers together, then one on each balancer."""
    observed = [gather(question, frontend, samples) for frontend in question.cluster.web]
    observed = [seen for seen in observed if seen.answers]
    alpha = ALPHA / max(FEWEST_TESTS, sum(1 + len(seen.told_apart) for seen in observed))
    verdicts = []
    for seen in observed:
        verdicts.append(_of_backend(seen, alpha))
        verdicts += [_of_balancer(seen, name, alpha) for name in seen.told_apart]
    return verdicts


def _of_backend(seen: Observations, alpha: float) -> Verdict:
    """Judge all balancers together: lost requests, the witnesses, the spread."""
    judgement = _judge_shares(seen, None, alpha)
    answered = seen.client()
    findings = [*testimony.lost(seen), *testimony.agreement(seen), *testimony.of_servers(seen)]
    if not seen.told_apart:
        for balancer in seen.cluster.balancers:
            findings += testimony.of_balancer(seen, balancer.name)
    findings += _shares(seen, judgement, answered) if answered else []
    known = answered or seen.cluster.clients  # without any answer a fleet fails, a single URL is unmeasured
    return Verdict(
        NAME,
        f"backend {seen.backend.name}",
        gravest(f.outcome for f in findings) if known else Outcome.UNMEASURED,
        f"{seen.sent:,} requests to {seen.frontend.url}: {_written(seen, answered)}",
        tuple(findings),
        _evidence(seen, judgement, None),
    )


def _of_balancer(seen: Observations, name: str, alpha: float) -> Verdict:
    """Judge one balancer by its own counts. The sum of two balancers would hide a wrong weight at one of them."""
    judgement = _judge_shares(seen, name, alpha)
    counts = seen.counted(name) or seen.client(name)
    findings = [*testimony.of_balancer(seen, name), *testimony.absent(seen, name)]
    if sum(counts.values()) or not findings:
        findings += _shares(seen, judgement, counts)
    return Verdict(
        NAME,
        f"backend {seen.backend.name} at {name}",
        gravest(f.outcome for f in findings),
        f"{seen.backend.algorithm}, {sum(counts.values()):,} {seen.unit}s: {_written(seen, counts)}",
        tuple(findings),
        _evidence(seen, judgement, name),
    )


def _judge_shares(seen: Observations, balancer: str | None, alpha: float) -> Judgement | None:
    law = table.law_of(seen.backend.algorithm)
    if law is None:
        return None
    counted = seen.counted(balancer)
    complete = seen.complete(balancer)
    # A complete count holds every choice of the algorithm, so the exact bound applies; the clients' count may not.
    counts = counted if counted is not None and complete else seen.client(balancer)
    lines = sum(_lines(seen, process) for process in seen.processes if balancer in (None, process.balancer))
    tally = Tally(
        counts,
        seen.backend.weights,
        complete=complete,
        processes=max(1, lines),
        by_key=seen.by_key(balancer),
    )
    return law.judge(tally, alpha)


def _lines(seen: Observations, process: Difference) -> int:
    """Return the largest number of server lines that one server has; the exact bound holds for each line."""
    return max((delta.lines for delta in seen.deltas(process).values()), default=1)


def _shares(seen: Observations, judgement: Judgement | None, counts: Mapping[str, int]) -> list[Finding]:
    if judgement is None:
        return [Finding(Outcome.UNMEASURED, f"lbcheck has no pass rule for the algorithm '{seen.backend.algorithm}'")]
    if judgement.outcome is Outcome.INCONCLUSIVE:
        few = f"too few {seen.unit}s to tell; {judgement.needed:,} would do"
        return [Finding(Outcome.INCONCLUSIVE, few)]
    law = table.law_of(seen.backend.algorithm)
    if len(counts) == 1 and not (seen.servers_told or (law and law.may_keep_to_one)):
        # Without a list of servers a dead one goes unnoticed: a single server that answers everything looks balanced.
        why = "one server, a hash, a cookie, `first`, or dead others; --weights or --stats would tell"
        return [Finding(Outcome.INCONCLUSIVE, f"only {next(iter(counts))} answered: {why}")]
    return [Finding(Outcome.FAIL, fault) for fault in judgement.faults] or [
        Finding(Outcome.PASS, f"matches {seen.backend.algorithm}: {judgement.rule}")
    ]


def _written(seen: Observations, counts: Mapping[str, int]) -> str:
    names = dict.fromkeys([*seen.backend.weights, *sorted(counts)])
    return ", ".join(f"{name} {counts.get(name, 0):,}" for name in names) or "no answer"


def _evidence(seen: Observations, judgement: Judgement | None, balancer: str | None) -> SpreadEvidence:
    whole = balancer is None
    answered = seen.client(balancer)
    balancers = [name for name in seen.told_apart if whole or name == balancer]
    return SpreadEvidence(
        algorithm=seen.backend.algorithm,
        unit=seen.unit,
        url=seen.frontend.url,
        requests=seen.sent if whole else answered.total(),
        errors=sum(seen.errors.values()) if whole else 0,
        errors_by_kind=dict(seen.errors) if whole else {},
        servers=_servers(seen, judgement, balancer),
        balancers={name: dict(seen.client(name) or seen.counted(name) or {}) for name in balancers},
        test=_test(judgement),
        needed_requests=judgement.needed if judgement else None,
        product=seen.product if seen.processes else schemes.HAPROXY.name,
    )


def _test(judgement: Judgement | None) -> StatisticalTest:
    if judgement is None:
        return StatisticalTest(name="none", statistic=None, p_value=None)
    return StatisticalTest(name=judgement.test, statistic=judgement.statistic, p_value=judgement.p_value)


def _servers(seen: Observations, judgement: Judgement | None, balancer: str | None) -> Mapping[str, ServerCounts]:
    owed = judgement.shares if judgement else {}
    return {
        name: ServerCounts(
            client=ledger.client,
            balancer=ledger.balancer,
            server=ledger.server,
            expected_share=owed.get(name),
        )
        for name, ledger in seen.ledgers(balancer).items()
    }
