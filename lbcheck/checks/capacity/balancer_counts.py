"""How many connections balancers held to servers by their own count, and why they opened no more."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.checks.capacity.parts import Part
from lbcheck.checks.capacity.results import Result, Row, failure_at_host, unmeasured
from lbcheck.model import schemes
from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.counters import ServerCounters
from lbcheck.model.fill import Filled
from lbcheck.model.verdict import Finding, Outcome


@dataclass(frozen=True)
class _Counted:
    """What one balancer counted of one server while the fill lasted."""

    balancer: str
    server: str
    delta: ServerCounters


def measured(
    cluster: Cluster,
    part: Part,
    samples: Sequence[Filled],
    counters: Sequence[Difference],
    logged: Mapping[str, bool],
) -> Result:
    """Return the row of a product with the balancers' counts, and findings where they differ from the prediction.

    `logged`: balancer → whether its log says that it had no free port.
    """
    processes = [process for process in counters if process.balancer in part.product.who]
    failures = list(_failures(samples, processes))
    if failures or not processes:
        why = "; ".join(failures) or "no statistics were read (lbcheck_stats)"
        return unmeasured(part, part.product.hop, why)
    counted = list(_counted(cluster, part, processes))
    if any(server.delta.connections is None for server in counted):
        return unmeasured(part, part.product.hop, f"{processes[0].product} does not tell its connections to a server")
    refused = any(server.delta.failed_connections for server in counted)
    row = replace(
        part.row,
        measured=sum(server.delta.connections or 0 for server in counted),
        stopped_by=part.product.refusal if refused else None,
        seconds=max((sample.seconds for sample in samples), default=0.0),
    )
    product = schemes.product_called(processes[0].product)
    return Result(row, tuple(_findings(row, counted, logged, product)))


def _failures(samples: Sequence[Filled], processes: Sequence[Difference]) -> Iterator[str]:
    """Give each reason why the counts say nothing: of the fills, then of the counters."""
    for sample in samples:
        if sample.failure:
            yield failure_at_host(sample)
    for process in processes:
        if process.failure:
            yield process.failure.message
    for process in processes:
        if process.void:
            yield process.void


def _counted(cluster: Cluster, part: Part, processes: Sequence[Difference]) -> Iterator[_Counted]:
    """Give what each balancer counted of each server of the product's family."""
    frontend = next(frontend for frontend in cluster.frontends if frontend.name == part.subject.frontend)
    for process in processes:
        deltas = process.servers(frontend.backend)
        for server in cluster.backend(frontend.backend).servers:
            if server.name in deltas and capacity_of(server).family == part.product.family:
                yield _Counted(process.balancer, server.name, deltas[server.name])


def _findings(
    row: Row, counted: Sequence[_Counted], logged: Mapping[str, bool], product: schemes.Product
) -> Iterator[Finding]:
    dead = [server for server in counted if not server.delta.serves]
    for server in dead:
        yield Finding(Outcome.FAIL, _is_dead(server))
    if not row.exact:
        each = ", ".join(f"{held.balancer} to {held.server} {held.delta.connections or 0:,}" for held in counted)
        yield Finding(Outcome.FAIL, f"{row.hop}: {row.predicted:,} predicted, {row.measured:,} held; {each}")
    elif row.stopped_by and not dead:
        for balancer in dict.fromkeys(server.balancer for server in counted):
            deltas = [server.delta for server in counted if server.balancer == balancer]
            yield Finding(Outcome.PASS, _ran_out(balancer, deltas, logged.get(balancer), product))


def _is_dead(server: _Counted) -> str:
    check = f", {server.delta.check}" if server.delta.check else ""
    state = f"{server.delta.status}{check}"
    return f"{server.balancer} says server {server.server} is {state}: that is no lack of ports"


def _ran_out(balancer: str, deltas: Sequence[ServerCounters], logged: bool | None, product: schemes.Product) -> str:
    """Return why it is certain that a balancer ran out of source ports, and not that a server was dead."""
    refused = sum(delta.failed_connections or 0 for delta in deltas)
    sentence = f"{balancer} ran out of source ports: {refused:,} further attempts failed"
    if product.failed_connections:
        sentence += f" ({product.failed_connections})"
    sentence += ", every server stayed up"
    checks = ", ".join(dict.fromkeys(delta.check for delta in deltas if delta.check))
    if checks:
        sentence += f" ({checks})"
    if logged is None:  # its log was not read
        return sentence
    says = "says" if logged else "does not say"
    return f"{sentence}, its log {says} '{product.no_free_port}'"
