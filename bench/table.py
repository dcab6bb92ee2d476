"""The table that every bench prints."""

from collections.abc import Mapping, Sequence


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under the names of their columns; numbers to the right, floats with two decimals."""
    print(f"\n{title}\n")  # noqa: T201 (a bench prints)
    for line in table(rows):
        print(line)  # noqa: T201


def table(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the lines of a table; the columns are those of all rows, in order of first appearance."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[_text(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [all(isinstance(row.get(column, 0), int | float) for row in rows) for column in columns]

    def line(texts: Sequence[str]) -> str:
        aligned = zip(texts, widths, numeric, strict=True)
        return "  ".join(t.rjust(w) if right else t.ljust(w) for t, w, right in aligned).rstrip()

    return [line(columns), line(["-" * width for width in widths]), *map(line, cells)]


def _text(value: object) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
