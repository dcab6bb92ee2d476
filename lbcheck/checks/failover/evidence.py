"""The numbers behind verdicts on a failover: on the command, on one watched address, on a client without a watch."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.model.evidence import Record


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandRun(Record):
    """The command that was to make something fail, and how it ended."""

    words: tuple[str, ...]
    status: int | None  # exit status; None: it did not end by itself
    began_s: float | None  # since the stage began; None: the command never began
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class CommandEvidence(Record):
    """The evidence of the verdict on the command."""

    command: CommandRun


@dataclass(frozen=True, kw_only=True, eq=False)
class GapEvidence(Record):
    """A time without an answer; `start_s` counts from the beginning of the watch."""

    start_s: float
    seconds: float
    failures: int
    back: bool
    before: str  # the balancer that answered before; empty: no answer, or none that names a balancer
    after: str


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchEvidence(Record):
    """What one client observed at one address."""

    client: str
    url: str
    address: str
    attempts: int
    errors: Mapping[str, int]
    balancers: Mapping[str, int]  # balancer → answers
    gaps: tuple[GapEvidence, ...]
    gap_s: float  # the longest gap; 0: no gap
    back: bool
    within_s: float  # the longest gap that is allowed
    # An outage is at most as long as its gap, and at most twice this shorter. The watch can miss one shorter than this.
    resolution_s: float
    watched_s: float
    slowest_s: float
    began_by_s: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class NoWatchEvidence(Record):
    """The evidence of a client that could not watch."""

    attempts: int
    errors: Mapping[str, int]
    gaps: tuple[GapEvidence, ...]
    gap_s: None
    back: None
    within_s: None
    resolution_s: None


NOTHING = NoWatchEvidence(attempts=0, errors={}, gaps=(), gap_s=None, back=None, within_s=None, resolution_s=None)
EVIDENCE = (CommandEvidence, WatchEvidence, NoWatchEvidence)
