"""What each witness counted, with the share that is expected."""

from collections.abc import Iterator

from lbcheck.model.exhibit import Witnessed, Witnesses
from lbcheck.reporters.drawing.table import aligned


def lines(witnesses: Witnesses) -> Iterator[str]:
    """Give a line a server, with a column for each witness."""
    head = ["server", *witnesses.names, "share", "expected"]
    yield from aligned([head, *map(_row, witnesses.rows)], left={0})


def _row(seen: Witnessed) -> list[str]:
    return [seen.server, *map(_count, seen.counts), _share(seen.share), _share(seen.expected)]


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
