"""Exhibits as lines of text, one file for each kind."""

from collections.abc import Iterator
from typing import assert_never

from lbcheck.model.exhibit import Exhibit, Footnote, Ladder, Rotation, Staircase, Table, Timeline, Witnesses
from lbcheck.reporters.drawing import ladder, staircase, table, timeline, witnesses


def lines(exhibit: Exhibit) -> Iterator[str]:
    """Give the lines of an exhibit below its verdict; the report itself places rotations and footnotes."""
    match exhibit:
        case Table():
            yield from table.lines(exhibit)
        case Witnesses():
            yield from witnesses.lines(exhibit)
        case Ladder():
            yield from ladder.lines(exhibit)
        case Staircase():
            yield from staircase.lines(exhibit)
        case Timeline():
            yield from timeline.lines(exhibit)
        case Rotation() | Footnote():
            return
        case _:
            assert_never(exhibit)
