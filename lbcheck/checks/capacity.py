"""How many connections each path holds, what binds first, what one more of each thing gains: predicted and measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lbcheck.analysis import capacity, measuring
from lbcheck.analysis.counters import differences
from lbcheck.analysis.growth import Gain, Subject, gains, grow, has_a_place
from lbcheck.analysis.hops import Hop, Path
from lbcheck.analysis.hops import Step as Product
from lbcheck.analysis.measured import NO_PORTS, Seen, logged, measured
from lbcheck.errors import LbcheckError
from lbcheck.model.capacity import Cluster
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.plan import CountLogLines, Options, Plan, ReadHaproxy, Stage, Step, When
from lbcheck.model.sample import HaproxyCounters, Sample
from lbcheck.model.topology import HERE, Topology
from lbcheck.model.verdict import Finding, Outcome, Verdict

NAME = "capacity"
LOG_S = 20.0  # for a journal of any length


def supports(topology: Topology) -> str:
    """Return why this topology cannot be measured, or nothing where it can."""
    return "" if topology.cluster else "no model of tuple capacity: lbcheck capacity --measure makes one"


# --- plan ---


def plan(topology: Topology, options: Options) -> Plan:
    """Return counters, fills through each frontend in mode tcp, counters again; then fills up to the VIPs and the NATs.

    LbcheckError where it is no lab: filling somebody's tuples is an attack.
    """
    if not topology.lab:
        raise LbcheckError("--measure uses up every port of a path: only in a lab (lbcheck_lab: true in the inventory)")
    cluster = topology.cluster or Cluster()
    through = [fill for _, fill in _through(cluster, options.timeout_s) if isinstance(fill, Fill)]
    upto = [fill for subject in subjects(cluster) for fill in measuring.fills(cluster, subject, options.timeout_s)]
    counting = [tuple(_counters(topology, options, when)) if through else () for when in ("before", "after")]
    may = (HERE, *topology.reachable)
    stages = (
        Stage("before", counting[0]),
        Stage("traffic", tuple(through)),
        Stage("after", counting[1]),
        Stage("clients", tuple(upto)),
    )
    return Plan(tuple(Stage(stage.name, tuple(step for step in stage.steps if step.at in may)) for stage in stages))


def _counters(topology: Topology, options: Options, when: When) -> Iterator[Step]:
    for balancer in topology.balancers:
        for uri in balancer.stats:
            at = balancer.name if uri.startswith("unix:") else HERE
            yield ReadHaproxy(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=options.timeout_s)
        if balancer.log:
            log = CountLogLines(at=balancer.name, server=balancer.name, path=balancer.log, token=NO_PORTS, when=when)
            yield replace(log, timeout_s=LOG_S)


def _through(cluster: Cluster, timeout_s: float) -> Iterator[tuple[str, Fill | str]]:
    """Give each frontend in mode tcp with servers, and what fills its balancers' source ports, or why nothing does."""
    for frontend in cluster.frontends:
        if frontend.backend and frontend.mode == "tcp":
            yield frontend.name, measuring.of_servers(cluster, frontend, timeout_s)


# --- judge ---


def subjects(cluster: Cluster) -> list[Subject]:
    """Return each path: of a frontend, of a NAT with subscribers."""
    found = [Subject(frontend=frontend.name) for frontend in cluster.frontends]
    return found + [Subject(nat=pool.name) for pool in cluster.nats if cluster.behind.get(pool.name)]


def judge(topology: Topology, samples: Sequence[Sample]) -> list[Verdict]:
    """Return the prediction for each path, with what was measured of it; a difference of one connection fails."""
    cluster = topology.cluster or Cluster()
    filled = [sample for sample in samples if isinstance(sample, Filled)]
    counted = differences(sample for sample in samples if isinstance(sample, HaproxyCounters))
    seen = Seen(filled, counted, dict(_through(cluster, 0.0)), logged(samples))
    return [measured(verdict, cluster, subject, seen) for verdict, subject in _predicted(cluster, {})]


def predict(cluster: Cluster, growth: Mapping[str, int]) -> list[Verdict]:
    """Return a verdict for each frontend and for each NAT with subscribers, of the cluster with that much more.

    LbcheckError where there is nothing that could grow so.
    """
    for what in growth:
        if not any(has_a_place(cluster, subject, what) for subject in subjects(cluster)):
            raise LbcheckError(f"{what} cannot grow here: there is nothing to add it to")
    return [verdict for verdict, _ in _predicted(cluster, growth)]


def _predicted(cluster: Cluster, growth: Mapping[str, int]) -> Iterator[tuple[Verdict, Subject]]:
    # What was assumed holds for all; it is said once, and is in the evidence of each.
    for number, subject in enumerate(subjects(cluster)):
        yield _of(cluster, subject, growth, () if number else cluster.assumed), subject


