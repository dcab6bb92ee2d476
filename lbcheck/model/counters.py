"""Reading a balancer's counters, in terms that fit every product. A count that a product does not tell is None."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from lbcheck.model import schemes
from lbcheck.model.step import Failure, Sample, Step, When
from lbcheck.model.told_by import ToldBy


@dataclass(frozen=True, kw_only=True)
class ReadCounters(Step):
    """Read what one process of a balancer counted; `uri` is written as the table of schemes says."""

    SAID_AGAIN = ("at", "balancer", "uri", "when")

    balancer: str
    uri: str
    when: When
    ca: str = ""  # certificates in PEM, of authorities that are trusted beside the system's, where `uri` is https

    @property
    def product(self) -> str:
        """The make of the balancer, by the scheme of `uri`; empty: no such scheme."""
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
    DRAINING = "draining"  # keeps its connections and gets no new ones
    DOWN = "down"  # by its health check
    MAINTENANCE = "maintenance"  # set by a person
    STOPPING = "stopping"  # healthy, and its health check asks that it gets nothing new
    OTHER = "other"  # in the product's own word, and it is given nothing new


@dataclass(frozen=True, kw_only=True)
class ServerCounters:
    """What a balancer process counted for one server since it started, or between two readings."""

    name: str  # as the balancer calls it
    requests: int | None = None  # final answers that it gave; interim ones (100, 103) are not counted
    connections: int | None = None  # sent to it, failed attempts included; in mode tcp the algorithm chooses for these
    chosen: int | None = None  # times that the algorithm picked it, without persistence and redispatch
    failed_connections: int | None = None  # attempts to connect that failed
    retries: int | None = None  # further attempts to connect to it
    redispatched: int | None = None  # requests that moved on to another server, or came from one
    failed_responses: int | None = None  # answers that were incomplete or invalid
    failed_checks: int | None = None  # health checks that failed while it was up
    statuses: Mapping[str, int] = field(default_factory=dict)  # class (2xx) → answers of it, 1xx included, where any
    client_aborts: int | None = None  # transfers that the client broke off
    server_aborts: int | None = None  # transfers that the server broke off
    sessions_max: int | None = None  # the most at once since the process started
    session_limit: int | None = None  # at once, beyond which requests wait in a queue; None: no limit, or not told
    queued: int | None = None  # requests that wait now, for it and no other server
    queued_max: int | None = None  # the most of them that ever waited at once
    configured_weight: int | None = None  # in the configuration; an agent or a person may have set another since
    weight: int | None = None  # as it is set
    effective_weight: int | None = None  # at present, a whole number: below `weight` in a slow start, 0 in drain
    slow_start: float | None = None  # the exact share of `weight` while it warms up, above 0 and at most 1
    weight_told_by: ToldBy = ToldBy.NOBODY
    state: ServerState | None = None
    status: str | None = None  # the same in the product's own word
    since_s: int | None = None  # seconds that the state has lasted
    reason: str | None = None  # why a person, the configuration or another server holds it back
    check: str | None = None  # what the last health check said, in the product's own words
    agent: str | None = None  # what its agent said last, in the product's own words; an agent may set the weight
    address: str | None = None  # and port, where the balancer connects to
    configured_address: str | None = None  # the same as its configuration has it: a host's name, perhaps
    cookie: str | None = None  # value of the cookie that makes a client return to it
    backup: bool | None = None  # it gets requests only while no other server serves
    lines: int = 1  # server lines in the configuration for this server; the algorithm picks each by itself

    def since(self, before: "ServerCounters", statuses: Mapping[str, int]) -> "ServerCounters":
        """Return the server with its counts since an earlier reading, and these `statuses`.

        A count that the earlier reading lacks was 0: some products report a count only once it is not 0.
        `dataclasses.replace` takes ten times as long with as many fields, and many servers are read after each round.
        """
        fields, earlier = self.__dict__.copy(), before.__dict__
        for count in SERVER_COUNTS:
            if fields[count] is not None:
                fields[count] -= earlier[count] or 0
        fields["statuses"] = statuses
        other = object.__new__(ServerCounters)
        object.__setattr__(other, "__dict__", fields)
        return other

    @property
    def serves(self) -> bool:
        """Whether the balancer gives it new requests; true if the product tells no state."""
        return self.state in (None, ServerState.SERVING, ServerState.UNCHECKED)

    @property
    def present_weight(self) -> int | None:
        """The weight by which the algorithm picks it now; None: the product tells none."""
        return self.weight if self.effective_weight is None else self.effective_weight

    @property
    def exact_weight(self) -> Fraction | None:
        """The same, not rounded: a product rounds what it shows of a slow start."""
        if self.slow_start is None or self.weight is None:
            return None if self.present_weight is None else Fraction(self.present_weight)
        return self.weight * Fraction(self.slow_start)

    @property
    def reached_limit(self) -> bool | None:
        """Whether it ever was full or kept requests waiting; the algorithm's law is then void. None: it is not told."""
        if self.queued_max:
            return True
        if self.session_limit is None:
            return None if self.queued_max is None else False
        return None if self.sessions_max is None else self.sessions_max >= self.session_limit

    @property
    def disturbances(self) -> int:
        """Failed and repeated attempts that the product counts: they explain a difference between witnesses."""
        tried_again = (self.failed_connections or 0) + (self.retries or 0) + (self.redispatched or 0)
        return tried_again + (self.failed_responses or 0)


