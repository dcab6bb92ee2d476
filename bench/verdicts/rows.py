"""Kept rows, a line of JSON each, and the table that docs/laws.md shows of them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lbcheck.model.words import counted

Row = Mapping[str, Any]

KEPT = Path(__file__).with_name("rows.jsonl")
DOCUMENT = Path(__file__).parents[2] / "docs" / "laws.md"
BEGIN, END = "<!-- python -m bench.verdicts --table: begin -->", "<!-- python -m bench.verdicts --table: end -->"


def keep(row: Row, file: Path = KEPT) -> None:
    """Append a row; those of other commits stay."""
    with file.open("a", encoding="utf-8") as kept:
        kept.write(json.dumps(row, ensure_ascii=False) + "\n")


def kept(file: Path = KEPT) -> list[Row]:
    """Return every kept row, in the order in which they were measured."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def newest(rows: Sequence[Row], situations: Sequence[str]) -> list[Row]:
    """Return the row that was measured last of each situation, in the order of `situations`."""
    last = {row["situation"]: row for row in rows}
    return [last[name] for name in situations if name in last]


def table(rows: Sequence[Row]) -> str:
    """Return a table in Markdown: the healthy fleets, then the faults."""
    healthy = [row for row in rows if row["kind"] == "healthy"]
    faults = [row for row in rows if row["kind"] == "fault"]
    runs, alarms = sum(row["runs"] for row in healthy), sum(row["fail"] for row in healthy)
    where = f" in {counted(sum(row['fail'] > 0 for row in healthy), 'situation')} of {len(healthy)}" if alarms else ""
    lines = [
        f"Healthy fleets, {counted(alarms, 'alarm')}{where}, in {counted(runs, 'run')}:\n",
        *_lines(healthy, {"alarms": lambda row: f"{row['fail']:,}"}),
        "\nFaults:\n",
        *_lines(faults, {"found": lambda row: f"{row['found'] / row['runs']:.2%}"}),
    ]
    return "\n".join(lines)


def _lines(rows: Sequence[Row], own: Mapping[str, Any]) -> list[str]:
    columns = {
        "situation": lambda row: f"`{row['situation']}`",
        "runs": lambda row: f"{row['runs']:,}",
        **own,
        "inconclusive": lambda row: f"{row['inconclusive'] / row['runs']:.2%}",
        "mean requests": lambda row: f"{row['mean requests']:,}",
        "÷ one round": lambda row: f"{row['÷ one round']:.2f}",
        "95 %": lambda row: f"{row['95 %']:,}",
        "most": lambda row: f"{row['most']:,}",
        "commit, seed": lambda row: f"{row['commit']}, {row['seed']}",
    }
    shown = [" | ".join(cell(row) for cell in columns.values()) for row in rows]
    return [f"| {line} |" for line in (" | ".join(columns), " | ".join(["---"] * len(columns)), *shown)]


def write(text: str, document: Path = DOCUMENT) -> None:
    """Put the table between the two marks of a document; ValueError if it has none."""
    whole = document.read_text(encoding="utf-8")
    if not 0 <= whole.find(BEGIN) < whole.find(END):
        raise ValueError(f"{document} has no lines '{BEGIN}' and '{END}', between which the table goes")
    before, rest = whole.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    document.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
