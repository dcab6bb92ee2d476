"""A report or samples with any content: judged, drawn and compared, or a sentence says what cannot be, and where."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcheck.checks.compare import compare
from lbcheck.errors import LbcheckError
from lbcheck.model.verdict import Outcome, Report, gravest
from lbcheck.pipeline import read_report, reread

from ..unit import corpus
from ..unit.shown import as_text
from .damage import CORPUS, JSON_MARKS, damaged, in_time, lines, scribbled, sentence, written

SMALL = 20_000  # bytes: with as many changes, more of a small file is tried
REPORTS = [path for path in corpus.REPORTS if path.stat().st_size < SMALL]
SAMPLES = [path for path in corpus.SAMPLES if path.stat().st_size < SMALL]
BEFORE = reread(corpus.HERE / "reports" / "run-pass.json")
MARKS = (*JSON_MARKS, "]", ",", ":", "-Infinity", "null")


def text_of(document: Any) -> str:
    """Return a report, or lines of samples, as a file's text."""
    return "\n".join(json.dumps(line) for line in document)


def refusal(text: str, folder: pytest.TempPathFactory, suffix: str) -> str:
    """Do all that `lbcheck report` and `lbcheck compare` do with a file; return why it is refused, if it is."""
    path = folder.getbasetemp() / f"changed{suffix}"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        with in_time():
            _use(path)
    except LbcheckError as error:
        said = sentence(error)
        assert said.startswith(f"{path} ")
        return said
    return ""


def _use(path: Path) -> None:
    report = reread(path)
    written(report)
    for pair in ((BEFORE, report), (report, BEFORE), (report, report)):
        _hold(pair, Report("", 0.0, "", tuple(compare([("before", pair[0]), ("after", pair[1])]))))


def _hold(pair: tuple[Report, Report], compared: Report) -> None:
    """Fail where a comparison passes that rests on nothing, or hides a failure that is new."""
    assert as_text(compared)
    earlier, later = ({(v.check, v.subject) for v in report.verdicts} for report in pair)
    if compared.outcome is Outcome.PASS:
        assert earlier
        assert earlier <= later
        assert all(
            gravest(v.outcome for v in pair[1].verdicts if (v.check, v.subject) == new) is Outcome.PASS
            for new in later - earlier
        )


@given(document=st.sampled_from(REPORTS).flatmap(lambda path: damaged(list(lines(path)))))
def test_any_report(document: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Evidence of another shape, outcomes that are none, verdicts twice or not at all."""
    refusal(text_of(document), tmp_path_factory, ".json")


@given(document=st.sampled_from(SAMPLES).flatmap(lambda path: damaged(list(lines(path)))))
def test_any_samples(document: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Counts below nothing, counters of nobody, another question."""
    refusal(text_of(document), tmp_path_factory, ".jsonl")


@given(text=st.sampled_from([*REPORTS, *SAMPLES]).flatmap(lambda path: scribbled(path.read_text(), MARKS)))
def test_any_text(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cut, doubled, written over: no JSON, or another document."""
    refusal(text, tmp_path_factory, ".json")


@given(content=st.binary(max_size=60))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is no text is said so."""
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(content)
    with pytest.raises(LbcheckError):
        reread(path)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Outcome)), max_size=4), st.data())
def test_no_comparison_passes_on_nothing(verdicts: list[tuple[str, Outcome]], data: st.DataObject) -> None:
    """Whatever two reports say of three subjects."""
    others = data.draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(Outcome)), max_size=4))
    pair = _report(verdicts), _report(others)
    _hold(pair, Report("", 0.0, "", tuple(compare([("before", pair[0]), ("after", pair[1])]))))


def _report(verdicts: list[tuple[str, Outcome]]) -> Report:
    said = [
        {"check": "spread", "subject": s, "outcome": o, "summary": "", "findings": [], "evidence": {}}
        for s, o in verdicts
    ]
    document = {
        "schema": "lbcheck.report/1",
        "outcome": "pass",
        "started": "",
        "duration_s": 0,
        "lbcheck": "",
        "verdicts": said,
    }
    return read_report(json.dumps(document))


@pytest.mark.parametrize(
    "path", sorted([*CORPUS.glob("reports/*"), *CORPUS.glob("samples/*")]), ids=lambda path: path.name
)
def test_what_once_broke(path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files that ended in a traceback."""
    refusal(path.read_text(encoding="utf-8", errors="surrogateescape"), tmp_path_factory, path.suffix)


def test_the_files_themselves_are_read() -> None:
    """Else the changes try nothing."""
    assert len(REPORTS) > 20
    assert len(SAMPLES) > 10
