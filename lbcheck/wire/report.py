"""The JSON report, schema lbcheck.report/1 (reporters/report.schema.json): how it is written, and read again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lbcheck.model.evidence import Record
from lbcheck.model.verdict import Outcome, Report, Verdict
from lbcheck.wire.jsonl import WireError, dumped, from_json, loads, part, reading, record_of

SCHEMA = "lbcheck.report/1"
Classes = Callable[[str], Sequence[type[Record]]]  # a verdict's check → what its evidence can be; empty: not known


def write(report: Report) -> str:
    """Return the report as a JSON document."""
    document = {
        "schema": SCHEMA,
        "outcome": report.outcome,
        "started": report.started,
        "duration_s": report.duration_s,
        "lbcheck": report.lbcheck,
        "verdicts": [_document(verdict) for verdict in report.verdicts],
    }
    return dumped(document, indent=2, default=dict) + "\n"


def _document(verdict: Verdict) -> dict[str, Any]:
    return {
        "check": verdict.check,
        "subject": verdict.subject,
        "outcome": verdict.outcome,
        "summary": verdict.summary,
        "findings": [{"outcome": finding.outcome, "message": finding.message} for finding in verdict.findings],
        "evidence": verdict.evidence,  # a record: a mapping of its keys
    }


def read(text: str, classes: Classes) -> Report:
    """Read a report; WireError where it is none. What a later version says besides is passed over.

    The evidence of a check that is not known here stays as it is, and so does one that is empty: nothing was measured.
    """
    with reading(text):
        document = loads(text)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise WireError(f"its schema is not {SCHEMA}")
        part("outcome", Outcome, document.get("outcome"))
        report: Report = from_json(Report, document)
        verdicts = [_with_typed_evidence(verdict, number, classes) for number, verdict in enumerate(report.verdicts)]
        return replace(report, verdicts=tuple(verdicts))


def _with_typed_evidence(verdict: Verdict, number: int, classes: Classes) -> Verdict:
    known = classes(verdict.check)
    if not (known and verdict.evidence):
        return verdict
    try:
        return replace(verdict, evidence=record_of(known, dict(verdict.evidence)))
    except WireError as error:
        raise error.inside("evidence").inside(number).inside("verdicts") from None
