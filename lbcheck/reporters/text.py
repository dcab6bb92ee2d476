"""The report for people, in a terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from lbcheck.model.verdict import Outcome, Report, Verdict

_COLOURS = {Outcome.PASS: "32", Outcome.FAIL: "31;1", Outcome.INCONCLUSIVE: "33", Outcome.UNMEASURED: "35"}
_WORDS = {Outcome.PASS: "pass", Outcome.FAIL: "FAIL", Outcome.INCONCLUSIVE: "unsure", Outcome.UNMEASURED: "unmeas"}
_MARKS = {Outcome.PASS: "·", Outcome.FAIL: "✗", Outcome.INCONCLUSIVE: "?", Outcome.UNMEASURED: "!"}
_ENDINGS = {
    Outcome.PASS: "all as it should be",
    Outcome.FAIL: "not as it should be",
    Outcome.INCONCLUSIVE: "cannot be told yet",
    Outcome.UNMEASURED: "could not be measured",
}


def render(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    """Return the report: a line a verdict, what is wrong below it, the witnesses' counts as a table."""
    return "\n".join(_lines(report, colour, verbose)) + "\n"


def _lines(report: Report, colour: bool, verbose: bool) -> Iterator[str]:
    yield f"lbcheck {report.lbcheck}, {report.started}, {report.duration_s:.1f} s"
    check = ""
    for verdict in report.verdicts:
        if verdict.check != check:
            check = verdict.check
            yield f"\n{check}"
        yield from _verdict(verdict, colour, verbose)
    yield ""
    tally = {o: sum(v.outcome is o for v in report.verdicts) for o in Outcome}
    counts = ", ".join(f"{n} {o}" for o, n in tally.items() if n) or "nothing was checked"
    yield f"{_paint(report.outcome, _WORDS[report.outcome], colour)}: {_ENDINGS[report.outcome]} ({counts})"


def _verdict(verdict: Verdict, colour: bool, verbose: bool) -> Iterator[str]:
    word = _paint(verdict.outcome, f"{_WORDS[verdict.outcome]:<6}", colour)
    yield f"  {word}  {verdict.subject}: {verdict.summary}"
    for finding in verdict.findings:
        if verbose or finding.outcome is not Outcome.PASS or "servers" in verdict.evidence:
            yield f"          {_paint(finding.outcome, _MARKS[finding.outcome], colour)} {finding.message}"
    if "servers" in verdict.evidence:
        yield from (f"          {line}" for line in _witnesses(verdict.evidence["servers"]))


def _witnesses(servers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Return who counted what, a server a line."""
    total = sum(row["client"] for row in servers.values())
    columns = ("server", "clients", "HAProxy", "its log", "share", "owed")
    rows: list[tuple[str, ...]] = [columns]
    for name, seen in servers.items():
        share = f"{seen['client'] / total:.1%}" if total else "–"
        owed = "–" if seen["expected_share"] is None else f"{seen['expected_share']:.1%}"
        rows.append((name, *(_number(seen[w]) for w in ("client", "balancer", "server")), share, owed))
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    for row in rows:
        yield "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        )


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _paint(outcome: Outcome, text: str, colour: bool) -> str:
    return f"\x1b[{_COLOURS[outcome]}m{text}\x1b[0m" if colour else text
