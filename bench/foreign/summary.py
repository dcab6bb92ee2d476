"""The sums of the bench's rows, in docs/laws.md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.foreign.asking import TOLD
from bench.foreign.healthy import RIGHT
from bench.foreign.rows import Row, span

DOCUMENT = Path(__file__).parents[2] / "docs" / "laws.md"
MARK = "<!-- python -m bench.foreign --table, {part}: {which} -->"
OUTCOMES = ("pass", "inconclusive", "fail")


def write(found: Mapping[str, Sequence[Row]], document: Path = DOCUMENT) -> None:
    """Put each part's table between its two marks; SystemExit if a mark is missing."""
    text = document.read_text(encoding="utf-8")
    for part, rows in found.items():
        begin, end = (MARK.format(part=part, which=which) for which in ("begin", "end"))
        if not 0 <= text.find(begin) < text.find(end):
            raise SystemExit(f"{document} has no lines '{begin}' and '{end}', between which the table goes")
        before, rest = text.split(begin, 1)
        lines = _healthy(rows) if part == "healthy" else _plain(rows)
        text = f"{before}{begin}\n\n{lines}\n\n{end}{rest.split(end, 1)[1]}"
    document.write_text(text, encoding="utf-8")


def _healthy(rows: Sequence[Row]) -> str:
    """Return a line for each algorithm; its fleets and kinds of connections are added up."""
    lines = []
    for (product, version, algorithm), own in _grouped(rows, ("product", "version", "algorithm")).items():
        told = _grouped(own, ("told",))
        cells = [_passed(told.get((way,), [])) for way in TOLD]
        lines.append([f"{product} {version}", algorithm, *cells, f"{max(max(row.requests) for row in own):,}"])
    runs, alarms = (
        _sum(rows).total(),
        sum(row.outcomes[word] for row in rows for word in row.outcomes if word not in RIGHT),
    )
    columns = ["product", "algorithm", *(f"told {way}" for way in TOLD), "most requests"]
    return f"{alarms} alarms in {runs:,} runs:\n\n{_markdown(columns, lines)}"


def _plain(rows: Sequence[Row]) -> str:
    """Return a line for each algorithm and third column of the rows; the others are added up."""
    third = next(iter([name for name in rows[0].what if name in ("fault", "simulator")]))
    lines = []
    for key, own in _grouped(rows, ("product", "version", "algorithm", third)).items():
        product, version, *words = key
        requests = [number for row in own for number in row.requests]
        lines.append([f"{product} {version}", *words, _outcomes(own), span(requests)])
    return _markdown(["product", "algorithm", third, "outcomes", "requests"], lines)


def _grouped(rows: Sequence[Row], names: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(str(row.what[name]) for name in names), []).append(row)
    return found


def _passed(rows: Sequence[Row]) -> str:
    """Return how many runs passed, were inconclusive and failed; only the first if all did."""
    counts = _sum(rows)
    numbers = [counts[outcome] for outcome in OUTCOMES] if counts.total() > counts["pass"] else [counts["pass"]]
    return " / ".join(map(str, numbers)) if rows else "–"


def _outcomes(rows: Sequence[Row]) -> str:
    return ", ".join(f"{outcome} {number}" for outcome, number in _sum(rows).most_common())


def _sum(rows: Sequence[Row]) -> Counter[str]:
    return sum((row.outcomes for row in rows), Counter())


def _markdown(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    cells = [columns, ["---"] * len(columns), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
