"""The numbers behind a verdict on DNS rotation."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.model.dns_queries import RecordType
from lbcheck.model.evidence import Record


@dataclass(frozen=True, kw_only=True, eq=False)
class DnsEvidence(Record):
    """The answers to one block of queries for one name and type."""

    layer: str  # authoritative, resolver or getaddrinfo
    name: str
    type: RecordType
    queries: int
    first: Mapping[str, int]  # address → answers that list it first
    orders: Mapping[str, int]  # addresses in their order, separated by commas → answers
    errors: Mapping[str, int]
    needed_queries: int
    ttl_s: int | None
    # Only a DNS server's answers have these; getaddrinfo does not return them.
    server: str | None = None
    truncated: int | None = None
    rcodes: Mapping[str, int] | None = None


EVIDENCE = (DnsEvidence,)
