"""What the model predicts for each path: its capacity, the limit that binds first, the gain of each addition."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples.client_hop import WANTED
from lbcheck.analysis.tuples.growth import Gain, gains, grow, has_a_place
from lbcheck.analysis.tuples.hops import Hop, Path
from lbcheck.analysis.tuples.path import Subject, full_first, with_reuse
from lbcheck.checks.capacity.evidence import BindingLimit, CapacityEvidence, HopEvidence, Limit
from lbcheck.checks.capacity.parts import Part, parts
from lbcheck.errors import LbcheckError
from lbcheck.model.cluster import Cluster
from lbcheck.model.evidence import LARGEST
from lbcheck.model.evidence import Gain as GainRow
from lbcheck.model.verdict import Finding, Outcome, Verdict

NAME = "capacity"


@dataclass(frozen=True)
class Prediction:
    """What the model predicts for one path, with each of its products."""

    parts: tuple[Part, ...]
    verdict: Verdict
    evidence: CapacityEvidence  # the verdict's


def subjects(cluster: Cluster) -> list[Subject]:
    """Return the subject of each path: every frontend, and every NAT with subscribers."""
    of_frontends = [Subject(frontend=frontend.name) for frontend in cluster.frontends]
    of_nats = [Subject(nat=gateway.name) for gateway in cluster.nat_gateways if cluster.behind.get(gateway.name)]
    return of_frontends + of_nats


def no_path(cluster: Cluster) -> str:
    """Return why there is no path to predict; empty if there is one."""
    if not cluster.frontends:
        return "no frontends: set cluster_frontends (in a model file: frontends)"
    for frontend in cluster.frontends:
        if not (frontend.addresses or cluster.vips):
            return f"frontend '{frontend.name}' answers nowhere: set cluster_vips (in a model file: vips)"
        if not (cluster.clients or cluster.balanced(frontend)):
            return (
                f"frontend '{frontend.name}' has no clients before it and no balancers behind it: put hosts into the "
                "groups clients or load_balancers (in a model file: give clients, or the frontend a backend)"
            )
    return ""


def predict(cluster: Cluster, growth: Mapping[str, int]) -> list[Verdict]:
    """Return a verdict for each frontend and each NAT with subscribers.

    `growth`: what to add to the cluster first → how many. LbcheckError if there is no path, or no place for a thing.
    """
    if reason := no_path(cluster):
        raise LbcheckError(f"there is no path to predict: {reason}")
    for what in growth:
        if not any(has_a_place(cluster, subject, what) for subject in subjects(cluster)):
            raise LbcheckError(f"{what} cannot grow here: there is nothing to add it to")
    return [prediction.verdict for prediction in predicted(cluster, growth)]


def predicted(cluster: Cluster, growth: Mapping[str, int]) -> Iterator[Prediction]:
    """Give the prediction for each path."""
    # Assumptions hold for every path: the first verdict lists them, the evidence of each keeps them.
    for number, subject in enumerate(subjects(cluster)):
        yield _of(cluster, subject, growth, () if number else cluster.assumed)


def _of(cluster: Cluster, subject: Subject, growth: Mapping[str, int], assumed: Sequence[str]) -> Prediction:
    growth = {what: number for what, number in growth.items() if has_a_place(cluster, subject, what)}
    grown = grow(cluster, subject, growth)
    before = subject.path(cluster)
    path = subject.path(grown)
    further_gains = gains(grown, subject)
    findings = [
        *_demand(path),
        *_growth(before, path, growth),
        *_worth_most(path, further_gains),
        *_remarks(grown, subject),
    ]
    findings += [Finding(Outcome.PASS, sentence) for sentence in assumed]
    failed = any(finding.outcome is Outcome.FAIL for finding in findings)
    products = parts(subject, path)
    evidence = _evidence(grown, subject, path, products, further_gains)
    if growth:
        evidence = replace(evidence, grown=growth, before=before.holds)
    if max(_numbers(evidence)) > LARGEST:
        raise LbcheckError(f"{path.subject}: more than 2^53 connections, which no report can say: a slip in a number?")
    verdict = Verdict(
        NAME,
        path.subject,
        Outcome.FAIL if failed else Outcome.PASS,
        f"holds {path.holds:,} connections at once{_by_way(path)}; limited by {path.limit} ({path.narrowest.name})",
        tuple(findings),
        evidence,
    )
    return Prediction(products, verdict, evidence)


def _numbers(evidence: CapacityEvidence) -> Iterator[int]:
    """Give every number of connections that the report says."""
    yield from (evidence.holds, evidence.wanted or 0)
    for hop in evidence.hops:
        yield from (hop.holds, *(limit.value for limit in hop.limits))
    yield from (row.predicted for row in evidence.steps)
    yield from (abs(gain.tuples) for gain in evidence.gains)


def _by_way(path: Path) -> str:
    if not path.bypass:
        return ""
    return f", {path.narrowest.holds:,} through the NAT and {path.bypass.holds:,} by IPv6 past it"


def _demand(path: Path) -> Iterator[Finding]:
    """Compare what the clients want with what the path holds."""
    if path.wanted is None:
        return
    if path.wanted > path.holds:
        yield Finding(Outcome.FAIL, f"of {path.wanted:,} connections wanted {path.wanted - path.holds:,} find no room")
    else:
        yield Finding(Outcome.PASS, f"all {path.wanted:,} connections wanted fit")


def _growth(before: Path, path: Path, growth: Mapping[str, int]) -> Iterator[Finding]:
    if growth:
        added = ", ".join(f"{what}={number}" for what, number in growth.items())
        change = path.holds - before.holds
        yield Finding(Outcome.PASS, f"grown by {added}: {before.holds:,} → {path.holds:,} ({change:+,})")


def _worth_most(path: Path, further_gains: Sequence[Gain]) -> Iterator[Finding]:
    """Return which addition gains the most, in words; if none gains anything, which hops are equally low.

    `further_gains`: what one more of each thing gains, the largest first.
    """
    best = [gain for gain in further_gains if gain.gained > 0 and gain.gained == further_gains[0].gained]
    if best:
        each = " each" if len(best) > 1 else ""
        words = ", ".join(gain.words for gain in best)
        yield Finding(Outcome.PASS, f"worth most, {best[0].gained:+,}{each}: {words}")
    elif further_gains and path.limit != WANTED:
        lowest = [hop.name for hop in path.hops if hop.holds == path.holds]
        why = f": {' and '.join(lowest)} bind together" if len(lowest) > 1 else ""
        yield Finding(Outcome.PASS, f"one more of nothing gains anything{why}")


def _remarks(cluster: Cluster, subject: Subject) -> Iterator[Finding]:
    full = full_first(cluster, subject.frontend) if subject.frontend else None
    if full:
        yield Finding(
            Outcome.PASS,
            f"{full.server} (weight {full.weight} of {full.of_weights}) reaches its limit of {full.limit:,} first. "
            f"Further connections for it fail, so the servers hold {full.together:,} together. "
            f"With `option redispatch` they would go to another server: {full.redispatched:,}.",
        )
    if subject.nat:
        share = "each total is exact; which subscriber gets how much of it is a race and not predicted"
        yield Finding(Outcome.PASS, share)


def _evidence(
    cluster: Cluster, subject: Subject, path: Path, products: Sequence[Part], further_gains: Sequence[Gain]
) -> CapacityEvidence:
    without_reuse = subject.path(with_reuse(cluster, False)).every_hop
    reusing = subject.path(with_reuse(cluster, True)).every_hop
    return CapacityEvidence(
        holds=path.holds,
        wanted=path.wanted,
        binding_limit=BindingLimit(hop=path.narrowest.name, limit=path.limit, value=path.holds),
        gains=tuple(GainRow(add=gain.words, what=gain.what, tuples=gain.gained) for gain in further_gains),
        hops=tuple(_hop_evidence(*same) for same in zip(path.every_hop, without_reuse, reusing, strict=True)),
        steps=tuple(part.row for part in products),
        assumed=cluster.assumed,
    )


def _hop_evidence(hop: Hop, without_reuse: Hop, reusing: Hop) -> HopEvidence:
    """Return what a hop holds, and its short connections a second: as configured, without and with tcp_tw_reuse."""
    return HopEvidence(
        hop=hop.name,
        holds=hop.holds,
        limits=tuple(Limit(limit=limit, value=value) for limit, value in hop.limits),
        connections_a_second=_rate(hop),
        without_tw_reuse=_rate(without_reuse),
        with_tw_reuse=_rate(reusing),
    )


def _rate(hop: Hop) -> float | None:
    if hop.a_second is None:
        return None
    return round(hop.a_second, 1)
