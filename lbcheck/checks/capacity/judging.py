"""What was measured of a path, held to what was predicted: a difference of one connection is a finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lbcheck.analysis.counter_deltas import Difference, ServerDelta, differences
from lbcheck.analysis.tuples import binding, server_hop
from lbcheck.analysis.tuples.hops import FAMILIES, Product
from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks.capacity import fills
from lbcheck.checks.capacity.planning import NO_PORTS, through
from lbcheck.checks.capacity.prediction import predicted
from lbcheck.checks.stop_reasons import WHY
from lbcheck.model.address import Family
from lbcheck.model.capacity import Cluster
from lbcheck.model.fill import Fill, Filled, StopKind
from lbcheck.model.sample import HaproxyCounters, LogLines, Sample
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest


@dataclass(frozen=True)
class _Held:
    """What was held of one product. `beside`: IPv6 connections that were there at the same time, tried and held."""

    held: int
    stopped_by: str | None
    seconds: float
    beside: tuple[int, int] | None = None


@dataclass(frozen=True)
class Measurements:
    """What was measured of all paths.

    `through`: frontend → what filled its balancers' source ports, or why nothing did. `logged`: balancer → whether it
    logged that it had no free port; how often is no evidence, for the log loses lines.
    """

    filled: Sequence[Filled]
    counted: Sequence[Difference]
    through: Mapping[str, Fill | str]
    logged: Mapping[str, bool]

    def of(self, label: str) -> list[Filled]:
        """Return the samples of one product."""
        return [sample for sample in self.filled if sample.label == label]


def judge(topology: Topology, samples: Sequence[Sample]) -> list[Verdict]:
    """Return the prediction for each path, with what was measured of it; a difference of one connection fails."""
    cluster = topology.cluster or Cluster()
    filled = [sample for sample in samples if isinstance(sample, Filled)]
    counted = differences(sample for sample in samples if isinstance(sample, HaproxyCounters))
    seen = Measurements(filled, counted, dict(through(cluster, 0.0)), _logged(samples))
    return [_measured(verdict, cluster, subject, seen) for verdict, subject in predicted(cluster, {})]


def _logged(samples: Sequence[Sample]) -> Mapping[str, bool]:
    """Return whether each balancer's log says it anew; a log that could not be read is left out."""
    logs = [sample for sample in samples if isinstance(sample, LogLines)]
    lost = {log.server for log in logs if log.failure}
    readings = {(log.server, log.when): (log.newest_s, log.lines) for log in logs if log.server not in lost}
    balancers = [balancer for balancer, when in readings if when == "after" and (balancer, "before") in readings]
    return {balancer: readings[balancer, "after"] > readings[balancer, "before"] for balancer in balancers}


def _measured(verdict: Verdict, cluster: Cluster, subject: Subject, seen: Measurements) -> Verdict:
    """Return the verdict with what was measured, and a finding wherever that is not what was predicted."""
    steps, findings = [dict(step) for step in verdict.evidence["steps"]], list(verdict.findings)
    unfilled = dict[str, str]()
    for number, (hop, product) in enumerate(fills.products(cluster, subject)):
        servers = seen.through.get(subject.frontend) if hop.name == server_hop.NAME else None
        why = servers if isinstance(servers, str) else "" if servers else fills.why_not(cluster, subject, hop)
        if why:
            unfilled[hop.name] = why
        elif servers:
            findings += _by_counters(seen, cluster, subject, product, steps[number])
        else:
            findings += _by_clients(seen.of(f"{subject.name} {number}"), product, steps[number])
    findings += [Finding(Outcome.PASS, f"{hop}: not measured: {why}") for hop, why in unfilled.items()]
    known = [step for step in steps if step["measured"] is not None]
    exact = sum(step["measured"] == step["predicted"] for step in known)
    told = f"; {exact} of {len(known)} measured as predicted" if known else "; nothing measured"
    outcome = gravest([verdict.outcome, *(finding.outcome for finding in findings)])
    evidence = {**verdict.evidence, "steps": steps}
    return Verdict(verdict.check, verdict.subject, outcome, verdict.summary + told, tuple(findings), evidence)


def _by_clients(samples: Sequence[Filled], product: Product, row: dict[str, Any]) -> Iterator[Finding]:
    """Put into the row what the clients held, and say where it is not what was predicted."""
    what = f"{product.hop}, IPv{product.family}{f', {product.outside.address}' if product.outside else ''}"
    failures = [_words(sample) for sample in samples if sample.failure]
    if failures or not samples:
        idle = product.outside and not product.predicted  # nobody is on it: there is nothing to open
        if idle and not failures:
            row["measured"] = 0
        else:
            why = "; ".join(failures) or "nobody has opened any connection"
            yield Finding(Outcome.UNMEASURED, f"{what}: not measured: {why}")
        return
    held = _held(product, samples)
    row |= {"measured": held.held, "stopped_by": held.stopped_by, "seconds": held.seconds}
    if held.held != product.predicted:
        stop = f"; it ended by {held.stopped_by} ({WHY[StopKind(held.stopped_by)]})" if held.stopped_by else ""
        yield Finding(Outcome.FAIL, f"{what}: {product.predicted:,} predicted, {held.held:,} held{stop}")
    if held.beside:
        there, tried = held.beside
        outcome = Outcome.PASS if there == tried else Outcome.FAIL
        yield Finding(outcome, f"IPv6 beside it, while {what} was dry: {there:,} of {tried:,} held")


