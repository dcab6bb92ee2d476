"""Requesting a URL many times, and who answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class Request(Step):
    """Ask `url` at `address` `requests` times over at most `concurrency` connections, and count who answered."""

    url: str
    address: str  # connected to, whatever the URL's host resolves to; empty: resolve it
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
    """Answers that one server gave, through one balancer (empty: not named)."""

    balancer: str
    server: str
    requests: int
    connections: int  # those of the requests that were the first on their connection


@dataclass(frozen=True, kw_only=True)
class Answers(Sample):
    """Who answered one Request step. `sent` requests = answers in `counts` + `errors`."""

    url: str
    address: str
    source: str = ""
    sent: int = 0
    connections: int = 0
    counts: tuple[Count, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → requests
    statuses: Mapping[str, int] = field(default_factory=dict)  # HTTP status → answers
