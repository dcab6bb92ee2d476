"""A table: words to the left, numbers to the right."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from lbcheck.model.exhibit import Column, Table

Cell = str | float | None
_FORMATS = {"words": "", "count": ",.0f", "change": "+,.0f"}


def lines(table: Table) -> Iterator[str]:
    """Give an empty line, the columns' names, and a line a row."""
    names = [column.name for column in table.columns]
    rows = [[_text(*cell) for cell in zip(table.columns, row, strict=True)] for row in table.rows]
    left = {number for number, column in enumerate(table.columns) if column.kind == "words"}
    yield ""
    yield from aligned([names, *rows], left=left)


def aligned(rows: Sequence[Sequence[str]], left: AbstractSet[int]) -> Iterator[str]:
    """Give the rows with their columns below each other, those of these numbers to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        yield "  ".join(text.ljust(width) if number in left else text.rjust(width) for number, (text, width) in cells)


def _text(column: Column, cell: Cell) -> str:
    if cell is None:
        return "–"
    return format(cell, _FORMATS[column.kind])
