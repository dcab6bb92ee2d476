"""The numbers that a verdict on a spread rests on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lbcheck.model import schemes
from lbcheck.model.evidence import Record


@dataclass(frozen=True, kw_only=True, eq=False)
class ServerCounts(Record):
    """What each witness counted for one server; None: a witness that was not heard."""

    client: int
    balancer: int | None
    server: int | None
    expected_share: float | None  # None: no share is expected


@dataclass(frozen=True, kw_only=True, eq=False)
class StatisticalTest(Record):
    """How the counts were held to what is owed."""

    name: str
    statistic: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class SpreadEvidence(Record):
    """All witnesses of one backend, or of it at one balancer."""

    algorithm: str
    unit: Literal["request", "connection"]
    url: str
    requests: int
    errors: int
    errors_by_kind: Mapping[str, int]
    servers: Mapping[str, ServerCounts]
    balancers: Mapping[str, Mapping[str, int]]  # balancer → server → requests
    test: StatisticalTest
    needed_requests: int | None
    product: str = schemes.HAPROXY.name  # whose counters; as when there were no others; empty: of several makes


EVIDENCE = (SpreadEvidence,)
