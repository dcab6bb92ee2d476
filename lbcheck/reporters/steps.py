"""Connections predicted beside connections held, as a table with bars."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

BAR = 32  # characters of the longest bar
_EIGHTHS = " ▏▎▍▌▋▊▉"


def lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Give a line a step: what it was, predicted, measured, a bar, and who said no to more; then what words mean."""
    steps: Sequence[Mapping[str, Any]] = evidence["steps"]
    whats = [str(step.get("what", "")) for step in steps]
    width, most = max(map(len, whats), default=0), max((_larger(step) for step in steps), default=0)
    refused = any(step["stopped_by"] for step in steps)
    yield f"{'':<{width}}  {'predicted':>11}  {'measured':>11}  {'':<{BAR}}  {'who said no to more' if refused else ''}"
    for what, step in zip(whats, steps, strict=True):
        measured = "–" if step["measured"] is None else f"{step['measured']:,}"
        mark = "=" if step["measured"] == step["predicted"] else "≠"
        cells = f"{what:<{width}}  {step['predicted']:>11,} {mark}{measured:>11}"
        yield f"{cells}  {bar(step['measured'] or 0, most):<{BAR}}  {step['stopped_by'] or ''}"
    gains = [f"{gain['add']} {gain['tuples']:+,}" for gain in evidence["gains"]]
    if gains:
        yield f"gained by {', by '.join(gains)}"
    yield from evidence.get("notes", ())


def bar(value: int, most: int) -> str:
    """Return a bar for `value` where the longest, of BAR characters, stands for `most`; what is there is seen."""
    eighths = round(value * BAR * 8 / most) if most else 0
    if value and not eighths:
        eighths = 1
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _larger(step: Mapping[str, Any]) -> int:
    return max(int(step["predicted"]), int(step["measured"] or 0))
