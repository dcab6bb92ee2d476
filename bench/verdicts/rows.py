"""Kept rows, a line of JSON each, and the table that docs/laws.md shows of them.

The rows of one situation add up as long as the code that judges and the fleets are the same, which `code` tells.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lbcheck.model.words import counted

Row = Mapping[str, Any]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KEPT = HERE / "rows.jsonl"
DOCUMENT = ROOT / "docs" / "laws.md"
JUDGES = (ROOT / "lbcheck" / "analysis", ROOT / "lbcheck" / "checks" / "spread", HERE)
_COUNTS = ("runs", "fail", "pass", "inconclusive")
BEGIN, END = "<!-- python -m bench.verdicts --table: begin -->", "<!-- python -m bench.verdicts --table: end -->"


def keep(row: Row, file: Path = KEPT) -> None:
    """Append a row; those of other commits stay."""
    with file.open("a", encoding="utf-8") as kept:
        kept.write(json.dumps(row, ensure_ascii=False) + "\n")


def kept(file: Path = KEPT) -> list[Row]:
    """Return every kept row, in the order in which they were measured."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


@cache
def code() -> str:
    """Return a digest of the code that judges and of the simulated fleets."""
    digest = hashlib.sha256()
    for file in sorted(file for folder in JUDGES for file in folder.rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def done(rows: Sequence[Row], situation: str, seed: int) -> int:
    """Return how many runs of a situation are kept that this code judged."""
    mine = [row for row in rows if (row["situation"], row["seed"], row.get("code")) == (situation, seed, code())]
    return sum(row["runs"] for row in mine)


def newest(rows: Sequence[Row], situations: Sequence[str]) -> list[Row]:
    """Return a row for each situation, in the order of `situations`: the sum of those that the latest code judged."""
    last = {row["situation"]: row for row in rows}
    return [summed([row for row in rows if _adds_up(row, last[name])]) for name in situations if name in last]


def _adds_up(row: Row, last: Row) -> bool:
    """Return whether the runs of a row and of the latest one of a situation are those of one code and seed."""
    same = all(row.get(key) == last.get(key) for key in ("situation", "seed", "code"))
    return row is last or (same and "code" in row)


def summed(rows: Sequence[Row]) -> Row:
    """Return the sum of rows of one situation; the 95 % quantile of the requests is the mean of theirs."""
    runs = sum(row["runs"] for row in rows)
    means = {
        key: sum(row[key] * row["runs"] for row in rows) / runs for key in ("mean requests", "÷ one round", "95 %")
    }
    found = None if rows[0]["found"] is None else sum(row["found"] for row in rows)
    counts = {key: sum(row[key] for row in rows) for key in _COUNTS}
    most = max(row["most"] for row in rows)
    rounded = {key: round(mean, 2 if key == "÷ one round" else None) for key, mean in means.items()}
    return {**rows[-1], **counts, **rounded, "found": found, "most": most}


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
