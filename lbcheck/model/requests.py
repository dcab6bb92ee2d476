"""Requesting a URL many times, and which servers answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class Request(Step):
    """Request `url` at `address` `requests` times over at most `concurrency` connections; count answers by server."""

    url: str
    address: str  # to connect to, instead of what the URL's host resolves to; empty: resolve it
    requests: int
    concurrency: int = 4
    keep_alive: bool = False
    identify: str = "header:x-served-by"  # header:NAME, cookie:NAME or body:REGEX (its first group, or all of it)
    identify_balancer: str = ""
    token: str = ""  # in the User-Agent, so that access logs can be counted
    source: str = ""  # address to bind to
    rate: float = 0.0  # requests a second; 0: no limit
    verify: bool = True  # TLS certificates

    def lost(self, failure: Failure) -> "Answers":
        """Return the sample of this step when it has no result at all."""
        return Answers(at=self.at, failure=failure, url=self.url, address=self.address, source=self.source)


@dataclass(frozen=True)
class Count:
    """Answers of one server through one balancer (empty: the answers name none)."""

    balancer: str
    server: str
    requests: int
    connections: int  # those of the requests that were the first on their connection


@dataclass(frozen=True, kw_only=True)
class Answers(Sample):
    """Answers to one Request step, by server. `sent` requests = answers in `counts` + `errors`."""

    url: str
    address: str
    source: str = ""
    sent: int = 0
    connections: int = 0
    counts: tuple[Count, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → requests
    statuses: Mapping[str, int] = field(default_factory=dict)  # HTTP status → answers
