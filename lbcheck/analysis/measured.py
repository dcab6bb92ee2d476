"""What was measured of a path, held to what was predicted: a difference of one connection is a finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lbcheck.analysis import measuring, server_hop
from lbcheck.analysis.counters import Difference, ServerDelta
from lbcheck.analysis.filling import WHY
from lbcheck.analysis.growth import Subject
from lbcheck.analysis.hops import Step
from lbcheck.model.capacity import Cluster
from lbcheck.model.fill import Fill, Filled, StopKind
from lbcheck.model.sample import LogLines, Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NO_PORTS = "no free ports"  # what HAProxy logs at each attempt that finds no source port (Connect() failed …)


@dataclass(frozen=True)
class Seen:
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


def logged(samples: Sequence[Sample]) -> Mapping[str, bool]:
    """Return whether each balancer's log says it anew; a log that could not be read is left out."""
    logs = [sample for sample in samples if isinstance(sample, LogLines)]
    lost = {log.server for log in logs if log.failure}
    readings = {(log.server, log.when): (log.newest_s, log.lines) for log in logs if log.server not in lost}
    balancers = [balancer for balancer, when in readings if when == "after" and (balancer, "before") in readings]
    return {balancer: readings[balancer, "after"] > readings[balancer, "before"] for balancer in balancers}


def measured(verdict: Verdict, cluster: Cluster, subject: Subject, seen: Seen) -> Verdict:
    """Return the verdict with what was measured, and a finding wherever that is not what was predicted."""
    steps, findings = [dict(step) for step in verdict.evidence["steps"]], list(verdict.findings)
    unfilled = dict[str, str]()
    for number, (hop, step) in enumerate(measuring.products(cluster, subject)):
        servers = seen.through.get(subject.frontend) if hop.name == server_hop.NAME else None
        why = servers if isinstance(servers, str) else "" if servers else measuring.why_not(cluster, subject, hop)
        if why:
            unfilled[hop.name] = why
        elif servers:
            findings += _by_counters(seen, cluster, subject, step, steps[number])
        else:
            findings += _by_clients(seen.of(f"{subject.name} {number}"), step, steps[number])
    findings += [Finding(Outcome.PASS, f"{hop}: not measured: {why}") for hop, why in unfilled.items()]
    known = [step for step in steps if step["measured"] is not None]
    exact = sum(step["measured"] == step["predicted"] for step in known)
    told = f"; {exact} of {len(known)} measured as predicted" if known else "; nothing measured"
    outcome = gravest([verdict.outcome, *(finding.outcome for finding in findings)])
    evidence = {**verdict.evidence, "steps": steps}
    return Verdict(verdict.check, verdict.subject, outcome, verdict.summary + told, tuple(findings), evidence)


def _by_clients(samples: Sequence[Filled], step: Step, row: dict[str, Any]) -> Iterator[Finding]:
    """Put into the row what the clients held, and say where it is not what was predicted."""
    what = f"{step.hop}, IPv{step.family}{f', {step.outside.address}' if step.outside else ''}"
    failures = [_words(sample) for sample in samples if sample.failure]
    if failures or not samples:
        idle = step.outside and not step.predicted  # nobody is on it: there is nothing to open
        if idle and not failures:
            row["measured"] = 0
        else:
            why = "; ".join(failures) or "nobody has opened any connection"
            yield Finding(Outcome.UNMEASURED, f"{what}: not measured: {why}")
        return
    held = measuring.held(step, samples)
    row |= {"measured": held.held, "stopped_by": held.stopped_by, "seconds": held.seconds}
    if held.held != step.predicted:
        stop = f"; it ended by {held.stopped_by} ({WHY[StopKind(held.stopped_by)]})" if held.stopped_by else ""
        yield Finding(Outcome.FAIL, f"{what}: {step.predicted:,} predicted, {held.held:,} held{stop}")
    if held.beside:
        there, tried = held.beside
        outcome = Outcome.PASS if there == tried else Outcome.FAIL
        yield Finding(outcome, f"IPv6 beside it, while {what} was dry: {there:,} of {tried:,} held")


def _words(sample: Sample) -> str:
    """Return why a sample has no result, with its host."""
    said = sample.failure.message if sample.failure else ""
    return said if said.startswith(sample.at) else f"at {sample.at}: {said}"


def _by_counters(seen: Seen, cluster: Cluster, subject: Subject, step: Step, row: dict[str, Any]) -> Iterator[Finding]:
    """Put into the row what the balancers held, by HAProxy's own count, and say who was refused and why."""
    backend = next(f.backend for f in cluster.frontends if f.name == subject.frontend)
    failures = [_words(sample) for sample in seen.of(f"{subject.name} servers") if sample.failure]
    processes = [process for process in seen.counted if process.balancer in step.who]
    failures += [process.failure.message for process in processes if process.failure]
    failures += [process.void for process in processes if process.void]
    if failures or not processes:
        why = "; ".join(failures) or "no statistics were read (lbcheck_stats)"
        yield Finding(Outcome.UNMEASURED, f"{step.hop}: not measured: {why}")
        return
    names = [server.name for server in cluster.backend(backend).servers if server.family == step.family]
    served = [(process.balancer, process.backends.get(backend, {})) for process in processes]
    deltas = [(balancer, name, deltas[name]) for balancer, deltas in served for name in names if name in deltas]
    held = sum(delta.sessions for _, _, delta in deltas)
    refused = sum(delta.refused for _, _, delta in deltas)
    row |= {"measured": held, "stopped_by": step.refusal if refused else None}
    row["seconds"] = max((sample.seconds for sample in seen.of(f"{subject.name} servers")), default=0.0)
    dead = [(balancer, server, delta) for balancer, server, delta in deltas if not delta.serves]
    for balancer, server, delta in dead:
        said = f"{delta.status}{f', {delta.check}' if delta.check else ''}"
        yield Finding(Outcome.FAIL, f"{balancer} says server {server} is {said}: that is no lack of ports")
    if held != step.predicted:
        yield Finding(Outcome.FAIL, f"{step.hop}: {step.predicted:,} predicted, {held:,} held{_short(deltas)}")
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
