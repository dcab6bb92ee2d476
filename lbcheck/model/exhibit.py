"""What a person should see of a verdict in addition to its sentences: a few kinds of exhibit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lbcheck.model.verdict import Outcome, Report, Verdict


@dataclass(frozen=True)
class Column:
    """A column of a table: words, numbers, or numbers that something changes by."""

    name: str
    kind: Literal["words", "count", "change"] = "words"


@dataclass(frozen=True)
class Table:
    """Rows of cells, a cell a column; None: there is no such number. It explains the verdict's remarks, or they it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Witnessed:
    """What each witness counted for one server; None: a witness that was not heard, or no share that is expected."""

    server: str
    counts: tuple[int | None, ...]
    share: float | None
    expected: float | None


@dataclass(frozen=True)
class Witnesses:
    """Who counted what, a server a row, with the share that it had and the one that is expected."""

    names: tuple[str, ...]  # of the witnesses, in the order of the counts
    rows: tuple[Witnessed, ...]


@dataclass(frozen=True)
class Rotation:
    """How often each address came first at one server. Those of one title that follow each other are one table."""

    title: str
    asked: str
    addresses: tuple[str, ...]  # that were seen at all
    first: Mapping[str, int]


@dataclass(frozen=True)
class Rung:
    """How many connections were predicted and held, and what refused further ones."""

    what: str
    predicted: int
    measured: int | None
    stopped_by: str | None


@dataclass(frozen=True)
class Ladder:
    """Rungs, what was gained from one to another, and what words mean."""

    rungs: tuple[Rung, ...]
    gains: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stair:
    """What was added, what that gained, and what is held with it; None: not known, or there was no report before."""

    what: str
    predicted: int | None
    measured: int | None
    holds: int | None


@dataclass(frozen=True)
class Staircase:
    """What a hop held in one report after the other."""

    stairs: tuple[Stair, ...]


@dataclass(frozen=True)
class Absence:
    """A time without an answer, in seconds since the watch began, and who answered before and after."""

    start_s: float
    seconds: float
    before: str
    after: str


@dataclass(frozen=True)
class Timeline:
    """When a service answered."""

    watched_s: float
    absences: tuple[Absence, ...]


@dataclass(frozen=True)
class Footnote:
    """What holds for all verdicts that say it: said once for them, where the report as a whole has this outcome."""

    sentence: str
    outcome: Outcome


Exhibit = Table | Witnesses | Rotation | Ladder | Staircase | Timeline | Footnote


@dataclass(frozen=True)
class Shown:
    """A report, and each of its verdicts with its exhibits."""

    report: Report
    verdicts: tuple[tuple[Verdict, tuple[Exhibit, ...]], ...]


@dataclass(frozen=True)
class Style:
    """How a person wants to read it."""

    colour: bool = False
    verbose: bool = False
