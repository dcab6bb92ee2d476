"""Calling getaddrinfo, as programs on a host do, and its results."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.address import Family
from lbcheck.model.step import Failure, Sample, Step, paced_s


@dataclass(frozen=True, kw_only=True)
class LookUp(Step):
    """Call getaddrinfo for one name and family, `queries` times."""

    SAID_AGAIN = ("at", "name", "family")

    name: str
    family: Family
    queries: int
    rate: float = 0.0  # calls a second; 0: no limit

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes where every answer comes in time."""
        return paced_s(self.queries, self.rate, self.timeout_s)

    def lost(self, failure: Failure) -> "Lookup":
        """Return the sample of this step when it has no result at all."""
        return Lookup(at=self.at, failure=failure, name=self.name, family=self.family)


@dataclass(frozen=True, kw_only=True)
class Lookup(Sample):
    """What getaddrinfo returned; `sources`: destination → source address/prefix length that the kernel would use."""

    name: str
    family: Family
    queries: int = 0
    first: Mapping[str, int] = field(default_factory=dict)
    orders: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
