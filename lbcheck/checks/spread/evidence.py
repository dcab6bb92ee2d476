"""The numbers behind a verdict on the spread of requests over servers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lbcheck.model import schemes
from lbcheck.model.evidence import Record
from lbcheck.model.told_by import ToldBy


@dataclass(frozen=True, kw_only=True, eq=False)
class ServerCounts(Record):
    """How many requests (or connections) each witness counted for one server; None: that witness has no count."""

    client: int
    balancer: int | None
    server: int | None
    expected_share: float | None  # 0 to 1; None: the algorithm promises no share
    # In which its true share lies, lowest and highest, in 95 of 100 runs, whenever the run ended; for draws by weight.
    interval: tuple[float, ...] | None = None
    matters: bool | None = None  # its weight is off by half of what is to be found, or by more; as it was counted


@dataclass(frozen=True, kw_only=True, eq=False)
class StatisticalTest(Record):
    """The test that compared the counts with the pass rule."""

    name: str
    statistic: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class SpreadEvidence(Record):
    """What all witnesses counted for one backend, through all balancers or through one."""

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
    algorithm_told_by: ToldBy | None = None  # None: an older report
    weights_told_by: ToldBy | None = None
    unit_told_by: ToldBy = ToldBy.NOBODY  # also in an older report
    identities: Mapping[str, str] = field(default_factory=dict)  # server's name in answers → at the balancer
    detect: float = 0.5  # the smallest fault that is to be found: a weight times (1 - detect), or divided by it
    power: float = 0.99  # probability with which it is found
    product: str = schemes.HAPROXY.name  # whose counters; empty: several makes. Older reports: HAProxy


EVIDENCE = (SpreadEvidence,)
