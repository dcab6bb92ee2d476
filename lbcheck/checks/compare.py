"""What changed from one report to the next: what each hop gained, predicted and measured, and which verdicts turned."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from lbcheck.model.verdict import Finding, Outcome, Report, Verdict, gravest

NAME = "growth"


def compare(reports: Sequence[tuple[str, Report]]) -> list[Verdict]:
    """Return a verdict for each hop that was measured, over all reports in order, and one on what else turned.

    `reports`: (name, report), at least two. A gain that was measured otherwise than predicted fails.
    """
    hops = dict.fromkeys(key for _, report in reports for key in _hops(report))
    verdicts = [_hop(subject, hop, reports) for subject, hop in hops]
    turned = tuple(_turned(reports))
    if turned or not verdicts:
        outcome = gravest([Outcome.PASS, *(finding.outcome for finding in turned)])
        names = " → ".join(name for name, _ in reports)
        verdicts.append(Verdict("compare", names, outcome, f"{len(turned) or 'no'} verdicts turned", turned))
    return verdicts


def _hops(report: Report) -> Mapping[tuple[str, str], list[Mapping[str, Any]]]:
    """Return the products of each hop of each path that was measured at all."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for verdict in report.verdicts:
        for step in verdict.evidence.get("steps", ()) if verdict.check == "capacity" else ():
            found.setdefault((verdict.subject, _where(step)), []).append(step)
    return {key: steps for key, steps in found.items() if any(step["measured"] is not None for step in steps)}


def _where(step: Mapping[str, Any]) -> str:
    """Return the hop; what a NAT lets through is a part of its own."""
    return f"{step['hop']}, IPv{step['family']}" if "outside" not in step else "through the NAT"


def _hop(subject: str, hop: str, reports: Sequence[tuple[str, Report]]) -> Verdict:
    rows = [_row(name, _hops(report).get((subject, hop), [])) for name, report in reports]
    for before, after in pairwise(rows):
        after["gain_predicted"] = after["predicted"] - before["predicted"]
        if None not in (before["measured"], after["measured"]):
            after["gain_measured"] = after["measured"] - before["measured"]
    findings = tuple(finding for row in rows[1:] for finding in _findings(row))
    exact = sum(row.get("gain_measured") == row["gain_predicted"] for row in rows[1:])
    first, last = rows[0]["measured"], rows[-1]["measured"]
    return Verdict(
        NAME,
        f"{subject}, {hop}",
        gravest([Outcome.PASS, *(finding.outcome for finding in findings)]),
        f"{_number(first)} → {_number(last)} held; {exact} of {len(rows) - 1} gains as predicted",
        findings,
        {"steps": rows, "gains": [{"add": row["what"], "tuples": row["gain_predicted"]} for row in rows[1:]]},
    )


def _row(name: str, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a hop's products as one: what was predicted and measured in all."""
    whole = bool(steps) and all(step["measured"] is not None for step in steps)
    return {
        "what": name,
        "sources": sum(step["sources"] for step in steps),
        "endpoints": max((step["endpoints"] for step in steps), default=0),
        "ports": max((step["ports"] for step in steps), default=0),
        "predicted": sum(step["predicted"] for step in steps),
        "measured": sum(step["measured"] for step in steps) if whole else None,
        "stopped_by": next((step["stopped_by"] for step in steps if step["stopped_by"]), None),
        "seconds": max((step["seconds"] for step in steps), default=0.0),
        "gain_predicted": None,
        "gain_measured": None,
    }


def _findings(row: Mapping[str, Any]) -> Iterator[Finding]:
    predicted, measured = row["gain_predicted"], row["gain_measured"]
    if measured is None:
        yield Finding(Outcome.UNMEASURED, f"{row['what']}: {predicted:+,} predicted, not measured before and after")
    elif measured != predicted:
        yield Finding(Outcome.FAIL, f"{row['what']}: {predicted:+,} predicted, {measured:+,} measured")


def _turned(reports: Sequence[tuple[str, Report]]) -> Iterator[Finding]:
    """Give each verdict that is another than before. It is a fault where the later one is no pass."""
    for (_, before), (name, after) in pairwise(reports):
        earlier = {(verdict.check, verdict.subject): verdict.outcome for verdict in before.verdicts}
        for verdict in after.verdicts:
            was = earlier.get((verdict.check, verdict.subject))
            if was is not None and was is not verdict.outcome:
                sentence = f"{name}: {verdict.check}, {verdict.subject}: {was} → {verdict.outcome}: {verdict.summary}"
                yield Finding(verdict.outcome, sentence)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
