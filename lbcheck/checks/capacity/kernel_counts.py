"""How many connections of a product the clients held, by the kernel's count at each client."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.tuples import binding
from lbcheck.analysis.tuples.hops import TupleProduct
from lbcheck.checks.capacity.parts import Part
from lbcheck.checks.capacity.results import Result, Row, failure_at_host, unmeasured
from lbcheck.checks.stop_reasons import WHY
from lbcheck.model.address import Endpoint, Family, family
from lbcheck.model.fill import Filled, StopKind
from lbcheck.model.verdict import Finding, Outcome


@dataclass(frozen=True)
class _Bypass:
    """IPv6 connections that were held while IPv4 was full."""

    held: int
    attempted: int


def measured(part: Part, samples: Sequence[Filled]) -> Result:
    """Return the row of a product with the clients' counts, and findings where they differ from the prediction."""
    failures = [failure_at_host(sample) for sample in samples if sample.failure]
    if failures:
        return unmeasured(part, part.name, "; ".join(failures))
    if samples:
        row = replace(
            part.row,
            measured=sum(_held(sample, part.product.family) for sample in samples),
            stopped_by=_most_frequent_stop(samples),
            seconds=max(sample.seconds for sample in samples),
        )
        return Result(row, tuple(_findings(part, row, _bypass(part.product, samples))))
    if part.product.outside and not part.product.predicted:
        # The outside address has no subscribers, so there was nothing to open.
        return Result(replace(part.row, measured=0))
    return unmeasured(part, part.name, "nobody has opened any connection")


def _held(sample: Filled, wanted: Family) -> int:
    """Return how many connections to endpoints of one family a fill held."""
    return sum(count for endpoint, count in sample.by_endpoint.items() if _family_of(endpoint) == wanted)


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


def _findings(part: Part, row: Row, bypass: _Bypass | None) -> Iterator[Finding]:
    if not row.exact:
        sentence = f"{part.name}: {row.predicted:,} predicted, {row.measured:,} held"
        if row.stopped_by:
            sentence += f"; it ended by {row.stopped_by} ({WHY[StopKind(row.stopped_by)]})"
        yield Finding(Outcome.FAIL, sentence)
    if bypass:
        outcome = Outcome.PASS if bypass.held == bypass.attempted else Outcome.FAIL
        sentence = f"IPv6 beside it, while {part.name} was dry: {bypass.held:,} of {bypass.attempted:,} held"
        yield Finding(outcome, sentence)
