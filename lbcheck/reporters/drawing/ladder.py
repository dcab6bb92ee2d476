"""Connections predicted and held, as a table with bars."""

from collections.abc import Iterator

from lbcheck.model.exhibit import Ladder, Rung
from lbcheck.reporters.drawing.bars import bar


def lines(ladder: Ladder) -> Iterator[str]:
    """Give a line for each rung, the gains, and notes on what the words mean."""
    width = max((len(rung.what) for rung in ladder.rungs), default=0)
    most = max(map(_larger, ladder.rungs), default=0)
    yield _head(width, refused=any(rung.stopped_by for rung in ladder.rungs))
    for rung in ladder.rungs:
        yield f"{rung.what:<{width}}  {_numbers(rung)}  {bar(rung.measured or 0, most)}  {rung.stopped_by or ''}"
    if ladder.gains:
        gains = [f"{add} {number:+,}" for add, number in ladder.gains]
        yield f"gained by {', by '.join(gains)}"
    yield from ladder.notes


def _head(width: int, *, refused: bool) -> str:
    last = "who said no to more" if refused else ""
    return f"{'':<{width}}  {'predicted':>11}  {'measured':>11}  {bar(0, 0)}  {last}"


def _numbers(rung: Rung) -> str:
    if rung.measured is None:
        return f"{rung.predicted:>11,}  {'–':>11}"
    mark = "=" if rung.measured == rung.predicted else "≠"
    return f"{rung.predicted:>11,} {mark}{rung.measured:>11,}"


def _larger(rung: Rung) -> int:
    return max(rung.predicted, rung.measured or 0)
