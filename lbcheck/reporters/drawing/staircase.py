"""What a hop held in one report after the other, as a staircase: each step with its gain, predicted and measured."""

from collections.abc import Iterator

from lbcheck.model.exhibit import Stair, Staircase
from lbcheck.reporters.drawing.bars import bar


def lines(staircase: Staircase) -> Iterator[str]:
    """Give a line for each report: its name, the gain predicted and measured, what is held now, and that as a bar."""
    width = max((len(stair.what) for stair in staircase.stairs), default=0)
    most = max((stair.holds or 0 for stair in staircase.stairs), default=0)
    yield f"{'':<{width}}  {'predicted':>9}  {'measured':>9}  {'holds':>9}"
    for stair in staircase.stairs:
        holds = "–" if stair.holds is None else f"{stair.holds:,}"
        yield f"{stair.what:<{width}}  {_gains(stair)}  {holds:>9}  {bar(stair.holds or 0, most)}"


def _gains(stair: Stair) -> str:
    return f"{_gain(stair.predicted):>9} {_mark(stair)}{_gain(stair.measured):>9}"


def _mark(stair: Stair) -> str:
    if stair.predicted is None:
        return " "
    return "=" if stair.predicted == stair.measured else "≠"


def _gain(value: int | None) -> str:
    if value is None:
        return ""
    return f"{value:+,}"
