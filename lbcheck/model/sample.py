"""What was seen: append-only facts, aggregated where they were seen. A failed step is a sample with a failure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Family
from lbcheck.model.plan import Layer, RecordType, When


class ErrorKind(StrEnum):
    """Why an observation failed, told apart as far as the operating system and the peer tell."""

    REFUSED = "refused"  # somebody is there and nobody listens
    TIMEOUT = "timeout"  # silence
    RESET = "reset"
    UNREACHABLE = "unreachable"  # no route, no such host, or Ansible cannot log in
    PORTS_EXHAUSTED = "ports-exhausted"  # EADDRNOTAVAIL or EADDRINUSE at the client
    TLS = "tls"
    PROTOCOL = "protocol"  # an answer that is none: truncated, malformed, huge
    STATUS = "status"  # an HTTP status, or a DNS rcode, that says no
    UNIDENTIFIED = "unidentified"  # an answer without the name of who gave it
    NOT_FOUND = "not-found"  # no such name, file, socket or program
    DENIED = "denied"  # permission, or a wrong password
    INTERNAL = "internal"  # lbcheck's own fault, or a host's Python is missing


@dataclass(frozen=True)
class Failure:
    """Why a whole step has no result; `message` is a sentence."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One fact, seen at a host."""

    at: str
    failure: Failure | None = None
    seconds: float = 0.0


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
    truncated: int = 0  # answered by TC, asked again over TCP


@dataclass(frozen=True, kw_only=True)
class Lookup(Sample):
    """What getaddrinfo gave; `sources` is destination → source address/prefix length that the kernel would use."""

    name: str
    family: Family
    queries: int = 0
    first: Mapping[str, int] = field(default_factory=dict)
    orders: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Count:
    """Answers that one server gave, through one balancer (empty: not named)."""

    balancer: str
    server: str
    requests: int
    connections: int  # of which were the first on their connection


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


@dataclass(frozen=True, kw_only=True)
class HaproxyCounters(Sample):
    """`show stat` and `show info` of one HAProxy process; the rows keep the columns that lbcheck reads."""

    balancer: str
    uri: str
    when: When
    rows: tuple[Mapping[str, int | str], ...] = ()  # CSV column → int where it is a number, else text
    pid: int = 0  # 0: not known (a page may hide it)
    uptime_s: int = -1
    version: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if not (isinstance(row.get("pxname"), str) and isinstance(row.get("svname"), str)):
                raise LbcheckError("a row of statistics names no proxy and server (pxname, svname)")


@dataclass(frozen=True, kw_only=True)
class LogLines(Sample):
    """Lines of a log that carry a token; a journal forgets, so of one only the newest is told."""

    server: str
    path: str
    lines: int = 0
    newest_s: float = 0.0  # when it was written, by that host's clock, in seconds since 1970; 0: not told
    when: When = "after"


@dataclass(frozen=True, kw_only=True)
class StubStatus(Sample):
    """nginx's own counters: process-wide, its own reading included."""

    server: str
    when: When
    accepts: int = 0
    handled: int = 0
    requests: int = 0
