"""The JSON report, schema lbcheck.report/1 (reporters/report.schema.json): how it is written, and read again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from lbcheck.model.evidence import Record
from lbcheck.model.verdict import Report, Verdict
from lbcheck.wire.jsonl import WireError, from_json, record_of

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
    return json.dumps(document, indent=2, ensure_ascii=False, default=dict) + "\n"


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
    try:
        document = json.loads(text)
    except ValueError as error:
        raise WireError(f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise WireError(f"its schema is not {SCHEMA}")
    report: Report = from_json(Report, document)
    return replace(report, verdicts=tuple(_with_typed_evidence(verdict, classes) for verdict in report.verdicts))


def _with_typed_evidence(verdict: Verdict, classes: Classes) -> Verdict:
    known = classes(verdict.check)
    if not (known and verdict.evidence):
        return verdict
    try:
        return replace(verdict, evidence=record_of(known, dict(verdict.evidence)))
    except WireError as error:
        raise WireError(f"evidence of {verdict.check}, {verdict.subject}: {error}") from None
