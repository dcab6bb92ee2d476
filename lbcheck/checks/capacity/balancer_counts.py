"""How many connections of balancers the servers accepted, by the servers' kernels, and why there were no more.

HAProxy's own counts do not tell the first. It counts what a server that answers nothing has in its queue as that
server's sessions. They tell the second: whether it had no port left, or the server was dead.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.analysis.tuples import server_hop
from lbcheck.checks.capacity import far_end, own_refusals
from lbcheck.checks.capacity.far_end import FarEnd
from lbcheck.checks.capacity.parts import Part
from lbcheck.checks.capacity.results import Result, Row, failure_at_host, unmeasured
from lbcheck.model import schemes
from lbcheck.model.cluster import Balancer, Cluster, Server, capacity_of
from lbcheck.model.counters import ServerCounters
from lbcheck.model.fill import Filled
from lbcheck.model.verdict import Finding, Outcome


@dataclass(frozen=True)
class _Counted:
    """What one balancer counted of one server while the fill lasted."""

    balancer: str
    server: str
    delta: ServerCounters


@dataclass(frozen=True)
class Words:
    """What the balancers say of themselves: how their counters changed, what they logged, what is not as predicted."""

    counters: Sequence[Difference]
    logged: Mapping[str, bool]  # balancer → whether its log says 'no free port'; left out: it could not be read
    otherwise: Sequence[str]  # sentences on limits that are not as the inventory says


def measured(cluster: Cluster, part: Part, samples: Sequence[Filled], far: FarEnd, words: Words) -> Result:
    """Return the row of a product with what the servers accepted, and findings where the prediction was another."""
    failures = "; ".join(filter(None, map(failure_at_host, samples)))
    seen = _Seen(cluster, part, far)
    why_not = failures or far.unread([server.name for server in seen.servers]) or seen.missed(samples)
    if why_not:
        return unmeasured(part, part.product.hop, why_not)
    said = _Said(cluster, part, words)
    refusals = own_refusals.unexpected(samples)
    predicted = seen.predicted
    if predicted is None:
        return unmeasured(part, part.product.hop, "its servers admit fewer, and which balancer gets those is a race")
    if refusals and seen.accepted < predicted and not (said.dead or seen.waiting):
        return unmeasured(part, part.product.hop, refusals)
    row = replace(
        part.row,
        predicted=predicted,
        measured=seen.accepted,
        stopped_by=part.product.refusal if said.refused else None,
        seconds=max(sample.seconds for sample in samples),
    )
    return Result(row, tuple(_findings(row, seen, said)))


def _findings(row: Row, seen: "_Seen", said: "_Said") -> Iterator[Finding]:
    for server in said.dead:
        yield Finding(Outcome.FAIL, _is_dead(server))
    if not row.exact:
        sentence = f"{row.hop}: {row.predicted:,} predicted, {row.measured:,} held"
        yield Finding(Outcome.FAIL, "; ".join([sentence, ", ".join(seen.each), *seen.waiting]))
        for difference in said.otherwise:
            yield Finding(Outcome.FAIL, difference)
    elif said.nothing:
        yield Finding(Outcome.PASS, f"why the balancers opened no more is not known: {said.nothing}")
    elif said.refused and not said.dead:
        for sentence in said.ran_out:
            yield Finding(Outcome.PASS, sentence)


class _Seen:
    """What the servers of a product's family saw of its balancers."""

    def __init__(self, cluster: Cluster, part: Part, far: FarEnd) -> None:
        self._far, self._cluster, self._part = far, cluster, part
        frontend = next(frontend for frontend in cluster.frontends if frontend.name == part.subject.frontend)
        self._backend = cluster.backend(frontend.backend)
        everyone = self._backend.servers
        self.servers: Sequence[Server] = [one for one in everyone if capacity_of(one).family == part.product.family]
        self._balancers = [balancer for balancer in cluster.balancers if balancer.name in part.product.who]
        self._endpoints = {server.name: tuple(map(str, far_end.endpoints_of(server))) for server in self.servers}
        self._all = [endpoint for server in everyone for endpoint in map(str, far_end.endpoints_of(server))]

    @property
    def predicted(self) -> int | None:
        """The product's tuples, or what the servers admit of them where that is less; None: several share that."""
        product = self._part.product
        alike = [one.predicted for one in self._part.hop.products if one.family == product.family]
        admitted = server_hop.admitted(self._cluster, self._backend, product.family)
        if admitted >= sum(alike):
            return product.predicted
        return admitted if len(alike) == 1 else None

    @property
    def _sources(self) -> set[str]:
        known = [_addresses(balancer) for balancer in self._balancers]
        return (
            {address for addresses in known for address in addresses}
            if all(known)
            else set(self._far.sources(self._all))
        )

    @property
    def accepted(self) -> int:
        """How many connections of the product's balancers the servers had accepted."""
        ends = [endpoint for endpoints in self._endpoints.values() for endpoint in endpoints]
        return self._far.held(ends, self._sources).accepted

    def missed(self, samples: Sequence[Filled]) -> str:
        """Say that the readings missed what the clients held: each holds one to a server; empty: they did not."""
        held_by_clients = sum(sample.held_after or 0 for sample in samples)
        return self._far.missed(held_by_clients, self._all, self._far.sources(self._all))

    @property
    def each(self) -> Iterator[str]:
        """Say how many connections each server had accepted of each balancer."""
        for balancer in self._balancers:
            for server in self.servers:
                held = self._far.held(self._endpoints[server.name], _addresses(balancer))
                yield f"{balancer.name} to {server.name} {held.accepted:,}"

    @property
    def waiting(self) -> list[str]:
        """Where connections waited, and how many."""
        ends = [endpoint for endpoints in self._endpoints.values() for endpoint in endpoints]
        return list(self._far.waiting(ends, self._sources))


def _addresses(balancer: Balancer) -> tuple[str, ...]:
    return (*capacity_of(balancer).sources, *balancer.addresses)


class _Said:
    """What a product's balancers say of themselves."""

    def __init__(self, cluster: Cluster, part: Part, words: Words) -> None:
        processes = [process for process in words.counters if process.balancer in part.product.who]
        self.nothing = "; ".join(_failures(processes)) or ("" if processes else "no statistics were read")
        self._counted = [] if self.nothing else list(_counted(cluster, part, processes))
        self._logged, self._product = words.logged, schemes.product_called(processes[0].product if processes else "")
        self.dead = [server for server in self._counted if not server.delta.serves]
        self.refused = any(server.delta.failed_connections for server in self._counted)
        self.otherwise = [*words.otherwise, *self._other_limits(cluster)]

    def _other_limits(self, cluster: Cluster) -> Iterator[str]:
        """Say of which server a balancer has another limit than the inventory."""
        maxconns = {
            server.name: capacity_of(server).maxconn for backend in cluster.backends for server in backend.servers
        }
        for one in self._counted:
            limit, given = one.delta.session_limit, maxconns.get(one.server)
            if limit and limit != given:
                known = f"{given:,}" if given else "none"
                yield f"{one.balancer}'s server {one.server} has maxconn {limit:,}, the inventory says {known}"

    @property
    def ran_out(self) -> Iterator[str]:
        """Say of each balancer why it is certain that it ran out of source ports."""
        for balancer in dict.fromkeys(server.balancer for server in self._counted):
            deltas = [server.delta for server in self._counted if server.balancer == balancer]
            yield _ran_out(balancer, deltas, self._logged.get(balancer), self._product)


def _failures(processes: Sequence[Difference]) -> Iterator[str]:
    """Give each reason why the balancers' counters say nothing."""
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
