"""The report as JSON, schema lbcheck.report/1 (report.schema.json beside this file)."""

import json

from lbcheck.model.verdict import Report

SCHEMA = "lbcheck.report/1"


def render(report: Report) -> str:
    """Return the report as a JSON document."""
    document = {
        "schema": SCHEMA,
        "outcome": report.outcome,
        "started": report.started,
        "duration_s": report.duration_s,
        "lbcheck": report.lbcheck,
        "verdicts": [
            {
                "check": verdict.check,
                "subject": verdict.subject,
                "outcome": verdict.outcome,
                "summary": verdict.summary,
                "findings": [{"outcome": f.outcome, "message": f.message} for f in verdict.findings],
                "evidence": dict(verdict.evidence),
            }
            for verdict in report.verdicts
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
