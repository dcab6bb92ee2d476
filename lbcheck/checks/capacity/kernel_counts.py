"""How many connections of a product the balancers accepted while the clients held them, by the balancers' kernels."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples import binding
from lbcheck.analysis.tuples.hops import TupleProduct
from lbcheck.checks.capacity import own_refusals
from lbcheck.checks.capacity.far_end import FarEnd
from lbcheck.checks.capacity.parts import Part
from lbcheck.checks.capacity.results import Result, Row, failure_at_host, unmeasured
from lbcheck.checks.stop_reasons import WHY
from lbcheck.model.address import Endpoint, Family, family, of_family
from lbcheck.model.cluster import Client, Cluster, NatGateway
from lbcheck.model.fill import Filled, StopKind
from lbcheck.model.verdict import Finding, Outcome


@dataclass(frozen=True)
class _Bypass:
    """IPv6 connections that were held while IPv4 was full."""

    held: int
    attempted: int


def measured(cluster: Cluster, part: Part, samples: Sequence[Filled], far: FarEnd, otherwise: Sequence[str]) -> Result:
    """Return the row of a product with what was accepted, and findings where that differs from the prediction.

    `otherwise`: sentences on limits of the balancers that are not as the inventory says.
    """
    failures = [failure_at_host(sample) for sample in samples if sample.failure]
    if failures:
        return unmeasured(part, part.name, "; ".join(failures))
    outside = part.product.outside
    if outside and not part.product.predicted:
        # The outside address has no subscribers, so there was nothing to open.
        return Result(replace(part.row, measured=0))
    if unread := far.unread([balancer.name for balancer in cluster.balancers]):
        return unmeasured(part, part.name, unread)
    if not samples:
        return unmeasured(part, part.name, "nobody has opened any connection")
    return _compared(part, samples, _Seen(cluster, part, samples, far), otherwise)


class _Seen:
    """What the balancers saw of a product: its own connections, and all that these fills opened over its family."""

    def __init__(self, cluster: Cluster, part: Part, samples: Sequence[Filled], far: FarEnd) -> None:
        self._far, wanted = far, part.product.family
        self.endpoints = tuple(
            {end: None for sample in samples for end in sample.by_endpoint if _family_of(end) == wanted}
        )
        clients = [client for client in cluster.clients if client.name in part.product.who]
        self.sources: Collection[str] = of_family([a for client in clients for a in client.addresses], wanted)
        everybody: Collection[str] = self.sources
        self._foreign: Sequence[str] = ()  # addresses that nobody in the inventory has
        if part.product.outside:
            known = _addresses(cluster)
            self._foreign = [source for source in far.sources(self.endpoints) if source not in known]
            self.sources = (part.product.outside.address,)
            everybody = {*self._foreign, *_pool(cluster, clients)}
        self.own = far.held(self.endpoints, self.sources)
        held_by_clients = sum(_held(sample, part.product.family) for sample in samples)
        self.missed = far.missed(held_by_clients, self.endpoints, everybody)

    @property
    def waiting(self) -> list[str]:
        """Where connections of the product waited."""
        return list(self._far.waiting(self.endpoints, self.sources))

    @property
    def elsewhere(self) -> Iterator[str]:
        """Say how many came from addresses that nobody in the inventory has."""
        for source in self._foreign:
            if held := self._far.held(self.endpoints, (source,)).whole:
                yield f"{held:,} came from {source}, which is no outside address in the inventory"


def _compared(part: Part, samples: Sequence[Filled], seen: _Seen, otherwise: Sequence[str]) -> Result:
    if seen.missed:
        return unmeasured(part, part.name, seen.missed)
    row = replace(
        part.row,
        measured=seen.own.accepted,
        stopped_by=_most_frequent_stop(samples),
        seconds=max(sample.seconds for sample in samples),
    )
    refusals = own_refusals.unexpected(samples)
    if seen.own.accepted < row.predicted and refusals and not seen.waiting:
        return unmeasured(part, part.name, refusals)
    found = [] if row.exact else [_differs(part, row, seen), *(Finding(Outcome.FAIL, one) for one in otherwise)]
    return Result(row, (*found, *_beside(part, _bypass(part.product, samples))))


def _addresses(cluster: Cluster) -> set[str]:
    """Return every address that a connection may come from."""
    gateways = {address for gateway in cluster.nat_gateways for address in gateway.addresses}
    clients = {address for client in cluster.clients for address in client.addresses}
    return gateways | clients | {address for balancer in cluster.balancers for address in balancer.addresses}


def _pool(cluster: Cluster, clients: Sequence[Client]) -> Iterator[str]:
    """Give every outside address of the NATs that clients are behind."""
    for gateway in _behind(cluster, clients):
        yield from gateway.addresses


def _behind(cluster: Cluster, clients: Sequence[Client]) -> list[NatGateway]:
    names = {client.behind for client in clients}
    return [gateway for gateway in cluster.nat_gateways if gateway.name in names]


def _held(sample: Filled, wanted: Family) -> int:
    """Return how many connections to endpoints of one family a fill held to the end of its hold."""
    return sum(
        min(count, sample.by_endpoint_after.get(endpoint, count))
        for endpoint, count in sample.by_endpoint.items()
        if _family_of(endpoint) == wanted
    )


def _family_of(endpoint: str) -> Family:
    return family(Endpoint.parse(endpoint, default_port=0).address)


def _most_frequent_stop(samples: Sequence[Filled]) -> str | None:
    stops = Counter[str]()
    for sample in samples:
        stops.update(sample.stops)
    if not stops:
        return None
    return max(stops, key=stops.__getitem__)


def _bypass(product: TupleProduct, samples: Sequence[Filled]) -> _Bypass | None:
    """Return the IPv6 connections that were opened in parallel to a NAT's; None: there were none."""
    if not product.outside:
        return None
    with_ipv6 = [sample for sample in samples if _held(sample, 6)]
    attempted = sum(_ipv6_attempts(sample) for sample in with_ipv6)
    if not attempted:
        return None
    return _Bypass(sum(_held(sample, 6) for sample in with_ipv6), attempted)


def _ipv6_attempts(sample: Filled) -> int:
    """Return how many IPv6 connections a NAT's fill opens: from one source, with its ports, to its IPv6 endpoints."""
    endpoints = sum(_family_of(endpoint) == 6 for endpoint in sample.by_endpoint)
    return binding.tuples(sample.binding, sample.ports, 1, endpoints)


def _differs(part: Part, row: Row, seen: _Seen) -> Finding:
    sentence = f"{part.name}: {row.predicted:,} predicted, {row.measured:,} held"
    if row.stopped_by:
        sentence += f"; it ended by {row.stopped_by} ({WHY[StopKind(row.stopped_by)]})"
    return Finding(Outcome.FAIL, "; ".join([sentence, *seen.waiting, *seen.elsewhere]))


def _beside(part: Part, bypass: _Bypass | None) -> Iterator[Finding]:
    if bypass:
        outcome = Outcome.PASS if bypass.held == bypass.attempted else Outcome.FAIL
        sentence = f"IPv6 beside it, while {part.name} was dry: {bypass.held:,} of {bypass.attempted:,} held"
        yield Finding(outcome, sentence)
