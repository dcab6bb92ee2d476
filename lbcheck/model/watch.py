"""Watching a service while something fails: what to watch, and what was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True)
class Route:
    """A URL, and the address that it is asked at."""

    url: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Watch(Step):
    """Ask each route once every `interval_s`, over a new connection, for `for_s` seconds, whatever the answers do.

    An answer later than `timeout_s` is none. Below 1 s no retransmitted SYN can pass for an answer (RFC 6298).
    """

    routes: tuple[Route, ...]
    interval_s: float
    for_s: float
    timeout_s: float = 0.5
    identify_balancer: str = ""
    token: str = ""
    verify: bool = True
    rehearsal: bool = False  # before the watch itself: does it answer, and how long does a host take to begin?

    def lost(self, failure: Failure) -> "Watched":
        """Return the sample of this step when it has no result at all."""
        return Watched(at=self.at, failure=failure, rehearsal=self.rehearsal)


@dataclass(frozen=True)
class Gap:
    """Attempts in a row that had no answer: from the last answered one's start to the next answered one's start.

    At the edges of the watch it begins with the first attempt, and ends with the last (`back` is then False). Times are
    seconds since the watch began.
    """

    start_s: float
    end_s: float
    failures: int
    back: bool = True  # somebody answered afterwards
    before: str = ""  # the balancer that answered before; empty: there was no answer, or no name in it
    after: str = ""

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class RouteSeen:
    """What one host saw of one route."""

    url: str
    address: str
    attempts: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)  # ErrorKind → attempts
    balancers: Mapping[str, int] = field(default_factory=dict)  # name, as it came in answers → answers
    first_answer_s: float | None = None  # when the first attempt began that was answered
    gaps: tuple[Gap, ...] = ()  # the longest, in order of time
    pause_s: float = 0.0  # the longest between the starts of two attempts: what is shorter may go unseen
    slowest_s: float = 0.0  # answer


@dataclass(frozen=True, kw_only=True)
class Watched(Sample):
    """What one host saw of all routes."""

    seen: tuple[RouteSeen, ...] = ()
    rehearsal: bool = False
    # It had begun by then, in seconds since the stage began, by the clock of whoever asked for it.
    began_by_s: float | None = None
