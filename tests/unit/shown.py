"""Reports as people and programs get them."""

from lbcheck import pipeline
from lbcheck.model.exhibit import Style
from lbcheck.model.verdict import Report
from lbcheck.reporters import render


def as_text(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    """Return a report as text, with its exhibits."""
    return render("text", pipeline.shown(report), Style(colour=colour, verbose=verbose))


def as_json(report: Report) -> str:
    """Return a report as JSON."""
    return render("json", pipeline.shown(report), Style())


def reread(document: str) -> Report:
    """Return a report that was written as JSON."""
    return pipeline.read_report(document)
