"""Verdicts on each backend: one on all balancers together, and one on each balancer."""

from collections.abc import Mapping, Sequence

from lbcheck.analysis.laws.tally import Judgement
from lbcheck.checks.spread import (
    agreement,
    balancers,
    budget,
    choices,
    comings,
    configurations,
    effect,
    losses,
    server_count,
    statuses,
)
from lbcheck.checks.spread.alike import Compared
from lbcheck.checks.spread.evidence import ServerCounts, SpreadEvidence, StatisticalTest
from lbcheck.checks.spread.known import known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.recognising import observed
from lbcheck.checks.spread.returns import ByBalancer, Returns, returns
from lbcheck.checks.spread.shares import Shares, shares
from lbcheck.model import schemes
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.told_by import ToldBy
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NAME = "spread"


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return, for each frontend that was asked, a verdict on all balancers together, then one on each balancer."""
    verdicts = []
    for seen in observed(question, samples):
        alphas = budget.split(question, seen.told_apart, seen.parts)
        parts = returns(seen)
        errors = statuses.of_balancers(parts)
        verdicts.append(_of_backend(seen, parts, alphas[None]))
        verdicts += [_of_balancer(seen, parts[name], errors, name, alphas[name]) for name in seen.told_apart]
    return verdicts


def _of_backend(seen: Observations, parts: ByBalancer, alpha: float) -> Verdict:
    """Judge all balancers together: lost requests, the witnesses, the spread."""
    whole = known(seen)
    spread = shares(seen, whole, None, alpha)
    answered = seen.client()
    findings: list[Finding] = [*configurations.findings(seen.configured)]
    findings += [Finding(Outcome.UNMEASURED, seen.missing)] if seen.missing else []
    if not seen.told_apart:
        # What the counters tell comes first: it is why the rest is as it is.
        for balancer in seen.cluster.balancers:
            findings += balancers.of_balancer(seen, balancer.name, None)
        findings += choices.findings(seen, None, alpha)
    findings += losses.findings(seen, parts, spread.known, alpha)
    findings += [*agreement.agreement(seen, spread.known if seen.processes else whole), *agreement.of_servers(seen)]
    findings += _of_unit(seen)
    findings += comings.findings(comings.comings(seen, None), judged=not spread.unsteady)
    findings += [*server_count.findings(seen, spread.known), *(spread.findings() if answered else [])]
    outcomes = [finding.outcome for finding in findings]
    return Verdict(
        NAME,
        seen.subject,
        gravest(outcomes if answered else [*outcomes, Outcome.UNMEASURED]),
        f"{seen.sent:,} requests to {seen.frontend.url}: {_written(spread, answered)}",
        tuple(findings),
        _evidence(seen, spread, None),
    )


def _of_unit(seen: Observations) -> list[Finding]:
    """Say that a server is chosen for each connection, where nothing but the connections themselves shows it."""
    inferred = seen.unit == "connection" and seen.unit_told_by is ToldBy.INFERRED
    return [Finding(Outcome.PASS, seen.kept.sentence)] if inferred else []


def _of_balancer(seen: Observations, came: Returns, errors: Compared, name: str, alpha: float) -> Verdict:
    """Judge one balancer by its own counts. The sum of two balancers would hide a wrong weight at one of them.

    `came`: what came back of its requests. `errors`: those of each balancer.
    """
    spread = shares(seen, known(seen, name), name, alpha)
    total = sum(spread.counts.values())
    findings = list(balancers.of_balancer(seen, name, name))
    findings += list(balancers.absent(seen, name)) or losses.at(seen, came, errors, name, alpha)
    findings += agreement.at(seen, name)
    findings += choices.findings(seen, name, alpha)
    if not seen.client(name) and (seen.unheard or (total and not seen.complete(name))):
        why = "its counters are not heard" if seen.unheard else "it counted requests of others, too"
        findings.append(Finding(Outcome.PASS, f"not judged: no answer names it, and {why}"))
    elif total or all(finding.outcome is Outcome.PASS for finding in findings):
        findings += spread.findings()
    algorithm = spread.known.algorithm or "algorithm not known"
    return Verdict(
        NAME,
        f"{seen.subject} at {name}",
        gravest(f.outcome for f in findings),
        f"{algorithm}, {total:,} {seen.unit}s: {_written(spread, spread.counts)}",
        tuple(findings),
        _evidence(seen, spread, name),
    )


def _written(spread: Shares, counts: Mapping[str, int]) -> str:
    names = dict.fromkeys([*spread.known.weights, *sorted(counts)])
    return ", ".join(f"{name} {counts.get(name, 0):,}" for name in names) or "no answer"


def _evidence(seen: Observations, spread: Shares, balancer: str | None) -> SpreadEvidence:
    whole = balancer is None
    answered = seen.client(balancer)
    told_apart = [name for name in seen.told_apart if whole or name == balancer]
    judgement = spread.judgement
    return SpreadEvidence(
        algorithm=spread.known.algorithm,
        algorithm_told_by=spread.known.algorithm_told_by,
        weights_told_by=spread.known.weights_told_by,
        unit=seen.unit,
        unit_told_by=seen.unit_told_by,
        url=seen.frontend.url,
        requests=seen.sent if whole else answered.total(),
        errors=sum(seen.errors.values()) if whole else 0,
        errors_by_kind=dict(seen.errors) if whole else {},
        servers=_servers(seen, spread, balancer),
        balancers={name: dict(seen.client(name) or seen.counted(name) or {}) for name in told_apart},
        test=_test(judgement),
        needed_requests=judgement.needed if judgement else None,
        identities=dict(seen.identities),
        detect=seen.asked.detect,
        power=seen.asked.power,
        product=seen.product if seen.processes else schemes.HAPROXY.name,
    )


def _test(judgement: Judgement | None) -> StatisticalTest:
    if judgement is None:
        return StatisticalTest(name="none", statistic=None, p_value=None)
    return StatisticalTest(name=judgement.test, statistic=judgement.statistic, p_value=judgement.p_value)


def _servers(seen: Observations, spread: Shares, balancer: str | None) -> Mapping[str, ServerCounts]:
    owed = spread.judgement.shares if spread.judgement else {}
    effects = effect.of(seen.client(balancer), owed, seen.asked.detect)
    return {
        name: ServerCounts(
            client=ledger.client,
            balancer=ledger.balancer,
            server=ledger.server,
            expected_share=owed.get(name),
            interval=effects[name].interval if name in effects else None,
            matters=effects[name].matters if name in effects else None,
        )
        for name, ledger in seen.ledgers(spread.known.weights, balancer).items()
    }
