"""What users have seen and kept stays as it was: reports, samples judged again, plans, byte by byte."""

from pathlib import Path

import pytest

from lbcheck.pipeline import reread

from . import corpus


def named(path: Path) -> str:
    """Return the name of a case."""
    return path.stem


@pytest.mark.parametrize("path", corpus.REPORTS, ids=named)
def test_a_report_is_written_and_shown_as_it_was(path: Path) -> None:
    """A kept report is read, and written as JSON and as text, to the same bytes."""
    report = reread(path)
    assert corpus.document(report) == path.read_text(encoding="utf-8")
    for ending, text in corpus.texts(report).items():
        assert text == path.with_suffix(ending).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", corpus.SAMPLES, ids=named)
def test_samples_are_judged_as_they_were(path: Path) -> None:
    """Kept samples give the verdicts of the run that kept them, word for word."""
    kept = reread(corpus.HERE / "reports" / f"{path.stem}.json")
    assert corpus.document(corpus.judged(path.stem)) == corpus.document(kept)


@pytest.mark.parametrize("name", corpus.COMPARISONS)
def test_reports_are_compared_as_they_were(name: str) -> None:
    """The same reports give the same comparison."""
    kept = reread(corpus.HERE / "reports" / f"{name}.json")
    assert corpus.document(corpus.compared(name)) == corpus.document(kept)


@pytest.mark.parametrize("name", corpus.PLANS)
def test_a_plan_is_what_it_was(name: str) -> None:
    """The same inventory and words give the same steps, in the same order, worded the same."""
    assert corpus.plan(name) == (corpus.HERE / "plans" / name).read_text(encoding="utf-8")