# The fields of ServerCounters that count from 0 since the process started, each an int or None; `statuses` does, too.
SERVER_COUNTS = (
    "requests",
    "connections",
    "chosen",
    "failed_connections",
    "retries",
    "redispatched",
    "failed_responses",
    "failed_checks",
    "client_aborts",
    "server_aborts",
)


def together(one: ServerCounters, other: ServerCounters) -> ServerCounters:
    """Return what two lines of one server did. It serves if both of them do; lines that differ in weight show it."""
    same = one.status == other.status
    told = one if same or not one.serves else other
    counts: dict[str, Any] = {name: _plus(getattr(one, name), getattr(other, name)) for name in SERVER_COUNTS}
    fuller = max(one, other, key=_fullness)
    return replace(
        told,
        **counts,
        statuses=dict(Counter(one.statuses) + Counter(other.statuses)),
        sessions_max=fuller.sessions_max,
        session_limit=fuller.session_limit,
        queued=_plus(one.queued, other.queued),
        queued_max=_plus(one.queued_max, other.queued_max),
        weight=_common(one.weight, other.weight),
        effective_weight=_common(one.effective_weight, other.effective_weight),
        lines=one.lines + other.lines,
    )


def _fullness(server: ServerCounters) -> float:
    """Return how near its limit a line came: each line has a limit of its own."""
    return (server.sessions_max or 0) / server.session_limit if server.session_limit else 0.0


def _common(one: int | None, other: int | None) -> int | None:
    return one if one == other else _plus(one, other)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


@dataclass(frozen=True, kw_only=True)
class BackendCounters:
    """What a balancer counted and tells about one backend."""

    name: str
    servers: tuple[ServerCounters, ...] = ()  # none: the product counts for all of them only
    requests: int | None = None  # that reached it, including those that no server answered
    connections: int | None = None  # sent to its servers
    statuses: Mapping[str, int] = field(default_factory=dict)  # class (5xx) → answers of it, the balancer's own as well
    denied: int | None = None  # requests that a rule refused
    queued: int | None = None  # requests that wait now for any of its servers: all are at their limits
    queued_max: int | None = None  # the most of them that ever waited at once
    active_servers: int | None = None  # that serve now, without backups
    backup_servers: int | None = None  # backups that would serve now
    all_backups: bool | None = None  # every backup serves once no other server does, and not the first of them alone
    mode: str | None = None  # http: a server is chosen for a request; tcp: for a connection
    algorithm: str | None = None  # as the product calls it
    algorithm_told_by: ToldBy = ToldBy.NOBODY
    persistent: bool | None = None  # returning clients keep their server, for instance by a cookie


@dataclass(frozen=True, kw_only=True)
class FrontendCounters:
    """What a balancer counted where requests arrive. What its servers did not answer, it answered itself."""

    name: str
    requests: int | None = None  # valid ones that arrived
    statuses: Mapping[str, int] = field(default_factory=dict)  # class (5xx) → answers of it to clients
    denied: int | None = None  # requests that a rule refused
    invalid: int | None = None  # requests that could not be read


@dataclass(frozen=True, kw_only=True)
class Counters(Sample):
    """One reading of one process of a balancer."""

    balancer: str
    uri: str
    when: When
    product: str  # as people call it: HAProxy, Envoy, …; empty: not known
    version: str | None = None
    process: str | None = None  # its id, epoch or generation; another process starts at 0
    uptime_s: float | None = None  # seconds since it started; a smaller value later means another process
    requests: int | None = None  # that the whole process took since it started, whoever cleared its other counters
    maxconn: int | None = None  # connections from clients that the whole process accepts at once
    backends: tuple[BackendCounters, ...] = ()
    frontends: tuple[FrontendCounters, ...] = ()
    default_algorithm: str | None = None  # what this version balances by where its configuration names no algorithm
    cycles: int = 1  # parts of the process that may each keep a cycle of their own: thread groups, workers
