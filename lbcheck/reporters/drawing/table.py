"""A table: words to the left, numbers to the right."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from lbcheck.model.exhibit import Column, Table

Cell = str | float | None
_FORMATS = {"words": "", "count": ",.0f", "change": "+,.0f"}


def lines(table: Table) -> Iterator[str]:
    """Give an empty line, the columns' names, and a line for each row."""
    names = [column.name for column in table.columns]
    rows = [_cells(table, row) for row in table.rows]
    left = {index for index, column in enumerate(table.columns) if column.kind == "words"}
    yield ""
    yield from aligned([names, *rows], left=left)


def aligned(rows: Sequence[Sequence[str]], left: AbstractSet[int]) -> Iterator[str]:
    """Give the rows with their columns aligned: those with an index in `left` to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for index, (text, width) in enumerate(zip(row, widths, strict=True)):
            cells.append(text.ljust(width) if index in left else text.rjust(width))
        yield "  ".join(cells)


def _cells(table: Table, row: Sequence[Cell]) -> list[str]:
    return [_text(column, cell) for column, cell in zip(table.columns, row, strict=True)]


def _text(column: Column, cell: Cell) -> str:
    if cell is None:
        return "–"
    return format(cell, _FORMATS[column.kind])