def _words(sample: Sample) -> str:
    """Return why a sample has no result, with its host."""
    said = sample.failure.message if sample.failure else ""
    return said if said.startswith(sample.at) else f"at {sample.at}: {said}"


def _by_counters(
    seen: Measurements, cluster: Cluster, subject: Subject, product: Product, row: dict[str, Any]
) -> Iterator[Finding]:
    """Put into the row what the balancers held, by HAProxy's own count, and say who was refused and why."""
    backend = next(f.backend for f in cluster.frontends if f.name == subject.frontend)
    failures = [_words(sample) for sample in seen.of(f"{subject.name} servers") if sample.failure]
    processes = [process for process in seen.counted if process.balancer in product.who]
    failures += [process.failure.message for process in processes if process.failure]
    failures += [process.void for process in processes if process.void]
    if failures or not processes:
        why = "; ".join(failures) or "no statistics were read (lbcheck_stats)"
        yield Finding(Outcome.UNMEASURED, f"{product.hop}: not measured: {why}")
        return
    names = [server.name for server in cluster.backend(backend).servers if server.family == product.family]
    served = [(process.balancer, process.backends.get(backend, {})) for process in processes]
    deltas = [(balancer, name, deltas[name]) for balancer, deltas in served for name in names if name in deltas]
    held = sum(delta.sessions for _, _, delta in deltas)
    refused = sum(delta.refused for _, _, delta in deltas)
    row |= {"measured": held, "stopped_by": product.refusal if refused else None}
    row["seconds"] = max((sample.seconds for sample in seen.of(f"{subject.name} servers")), default=0.0)
    dead = [(balancer, server, delta) for balancer, server, delta in deltas if not delta.serves]
    for balancer, server, delta in dead:
        said = f"{delta.status}{f', {delta.check}' if delta.check else ''}"
        yield Finding(Outcome.FAIL, f"{balancer} says server {server} is {said}: that is no lack of ports")
    if held != product.predicted:
        yield Finding(Outcome.FAIL, f"{product.hop}: {product.predicted:,} predicted, {held:,} held{_short(deltas)}")
    elif refused and not dead:
        yield from _exhausted(deltas, seen.logged)


def _exhausted(deltas: Sequence[tuple[str, str, ServerDelta]], logged: Mapping[str, bool]) -> Iterator[Finding]:
    """Say of each balancer why it is sure that its ports ran out, and no server was dead."""
    for name in dict.fromkeys(balancer for balancer, _, _ in deltas):
        own = [delta for balancer, _, delta in deltas if balancer == name]
        refused, checks = sum(delta.refused for delta in own), ", ".join(dict.fromkeys(d.check for d in own if d.check))
        said = {True: f", its log says '{NO_PORTS}'", False: f", its log does not say '{NO_PORTS}'", None: ""}
        sentence = (
            f"{name} ran out of source ports: {refused:,} further attempts failed (econ), every server stayed up"
            f"{f' ({checks})' if checks else ''}{said[logged.get(name)]}"
        )
        yield Finding(Outcome.PASS, sentence)


def _short(deltas: Sequence[tuple[str, str, ServerDelta]]) -> str:
    return "; " + ", ".join(f"{balancer} to {server} {delta.sessions:,}" for balancer, server, delta in deltas)


def _held(product: Product, samples: Sequence[Filled]) -> _Held:
    """Return what the clients held of a product, by the kernel's count at each."""
    count, beside, tried, stops = 0, 0, 0, dict[str, int]()
    for sample in samples:
        by_family = {v: sum(n for e, n in sample.by_endpoint.items() if _version(e) == v) for v in FAMILIES}
        count += by_family[product.family]
        if product.outside and by_family[6]:
            beside += by_family[6]
            tried += _owed_beside(sample)
        for kind, number in sample.stops.items():
            stops[kind] = stops.get(kind, 0) + number
    stopped_by = max(stops, key=stops.__getitem__) if stops else None
    longest = max((sample.seconds for sample in samples), default=0.0)
    return _Held(count, stopped_by, longest, (beside, tried) if tried else None)


def _owed_beside(sample: Filled) -> int:
    """Return the IPv6 connections of a fill that is otherwise of IPv4: one source, its ports, those endpoints."""
    ends = sum(_version(endpoint) == 6 for endpoint in sample.by_endpoint)
    return binding.tuples(sample.binding, sample.ports, 1, ends)


def _version(endpoint: str) -> Family:
    return 6 if endpoint.startswith("[") else 4
