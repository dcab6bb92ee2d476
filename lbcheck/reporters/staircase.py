"""What a hop held report after report, as a staircase: what each step added, predicted and measured."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lbcheck.reporters.steps import BAR, bar


def lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Give a line a report: what was added, the gain predicted and measured, what is held now, as a bar."""
    rows: Sequence[Mapping[str, Any]] = evidence["steps"]
    width, most = max(len(row["what"]) for row in rows), max(row["measured"] or 0 for row in rows)
    yield f"{'':<{width}}  {'predicted':>9}  {'measured':>9}  {'holds':>9}"
    for row in rows:
        predicted, measured = row["gain_predicted"], row["gain_measured"]
        mark = " " if predicted is None else "=" if predicted == measured else "≠"
        held = "–" if row["measured"] is None else f"{row['measured']:,}"
        gains = f"{_gain(predicted):>9} {mark}{_gain(measured):>9}"
        yield f"{row['what']:<{width}}  {gains}  {held:>9}  {bar(row['measured'] or 0, most):<{BAR}}"


def _gain(value: int | None) -> str:
    return "" if value is None else f"{value:+,}"
