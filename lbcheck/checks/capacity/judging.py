"""What was measured of a path, held to what was predicted: a difference of one connection is a finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.counter_deltas import Difference, differences
from lbcheck.analysis.tuples import binding, server_hop
from lbcheck.analysis.tuples.hops import Product
from lbcheck.checks.capacity import fills
from lbcheck.checks.capacity.evidence import OpenedRow, TranslatedRow
from lbcheck.checks.capacity.parts import Part, servers_label
from lbcheck.checks.capacity.planning import through
from lbcheck.checks.capacity.prediction import Prediction, predicted
from lbcheck.checks.stop_reasons import WHY
from lbcheck.model import schemes
from lbcheck.model.address import FAMILIES, Family
from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.counters import Counters, ServerCounters
from lbcheck.model.fill import Fill, Filled, StopKind
from lbcheck.model.log_lines import LogLines
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

Row = TranslatedRow | OpenedRow
_Counted = tuple[str, str, ServerCounters]  # balancer, server, what went by


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


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return the prediction for each path, with what was measured of it; a difference of one connection fails."""
    cluster = question.cluster
    filled = [sample for sample in samples if isinstance(sample, Filled)]
    counted = differences(sample for sample in samples if isinstance(sample, Counters))
    seen = Measurements(filled, counted, dict(through(cluster, 0.0)), _logged(samples))
    return [_measured(prediction, cluster, seen) for prediction in predicted(cluster, {})]


def _logged(samples: Sequence[Sample]) -> Mapping[str, bool]:
    """Return whether each balancer's log says it anew; a log that could not be read is left out."""
    logs = [sample for sample in samples if isinstance(sample, LogLines)]
    lost = {log.server for log in logs if log.failure}
    readings = {(log.server, log.when): (log.newest_s, log.lines) for log in logs if log.server not in lost}
    balancers = [balancer for balancer, when in readings if when == "after" and (balancer, "before") in readings]
    return {balancer: readings[balancer, "after"] > readings[balancer, "before"] for balancer in balancers}


def _measured(prediction: Prediction, cluster: Cluster, seen: Measurements) -> Verdict:
    """Return the verdict with what was measured, and a finding wherever that is not what was predicted."""
    verdict = prediction.verdict
    rows, findings, unfilled = list[Row](), list(verdict.findings), dict[str, str]()
    for part in prediction.parts:
        why = _why_not(cluster, part, seen)
        row, found = (part.row, []) if why else _of_part(cluster, part, seen)
        rows.append(row)
        findings += found
        if why:
            unfilled[part.hop.name] = why
    findings += [Finding(Outcome.PASS, f"{hop}: not measured: {why}") for hop, why in unfilled.items()]
    return replace(
        verdict,
        outcome=gravest([verdict.outcome, *(finding.outcome for finding in findings)]),
        summary=verdict.summary + _told(rows),
        findings=tuple(findings),
        evidence=replace(prediction.evidence, steps=tuple(rows)),
    )


def _told(rows: Sequence[Row]) -> str:
    known = [row for row in rows if row.measured is not None]
    exact = sum(row.exact for row in known)
    return f"; {exact} of {len(known)} measured as predicted" if known else "; nothing measured"


def _through(part: Part, seen: Measurements) -> Fill | str | None:
    """Return what fills the servers' side of a part, or why nothing does; None: it is filled from the clients."""
    return seen.through.get(part.subject.frontend) if part.hop.name == server_hop.NAME else None


def _why_not(cluster: Cluster, part: Part, seen: Measurements) -> str:
    """Return why nothing fills a part; empty where something does."""
    through = _through(part, seen)
    if isinstance(through, str):
        return through
    return "" if through else fills.why_not(cluster, part.subject, part.hop)


def _of_part(cluster: Cluster, part: Part, seen: Measurements) -> tuple[Row, list[Finding]]:
    """Return the row of a part that is filled, with what was measured, and what is not as predicted."""
    return _by_counters(cluster, part, seen) if _through(part, seen) else _by_clients(part, seen.of(part.label))


def _unmeasured(part: Part, name: str, why: str) -> tuple[Row, list[Finding]]:
    return part.row, [Finding(Outcome.UNMEASURED, f"{name}: not measured: {why}")]


def _by_clients(part: Part, samples: Sequence[Filled]) -> tuple[Row, list[Finding]]:
    """Return the row with what the clients held, by the kernel's count at each."""
    failures = [_words(sample) for sample in samples if sample.failure]
    if failures:
        return _unmeasured(part, part.name, "; ".join(failures))
    if samples:
        held = _held(part.product, samples)
        row = replace(part.row, measured=held.held, stopped_by=held.stopped_by, seconds=held.seconds)
        return row, list(_of_clients(part, row, held.beside))
    if part.product.outside and not part.product.predicted:  # nobody is on it: there is nothing to open
        return replace(part.row, measured=0), []
    return _unmeasured(part, part.name, "nobody has opened any connection")


