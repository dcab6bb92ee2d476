"""What is to be done: steps, each at a host, gathered in stages that follow each other."""

from dataclasses import dataclass
from typing import Literal

from lbcheck.model.address import Endpoint, Family
from lbcheck.model.topology import HERE

RecordType = Literal["A", "AAAA"]
When = Literal["before", "after"]
Layer = Literal["authoritative", "resolver", ""]  # of name servers; empty: told by the answer's AA bit
TIMEOUT_S = 5.0  # for one operation; longer than a SYN's first retransmissions (RFC 6298: after 1 s, then 2 s more)
NEAR_TIMEOUT_S = 2.0  # in labs and on loopback, where nothing takes long: only a SYN's first retransmission fits in


def default_timeout_s(*, near: bool) -> float:
    """Return how long one operation may take where the user does not say; `near`: in a lab, or on loopback."""
    return NEAR_TIMEOUT_S if near else TIMEOUT_S


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do `at` a host. Each step gives exactly one sample, whatever happens."""

    at: str = HERE
    timeout_s: float = TIMEOUT_S  # for one operation


@dataclass(frozen=True, kw_only=True)
class Resolve(Step):
    """Ask `server` for one name and type, `queries` times in one block; no server: the host's own resolver."""

    name: str
    rdtype: RecordType
    queries: int
    server: Endpoint | None = None
    layer: Layer = ""
    rate: float = 0.0  # queries a second; 0: no limit


@dataclass(frozen=True, kw_only=True)
class LookUp(Step):
    """Call getaddrinfo for one name and family, `queries` times."""

    name: str
    family: Family
    queries: int
    rate: float = 0.0


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


@dataclass(frozen=True, kw_only=True)
class ReadHaproxy(Step):
    """Read `show info` and `show stat` from a statistics URI: unix:PATH, tcp://HOST:PORT or http[s]://[USER@]HOST/PATH."""

    balancer: str
    uri: str
    when: When


@dataclass(frozen=True, kw_only=True)
class CountLogLines(Step):
    """Count the lines of a log that carry `token`; `path` is a file's, or journal:UNIT."""

    server: str
    path: str
    token: str
    when: When = "after"


@dataclass(frozen=True, kw_only=True)
class ReadStubStatus(Step):
    """Read nginx's stub_status."""

    server: str
    url: str
    when: When


@dataclass(frozen=True)
class Stage:
    """Steps that run together; those at one host run one after the other, in this order."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked of a check; None: as the check finds right for the topology."""

    queries: int | None = None  # a block
    requests: int | None = None  # over all hosts
    concurrency: int = 4
    keep_alive: bool | None = None
    rate: float | None = None  # requests or queries a second, over all hosts; 0: no limit
    timeout_s: float = TIMEOUT_S
    token: str = ""  # marks this run's requests
    verify: bool = True
    servers: tuple[Endpoint, ...] = ()  # DNS servers to ask, besides the topology's
    types: tuple[RecordType, ...] = ("A", "AAAA")
    sources: tuple[str, ...] = ()  # addresses to send from
    command: tuple[str, ...] = ()  # what makes something fail while it is watched
    lead_s: float = 5.0  # of the watch before the command
    watch_s: float = 10.0  # after it


@dataclass(frozen=True)
class Plan:
    """Stages, one after the other."""

    stages: tuple[Stage, ...] = ()

    def __or__(self, other: "Plan") -> "Plan":
        """Return one plan for both: stages of the same name run together."""
        names = dict.fromkeys(stage.name for stage in (*self.stages, *other.stages))
        stages = (*self.stages, *other.stages)
        return Plan(tuple(Stage(n, tuple(x for s in stages if s.name == n for x in s.steps)) for n in names))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host with a step, each once, in order."""
        return tuple(dict.fromkeys(step.at for stage in self.stages for step in stage.steps))
