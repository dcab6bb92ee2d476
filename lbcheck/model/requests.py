"""Requesting a URL many times, and which servers answered."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lbcheck.errors import LbcheckError
from lbcheck.model.step import SILENCE_S, Failure, Sample, Step, paced_s

ORDER_LIMIT = 4_000  # answers whose order is kept: 24 kB of a sample where no server answers twice in a row


@dataclass(frozen=True, kw_only=True)
class Request(Step):
    """Request `url` at `address` `requests` times over at most `concurrency` connections; count answers by server."""

    SAID_AGAIN = ("at", "url", "address", "source", "round", "key")

    url: str
    address: str  # to connect to, instead of what the URL's host resolves to; empty: resolve it
    requests: int
    concurrency: int = 4
    keep_alive: bool = False
    dealt: int = 0  # kept connections, one of which is drawn for each request; 0: any that is idle
    identify: str = "header:x-served-by"  # header:NAME, cookie:NAME or body:REGEX (its first group, or all of it)
    identify_balancer: str = ""
    token: str = ""  # in the User-Agent, so that access logs can be counted
    every_address: bool = False  # without `address`: ask all that the URL's host resolves to in turn, not one of them
    source: str = ""  # address to bind to
    rate: float = 0.0  # requests a second; 0: no limit
    verify: bool = True  # TLS certificates
    round: int = 0  # of a measurement that asks again and again; they count from 0
    headers: tuple[tuple[str, str], ...] = ()  # request header fields (name, value) beside lbcheck's own
    key: str = ""  # value of the hash key that this step sends (in `headers`); empty: none
    ca: str = ""  # certificates in PEM, of authorities that are trusted beside the system's
    silence_s: float = SILENCE_S  # the most seconds, in all, of waiting for failures and silence; 0: no limit

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes where every answer comes in time."""
        return paced_s(self.requests, self.rate, self.timeout_s / self.concurrency)

    @property
    def patience_s(self) -> float:
        """The most seconds that it waits besides, for failures and silence."""
        return self.silence_s or SILENCE_S

    def lost(self, failure: Failure) -> "Answers":
        """Return the sample of this step when it has no result at all."""
        return Answers(
            at=self.at,
            failure=failure,
            url=self.url,
            address=self.address,
            source=self.source,
            round=self.round,
            key=self.key,
        )


@dataclass(frozen=True)
class Count:
    """Answers of one server through one balancer (empty: the answers name none)."""

    balancer: str
    server: str
    requests: int
    connections: int  # those of the requests that were the first on their connection
    statuses: Mapping[str, int] = field(default_factory=dict)  # HTTP status → answers; empty: not kept

    def __post_init__(self) -> None:
        if self.requests < 0 or self.connections < 0:
            raise LbcheckError(f"server '{self.server}': a count of answers below 0")


@dataclass(frozen=True, kw_only=True)
class Answers(Sample):
    """Answers to one Request step, by server. `sent` requests = answers in `counts` + `errors`.

    A status without a server's name is in `errors`, too: from 500 on as `status`, below as `unidentified`. What a
    sample of an earlier version did not keep is empty.
    """

    url: str
    address: str
    source: str = ""
    sent: int = 0
    connections: int = 0
    counts: tuple[Count, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → requests
    statuses: Mapping[str, int] = field(default_factory=dict)  # HTTP status → answers
    round: int = 0
    key: str = ""  # value of the hash key that the requests carried
    # Who answered, in the order of the answers: (index into `counts`, how many in a row); answers with a name alone.
    order: tuple[tuple[int, int], ...] = ()
    order_cut: bool = False  # there were more than ORDER_LIMIT answers; `order` has the first of them
    unnamed: Mapping[str, int] = field(default_factory=dict)  # HTTP status → answers that name no server
    redirects: Mapping[str, int] = field(default_factory=dict)  # "301 TARGET" → answers; a few of many targets
    addresses: tuple[str, ...] = ()  # that the URL's host resolves to, where each was to be asked
    reasons: Mapping[str, str] = field(default_factory=dict)  # ErrorKind → why the first of them failed, a sentence
    product_headers: Mapping[str, str] = field(default_factory=dict)  # `server`, `via` → their values in first answers
    cut_bodies: int = 0  # answers whose body was longer than is read
    silent_s: float = 0.0  # seconds spent waiting for failures and silence
    kept: int = 0  # connections that carried two answers with a name, or more
    moved: int = 0  # those of them that met more than one server
    given_up: str = ""  # why the step ended before all its requests were sent, a sentence; empty: it did not

    def __post_init__(self) -> None:
        if any(not 0 <= index < len(self.counts) or length < 1 for index, length in self.order):
            raise LbcheckError("an order of answers names a server that is not in counts, or no answers")
        if sum(length for _, length in self.order) > ORDER_LIMIT:
            raise LbcheckError(f"an order of more than {ORDER_LIMIT:,} answers")
        if not 0 <= self.moved <= self.kept:
            raise LbcheckError("of the kept connections, more than all or fewer than none met more than one server")

    def in_order(self) -> Iterator[Count]:
        """Give, for each answer that named a server, in order, the count that it is in; ORDER_LIMIT answers at most."""
        for index, length in self.order:
            yield from [self.counts[index]] * length
