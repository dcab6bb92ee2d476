"""The evidence of a capacity verdict as tables: the products of each hop, what each hop holds, what one more gains."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

NUMBERS = {"sources", "endpoints", "ports", "predicted", "measured", "holds", "connections/s", "with tw_reuse", "gains"}


def lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines of the three tables."""
    for rows in (_products(evidence["steps"]), _hops(evidence["hops"]), _gains(evidence["gains"])):
        if rows:
            yield ""
            yield from _table(rows)


def _products(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row a step: sources × ports × endpoints, as the binding mode has it; measured only where it was."""
    rows = []
    seen = any(step["measured"] is not None for step in steps)
    for step in steps:
        row = {"hop": _where(step), "IP": f"v{step['family']}", "binding": step["binding"]}
        row |= {name: f"{step[name]:,}" for name in ("sources", "endpoints", "ports", "predicted")}
        if seen:
            row["measured"] = "–" if step["measured"] is None else f"{step['measured']:,}"
        rows.append(row)
    return rows


def _where(step: Mapping[str, Any]) -> str:
    """Return the hop; of a NAT the outside address, and how many are on it."""
    if "outside" not in step:
        return str(step["hop"])
    number = step["subscribers"]
    return f"NAT {step['outside']}, {number:,} subscriber{'s' * (number != 1)}"


def _hops(hops: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row a hop: what it holds, and what each limit would allow alone."""
    return [
        {
            "hop": hop["hop"],
            "holds": f"{hop['holds']:,}",
            "connections/s": _rate(hop["connections_a_second"]),
            "with tw_reuse": _rate(hop.get("with_tw_reuse")),
            "limits": ", ".join(f"{limit['limit']} {limit['value']:,}" for limit in hop["limits"]),
        }
        for hop in hops
    ]


def _rate(value: float | None) -> str:
    """Return short connections a second; none: TIME_WAIT is no limit."""
    return "–" if value is None else f"{value:,.0f}"


def _gains(gains: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return a row for each size of gain, with all that gain it."""
    groups = groupby(gains, lambda gain: int(gain["tuples"]))
    return [{"add": ", ".join(gain["add"] for gain in group), "gains": f"{tuples:+,}"} for tuples, group in groups]


def _table(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    names = list(rows[0])
    cells = [names, *([row[name] for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        aligned = zip(row, widths, names, strict=True)
        yield "  ".join(text.rjust(w) if name in NUMBERS else text.ljust(w) for text, w, name in aligned)
