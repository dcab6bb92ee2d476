"""Reading what a balancer counted, in words that fit every product. What a product does not tell is None, never 0."""

from dataclasses import dataclass
from enum import StrEnum

from lbcheck.model import schemes
from lbcheck.model.step import Failure, Sample, Step, When
from lbcheck.model.told_by import ToldBy


@dataclass(frozen=True, kw_only=True)
class ReadCounters(Step):
    """Read what one process of a balancer counted; `uri` is written as the table of schemes says."""

    balancer: str
    uri: str
    when: When

    @property
    def product(self) -> str:
        """Whose counters they are; empty: no scheme is written so."""
        scheme = schemes.of_counters(self.uri)
        return scheme.product.name if scheme else ""

    def lost(self, failure: Failure) -> "Counters":
        """Return the sample of this step when it has no result at all."""
        return Counters(
            at=self.at,
            failure=failure,
            balancer=self.balancer,
            uri=self.uri,
            when=self.when,
            product=self.product,
        )


class ServerState(StrEnum):
    """Whether a balancer gives a server new requests."""

    SERVING = "serving"
    UNCHECKED = "unchecked"  # serving; it has no health check
    DRAINING = "draining"  # keeps what it has, is given nothing new
    DOWN = "down"  # its check says so
    MAINTENANCE = "maintenance"  # a person says so
    OTHER = "other"  # in the product's own word, and it is given nothing new


@dataclass(frozen=True, kw_only=True)
class ServerCounters:
    """What a balancer counted of one server since its process began; or, of two readings, what went by in between."""

    name: str  # as the balancer calls it
    requests: int | None = None  # final answers that it gave; interim ones (100, 103) are not counted
    connections: int | None = None  # that it was given, failed attempts included: what is chosen for in mode tcp
    chosen: int | None = None  # times that the algorithm itself picked it; persistence and second choices are not
    failed_connections: int | None = None  # attempts to connect that failed
    retries: int | None = None  # further attempts to connect to it
    redispatched: int | None = None  # requests that went on to another server, or came from one
    failed_responses: int | None = None  # answers that broke off, or were none
    failed_checks: int | None = None  # health checks that failed while it was up
    weight: int | None = None  # as it is set
    effective_weight: int | None = None  # at present: below `weight` in a slow start, 0 in drain
    weight_told_by: ToldBy = ToldBy.NOBODY
    state: ServerState | None = None
    status: str | None = None  # the same in the product's own word
    since_s: int | None = None  # seconds that the state has lasted
    check: str | None = None  # what the last health check said, in the product's own words
    address: str | None = None  # and port, where the balancer connects to
    backup: bool | None = None  # it is given nothing while another serves
    lines: int = 1  # entries in the configuration that are this one server, each picked by itself

    @property
    def serves(self) -> bool:
        """Whether it is given new requests; it is where the product tells no state."""
        return self.state in (None, ServerState.SERVING, ServerState.UNCHECKED)

    @property
    def present_weight(self) -> int | None:
        """The weight that it is picked by."""
        return self.weight if self.effective_weight is None else self.effective_weight

    @property
    def disturbances(self) -> int:
        """Failed and repeated attempts that the product counts: they explain a difference between witnesses."""
        counts = (self.failed_connections, self.retries, self.redispatched, self.failed_responses)
        return sum(count for count in counts if count is not None)


@dataclass(frozen=True, kw_only=True)
class BackendCounters:
    """What a balancer counted and tells of servers that share their work."""

    name: str
    servers: tuple[ServerCounters, ...] = ()  # none: the product counts for all of them only
    requests: int | None = None  # that reached it, also those that no server answered
    connections: int | None = None  # that were given to its servers
    mode: str | None = None  # http: a server is chosen for a request; tcp: for a connection
    algorithm: str | None = None  # as the product calls it
    algorithm_told_by: ToldBy = ToldBy.NOBODY
    persistent: bool | None = None  # clients that return are not given to the algorithm, as with a cookie


@dataclass(frozen=True, kw_only=True)
class Counters(Sample):
    """One reading of one process of a balancer."""

    balancer: str
    uri: str
    when: When
    product: str  # as people call it: HAProxy, Envoy, …; empty: not known
    version: str | None = None
    process: str | None = None  # which one counted: its id, an epoch, a generation; another one began at 0
    uptime_s: float | None = None  # seconds since it began; one that went back is another process with the same name
    backends: tuple[BackendCounters, ...] = ()
