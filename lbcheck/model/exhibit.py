"""What a person should see of a verdict in addition to its sentences: a few kinds of exhibit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lbcheck.model.verdict import Outcome, Report, Verdict


@dataclass(frozen=True)
class Column:
    """A column of a table: words, numbers, or differences."""

    name: str
    kind: Literal["words", "count", "change"] = "words"


@dataclass(frozen=True)
class Table:
    """Rows of cells, a cell a column; None: there is no such number. It explains the verdict's remarks, or they it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


@dataclass(frozen=True)
class Witnessed:
    """What each witness counted for one server; None: that witness has no count, or no share is expected."""

    server: str
    counts: tuple[int | None, ...]
    share: float | None
    expected: float | None


@dataclass(frozen=True)
class Witnesses:
    """The witnesses' counts, one row for each server, with its share and the expected one."""

    names: tuple[str, ...]  # of the witnesses, in the order of the counts
    rows: tuple[Witnessed, ...]


@dataclass(frozen=True)
class Rotation:
    """How often one server listed each address first. Consecutive rotations with the same title form one table."""

    title: str
    asked: str
    addresses: tuple[str, ...]  # that any answer listed
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
    """Rungs, the gains between them, and explanations of terms."""

    rungs: tuple[Rung, ...]
    gains: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stair:
    """One report: its gain, predicted and measured, and what is held; None: not known, or no previous report."""

    what: str
    predicted: int | None
    measured: int | None
    holds: int | None


@dataclass(frozen=True)
class Staircase:
    """What a hop held in each report, in order."""

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
    """When a service answered, as a time line in seconds."""

    watched_s: float
    absences: tuple[Absence, ...]


@dataclass(frozen=True)
class Footnote:
    """A note that is shown once for all verdicts that have it, if the whole report has this outcome."""

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
    """How a person wants to read a report."""

    colour: bool = False
    verbose: bool = False