def _of(cluster: Cluster, subject: Subject, growth: Mapping[str, int], assumed: Sequence[str]) -> Verdict:
    growth = {what: number for what, number in growth.items() if has_a_place(cluster, subject, what)}
    grown = grow(cluster, subject, growth)
    before, path, more = subject.path(cluster), subject.path(grown), gains(grown, subject)
    findings = [*_wishes(path), *_growth(before, path, growth), *_worth(path, more), *_remarks(grown, subject)]
    findings += [Finding(Outcome.PASS, sentence) for sentence in assumed]
    failed = any(finding.outcome is Outcome.FAIL for finding in findings)
    return Verdict(
        NAME,
        path.subject,
        Outcome.FAIL if failed else Outcome.PASS,
        f"holds {path.holds:,} connections at once{_ways(path)}; limited by {path.limit} ({path.narrowest.name})",
        tuple(findings),
        _evidence(grown, subject, path, more) | ({"grown": dict(growth), "before": before.holds} if growth else {}),
    )


def _ways(path: Path) -> str:
    if not path.past:
        return ""
    return f", {path.narrowest.holds:,} through the NAT and {path.past.holds:,} by IPv6 past it"


def _wishes(path: Path) -> Iterator[Finding]:
    """Hold what the clients want against what the path holds."""
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


def _worth(path: Path, more: list[Gain]) -> Iterator[Finding]:
    """Say which one more is worth most; where none helps, what binds together."""
    best = [gain for gain in more if gain.gained > 0 and gain.gained == more[0].gained]
    if best:
        words = ", ".join(gain.words for gain in best)
        yield Finding(Outcome.PASS, f"worth most, {best[0].gained:+,}{' each' * (len(best) > 1)}: {words}")
    elif more and path.limit != capacity.WANTED:
        tied = [hop.name for hop in path.hops if hop.holds == path.holds]
        why = f": {' and '.join(tied)} bind together" if len(tied) > 1 else ""
        yield Finding(Outcome.PASS, f"one more of nothing gains anything{why}")


def _remarks(cluster: Cluster, subject: Subject) -> Iterator[Finding]:
    uneven = capacity.when_redispatched(cluster, subject.frontend) if subject.frontend else None
    if uneven:
        server, whole = uneven
        sentence = f"server {server} is full first and limits the path; with redispatch all would hold {whole:,}"
        yield Finding(Outcome.PASS, sentence)
    if subject.nat:
        share = "each total is exact; which subscriber gets how much of it is a race and not predicted"
        yield Finding(Outcome.PASS, share)


def _hops(path: Path) -> list[Hop]:
    return [*path.hops, *([path.past] if path.past else [])]


def _evidence(cluster: Cluster, subject: Subject, path: Path, more: list[Gain]) -> dict[str, Any]:
    hops = _hops(path)
    rested, reused = (_hops(subject.path(capacity.with_reuse(cluster, reuse))) for reuse in (False, True))
    return {
        "holds": path.holds,
        "wanted": path.wanted,
        "binding": {"hop": path.narrowest.name, "limit": path.limit, "value": path.holds},
        "gains": [{"add": gain.words, "what": gain.what, "tuples": gain.gained} for gain in more],
        "hops": [_hop(*same) for same in zip(hops, rested, reused, strict=True)],
        "steps": [_step(step) for hop in hops for step in hop.steps],
        "assumed": list(cluster.assumed),
    }


def _hop(hop: Hop, rested: Hop, reused: Hop) -> dict[str, Any]:
    """Return what a hop holds, and the short connections a second that it sustains, also without and with reuse."""
    return {
        "hop": hop.name,
        "holds": hop.holds,
        "limits": [{"limit": limit, "value": value} for limit, value in hop.limits],
        "connections_a_second": _rate(hop),
        "without_tw_reuse": _rate(rested),
        "with_tw_reuse": _rate(reused),
    }


def _rate(hop: Hop) -> float | None:
    return None if hop.a_second is None else round(hop.a_second, 1)


def _step(step: Product) -> dict[str, Any]:
    """Return one product; what was seen is null until somebody has looked."""
    outside = step.outside
    return {
        "hop": step.hop,
        "family": step.family,
        "binding": step.binding,
        "sources": step.sources,
        "endpoints": step.endpoints,
        "ports": step.ports,
        "predicted": step.predicted,
        "measured": None,
        "stopped_by": None,
        "seconds": 0.0,
        "refusal": step.refusal,
    } | ({"outside": outside.address, "subscribers": outside.subscribers, "wanted": outside.wanted} if outside else {})
