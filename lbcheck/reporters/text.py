"""The report for people, in a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from lbcheck.model.verdict import Outcome, Report, Verdict
from lbcheck.reporters import capacity, staircase, steps, timeline

_COLOURS = {Outcome.PASS: "32", Outcome.FAIL: "31;1", Outcome.INCONCLUSIVE: "33", Outcome.UNMEASURED: "35"}
_WORDS = {Outcome.PASS: "pass", Outcome.FAIL: "FAIL", Outcome.INCONCLUSIVE: "unsure", Outcome.UNMEASURED: "unseen"}
_MARKS = {Outcome.PASS: "·", Outcome.FAIL: "✗", Outcome.INCONCLUSIVE: "?", Outcome.UNMEASURED: "!"}
_ENDINGS = {
    Outcome.PASS: "all as it should be",
    Outcome.FAIL: "not as it should be",
    Outcome.INCONCLUSIVE: "cannot be told yet",
    Outcome.UNMEASURED: "not all of it could be measured",
}
_RATES = (
    "A healthy cluster is called faulty in at most one run of 10,000; "
    "a server whose weight is halved is missed in at most one of 100."
)


@dataclass(frozen=True)
class _Style:
    colour: bool
    verbose: bool

    def paint(self, outcome: Outcome, text: str) -> str:
        return f"\x1b[{_COLOURS[outcome]}m{text}\x1b[0m" if self.colour else text

    def word(self, verdict: Verdict) -> str:
        return self.paint(verdict.outcome, f"{_WORDS[verdict.outcome]:<6}")

    def findings(self, verdict: Verdict, always: bool) -> Iterator[str]:
        for finding in verdict.findings:
            if always or self.verbose or finding.outcome is not Outcome.PASS:
                yield f"          {self.paint(finding.outcome, _MARKS[finding.outcome])} {finding.message}"


def render(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    """Return the report: a line a verdict, what is wrong below it, counts as tables."""
    return "\n".join(_lines(report, _Style(colour, verbose))) + "\n"


def _lines(report: Report, style: _Style) -> Iterator[str]:
    yield f"lbcheck {report.lbcheck}, {report.started}, {report.duration_s:.1f} s"
    for topic, group in groupby(report.verdicts, _topic):
        verdicts = list(group)
        yield f"\n{topic}"
        if "first" in verdicts[0].evidence:
            yield from _rotation(verdicts, style)
        else:
            for verdict in verdicts:
                yield from _verdict(verdict, style)
    tally = {o: sum(v.outcome is o for v in report.verdicts) for o in Outcome}
    counts = ", ".join(f"{n} {_WORDS[o]}" for o, n in tally.items() if n) or "nothing was checked"
    yield f"\n{style.paint(report.outcome, _WORDS[report.outcome])}: {_ENDINGS[report.outcome]} ({counts})"
    if any("test" in verdict.evidence or "first" in verdict.evidence for verdict in report.verdicts):
        yield _RATES


def _topic(verdict: Verdict) -> str:
    """Return the heading that a verdict stands under."""
    if "first" in verdict.evidence:
        return f"{verdict.check}: {verdict.evidence['name']} {verdict.evidence['type']}, which address came first"
    return verdict.check


def _rotation(verdicts: Sequence[Verdict], style: _Style) -> Iterator[str]:
    """Return a table: who was asked, and how often each address came first."""
    orders = [order for verdict in verdicts for order in verdict.evidence["orders"]]
    addresses = sorted({a for order in orders for a in order.split(",") if a}, key=lambda a: (len(a), a))
    asked = [verdict.subject.partition(", ")[2] for verdict in verdicts]
    width = max(len(text) for text in asked)
    if addresses:
        yield f"          {'':<{width}}  {'  '.join(addresses)}"
    for verdict, text in zip(verdicts, asked, strict=True):
        first = verdict.evidence["first"]
        cells = (f"{first.get(a, 0):>{len(a)},}" for a in addresses)
        yield f"  {style.word(verdict)}  {text:<{width}}  {'  '.join(cells)}"
        yield from style.findings(verdict, always=False)


def _verdict(verdict: Verdict, style: _Style) -> Iterator[str]:
    yield f"  {style.word(verdict)}  {verdict.subject}: {verdict.summary}"
    servers, hops = verdict.evidence.get("servers", {}), "hops" in verdict.evidence
    yield from style.findings(verdict, always=bool(servers) or hops)
    if servers:
        yield from (f"          {line}" for line in _witnesses(servers))
    if hops:
        yield from (f"          {line}".rstrip() for line in capacity.lines(verdict.evidence))
    elif verdict.check == "growth":
        yield from (f"          {line}".rstrip() for line in staircase.lines(verdict.evidence))
    elif "gaps" in verdict.evidence:
        yield from (f"          {line}" for line in timeline.lines(verdict.evidence))
    elif "steps" in verdict.evidence:
        yield from (f"          {line}".rstrip() for line in steps.lines(verdict.evidence))


def _witnesses(servers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Return who counted what, a server a line; a witness that was not asked has no column."""
    total = sum(row["client"] for row in servers.values())
    witnesses = {"client": "clients", "balancer": "HAProxy", "server": "its log"}
    heard = [key for key in witnesses if any(row[key] is not None for row in servers.values())]
    rows: list[tuple[str, ...]] = [("server", *(witnesses[key] for key in heard), "share", "owed")]
    for name, seen in servers.items():
        share = f"{seen['client'] / total:.1%}" if total else "–"
        owed = "–" if seen["expected_share"] is None else f"{seen['expected_share']:.1%}"
        rows.append((name, *(_number(seen[key]) for key in heard), share, owed))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
