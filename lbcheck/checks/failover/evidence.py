"""The numbers that a verdict on a failover rests on: of the command, of one watched address, or of no watch at all."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.model.evidence import Record


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandRun(Record):
    """What was run to make something fail."""

    words: tuple[str, ...]
    status: int | None  # None: it did not end by itself
    began_s: float | None  # since the stage began; None: never
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandEvidence(Record):
    """What became of the command."""

    command: CommandRun


@dataclass(frozen=True, kw_only=True, eq=False)
class GapEvidence(Record):
    """A time without an answer, in seconds since the watch began."""

    start_s: float
    seconds: float
    failures: int
    back: bool
    before: str  # the balancer that answered before; empty: nobody did, or it gave no name
    after: str


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchEvidence(Record):
    """What one client saw of one address."""

    client: str
    url: str
    address: str
    attempts: int
    errors: Mapping[str, int]
    balancers: Mapping[str, int]  # name → answers
    gaps: tuple[GapEvidence, ...]
    gap_s: float  # the longest
    back: bool
    within_s: float  # that is allowed
    # An outage is never longer than its gap, and at most twice this shorter; one shorter than this may be missed.
    resolution_s: float
    watched_s: float
    slowest_s: float
    began_by_s: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class NoWatchEvidence(Record):
    """A client that could not watch at all."""

    attempts: int
    errors: Mapping[str, int]
    gaps: tuple[GapEvidence, ...]
    gap_s: None
    back: None
    within_s: None
    resolution_s: None


NOTHING = NoWatchEvidence(attempts=0, errors={}, gaps=(), gap_s=None, back=None, within_s=None, resolution_s=None)
EVIDENCE = (CommandEvidence, WatchEvidence, NoWatchEvidence)
