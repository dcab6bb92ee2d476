"""Asking a DNS server: a block of queries, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lbcheck.model.address import Endpoint
from lbcheck.model.step import Failure, Sample, Step, paced_s

RecordType = Literal["A", "AAAA"]
Layer = Literal["authoritative", "resolver", ""]  # kind of name server; empty: the answer's AA bit decides


@dataclass(frozen=True, kw_only=True)
class Resolve(Step):
    """Ask `server` for one name and type, `queries` times in one block; no server: the host's own resolver."""

    SAID_AGAIN = ("at", "name", "rdtype")

    name: str
    rdtype: RecordType
    queries: int
    server: Endpoint | None = None
    layer: Layer = ""
    rate: float = 0.0  # queries a second; 0: no limit

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes where every answer comes in time."""
        return paced_s(self.queries, self.rate, self.timeout_s)

    def lost(self, failure: Failure) -> "Resolution":
        """Return the sample of this step when it has no result at all."""
        return Resolution(
            at=self.at,
            failure=failure,
            server=str(self.server or ""),
            layer=self.layer,
            name=self.name,
            rdtype=self.rdtype,
        )

    def gives(self, sample: Sample) -> bool:
        """Return whether a sample can be this step's own; who is asked, and what it is, may be for the host to find."""
        return (
            super().gives(sample)
            and isinstance(sample, Resolution)
            and (not self.server or sample.server == str(self.server))
            and (not self.layer or sample.layer == self.layer)
        )


@dataclass(frozen=True, kw_only=True)
class Resolution(Sample):
    """Answers to one block of queries to one server."""

    server: str  # Endpoint, as text
    layer: Layer
    name: str
    rdtype: RecordType
    queries: int = 0  # sent
    first: Mapping[str, int] = field(default_factory=dict)  # address → answers that gave it first
    orders: Mapping[str, int] = field(default_factory=dict)  # addresses in order, joined by a blank → answers
    ttls_s: tuple[int, ...] = ()  # every TTL seen, sorted
    rcodes: Mapping[str, int] = field(default_factory=dict)  # NOERROR, NXDOMAIN, …
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → queries
    truncated: int = 0  # answers with the TC bit, repeated over TCP
