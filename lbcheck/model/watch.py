"""Watching a service while something fails: the step, and its result."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.step import Failure, Sample, Step

LONGEST_S = 4 * 3600.0  # 300,000 attempts at each address, which a host keeps in memory: 60 MB


@dataclass(frozen=True)
class Route:
    """A URL, and the address at which it is requested."""

    url: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Watch(Step):
    """Ask each route once every `interval_s`, over a new connection, for `for_s` seconds, whatever the answers do.

    An answer after `timeout_s` counts as none. Below 1 s an answer never needed a retransmitted SYN (RFC 6298).
    """

    SAID_AGAIN = ("at", "rehearsal")

    routes: tuple[Route, ...]
    interval_s: float
    for_s: float
    timeout_s: float = 0.5
    identify_balancer: str = ""
    token: str = ""
    verify: bool = True
    ca: str = ""  # certificates in PEM, of authorities that are trusted beside the system's
    rehearsal: bool = False  # before the watch: whether it answers, and how long a host takes to begin
    until_told: bool = False  # it goes on beyond `for_s` until it is told to stop, or for LONGEST_S

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes."""
        return (LONGEST_S if self.until_told else self.for_s) + self.timeout_s

    def lost(self, failure: Failure) -> "Watched":
        """Return the sample of this step when it has no result at all."""
        return Watched(at=self.at, failure=failure, rehearsal=self.rehearsal)

    def gives(self, sample: Sample) -> bool:
        """Return whether a sample can be this step's own: of its routes, each once."""
        if not (super().gives(sample) and isinstance(sample, Watched)):
            return False
        return bool(sample.failure) or tuple(Route(seen.url, seen.address) for seen in sample.seen) == self.routes


@dataclass(frozen=True)
class Gap:
    """Consecutive attempts without an answer, from the start of the last answered attempt to that of the next one.

    At the edges of the watch it begins with the first attempt, and ends with the last (`back` is then False). Times are
    seconds since the watch began.
    """

    start_s: float
    end_s: float
    failures: int
    back: bool = True  # an attempt was answered afterwards
    before: str = ""  # the balancer that answered before; empty: no answer, or none that names a balancer
    after: str = ""

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class RouteSeen:
    """What one host observed on one route."""

    url: str
    address: str
    attempts: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → attempts
    balancers: Mapping[str, int] = field(default_factory=dict)  # name as in the answers → answers
    first_answer_s: float | None = None  # when the first attempt began that was answered
    gaps: tuple[Gap, ...] = ()  # the longest, in order of time
    pause_s: float = 0.0  # longest time between the starts of two attempts; a shorter outage may go unseen
    slowest_s: float = 0.0  # seconds that the slowest answer took


@dataclass(frozen=True, kw_only=True)
class Watched(Sample):
    """What one host observed on all routes."""

    seen: tuple[RouteSeen, ...] = ()
    rehearsal: bool = False
    # When it had surely begun, in seconds since the stage began, by the clock of the host that started it.
    began_by_s: float | None = None