def _of_clients(part: Part, row: Row, beside: tuple[int, int] | None) -> Iterator[Finding]:
    if not row.exact:
        stop = f"; it ended by {row.stopped_by} ({WHY[StopKind(row.stopped_by)]})" if row.stopped_by else ""
        yield Finding(Outcome.FAIL, f"{part.name}: {row.predicted:,} predicted, {row.measured:,} held{stop}")
    if beside:
        there, tried = beside
        outcome = Outcome.PASS if there == tried else Outcome.FAIL
        yield Finding(outcome, f"IPv6 beside it, while {part.name} was dry: {there:,} of {tried:,} held")


def _words(sample: Sample) -> str:
    """Return why a sample has no result, with its host."""
    said = sample.failure.message if sample.failure else ""
    return said if said.startswith(sample.at) else f"at {sample.at}: {said}"


def _by_counters(cluster: Cluster, part: Part, seen: Measurements) -> tuple[Row, list[Finding]]:
    """Return the row with what the balancers held, by their own count, and say who was refused and why."""
    samples = seen.of(servers_label(part.subject))
    processes = [process for process in seen.counted if process.balancer in part.product.who]
    failures = [_words(sample) for sample in samples if sample.failure]
    failures += [process.failure.message for process in processes if process.failure]
    failures += [process.void for process in processes if process.void]
    if failures or not processes:
        why = "; ".join(failures) or "no statistics were read (lbcheck_stats)"
        return _unmeasured(part, part.product.hop, why)
    deltas = list(_deltas(cluster, part, processes))
    row = replace(
        part.row,
        measured=sum(delta.connections or 0 for _, _, delta in deltas),
        stopped_by=part.product.refusal if any(delta.failed_connections for _, _, delta in deltas) else None,
        seconds=max((sample.seconds for sample in samples), default=0.0),
    )
    return row, list(_of_balancers(row, deltas, seen.logged, schemes.product_called(processes[0].product)))


def _deltas(cluster: Cluster, part: Part, processes: Sequence[Difference]) -> Iterator[_Counted]:
    """Give what each balancer counted for each server of the part's family."""
    backend = next(f.backend for f in cluster.frontends if f.name == part.subject.frontend)
    names = [
        server.name for server in cluster.backend(backend).servers if capacity_of(server).family == part.product.family
    ]
    for process in processes:
        deltas = process.servers(backend)
        yield from ((process.balancer, name, deltas[name]) for name in names if name in deltas)


def _of_balancers(
    row: Row, deltas: Sequence[_Counted], logged: Mapping[str, bool], product: schemes.Product
) -> Iterator[Finding]:
    dead = [(balancer, server, delta) for balancer, server, delta in deltas if not delta.serves]
    for balancer, server, delta in dead:
        said = f"{delta.status}{f', {delta.check}' if delta.check else ''}"
        yield Finding(Outcome.FAIL, f"{balancer} says server {server} is {said}: that is no lack of ports")
    if not row.exact:
        sentence = f"{row.hop}: {row.predicted:,} predicted, {row.measured:,} held{_short(deltas)}"
        yield Finding(Outcome.FAIL, sentence)
    elif row.stopped_by and not dead:
        yield from _exhausted(deltas, logged, product)


def _exhausted(deltas: Sequence[_Counted], logged: Mapping[str, bool], product: schemes.Product) -> Iterator[Finding]:
    """Say of each balancer why it is sure that its ports ran out, and no server was dead."""
    for name in dict.fromkeys(balancer for balancer, _, _ in deltas):
        own = [delta for balancer, _, delta in deltas if balancer == name]
        refused = sum(delta.failed_connections or 0 for delta in own)
        checks = ", ".join(dict.fromkeys(delta.check for delta in own if delta.check))
        words = product.no_free_port
        said = {True: f", its log says '{words}'", False: f", its log does not say '{words}'", None: ""}
        column = f" ({product.failed_connections})" if product.failed_connections else ""
        sentence = (
            f"{name} ran out of source ports: {refused:,} further attempts failed{column}, every server stayed up"
            f"{f' ({checks})' if checks else ''}{said[logged.get(name)]}"
        )
        yield Finding(Outcome.PASS, sentence)


def _short(deltas: Sequence[_Counted]) -> str:
    return "; " + ", ".join(f"{balancer} to {server} {delta.connections or 0:,}" for balancer, server, delta in deltas)


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
