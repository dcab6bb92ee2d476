"""A further check and a further format are a file and a line each; here the line is put in for a test."""

from pathlib import Path

import pytest

from lbcheck import pipeline
from lbcheck.cli import main
from lbcheck.model.cluster import Backend, Cluster, Server
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.verdict import Outcome, Report
from lbcheck.reporters import FORMATS
from lbcheck.reporters import plan as plan_as_text

from .corpus import LAB, REPORTS
from .further import logged, outline
from .shown import as_json, as_text, reread

OPTIONS = Options(token="t0k3n")


@pytest.fixture
def question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Question:
    """Two servers with a log, of which one has lines of this run; and the line of the check."""
    monkeypatch.setitem(pipeline.CHECKS, logged.NAME, logged)
    servers = []
    for name, text in (("web1", "GET / t0k3n\nGET / t0k3n\n"), ("web2", "GET / other\n")):
        path = tmp_path / f"{name}.log"
        path.write_text(text)
        servers.append(Server(name, log=str(path)))
    return Question(Cluster(backends=(Backend("web", servers=tuple(servers)),)))


def run(question: Question) -> Report:
    """Return the report of a run of the check that does not exist."""
    return pipeline.run(question, OPTIONS, checks=["logged"])


def test_a_further_check_has_its_plan(question: Question) -> None:
    """It is one of those that a question can support, and its steps are said."""
    [check] = pipeline.chosen(question, [])
    said = plan_as_text.render(pipeline.plan([check], question, OPTIONS))
    assert said.startswith("stage after\n  at here: look for lines in ")
    assert said.endswith("web2.log that say t0k3n\n")


def test_a_further_check_has_its_verdicts(question: Question) -> None:
    """Its steps are run and its samples judged."""
    report = run(question)
    assert [(v.subject, v.outcome) for v in report.verdicts] == [("web1", Outcome.PASS), ("web2", Outcome.FAIL)]
    assert [v.evidence["lines"] for v in report.verdicts] == [2, 0]


def test_a_further_check_is_in_the_text(question: Question) -> None:
    """Its sentences, and its exhibits below them."""
    lines = as_text(run(question)).splitlines()
    assert "  pass          web1: 2 lines" in lines
    head, row = lines[lines.index("  pass          web1: 2 lines") + 2 :][:2]
    assert (head.split(), row.split()[-1]) == (["log", "lines"], "2")
    assert lines[-1] == "FAIL: 1 of 2 verdicts (logged); 1 pass"


def test_a_further_checks_report_is_read_again(question: Question) -> None:
    """Its evidence is read into its class, and drawn as it was."""
    report = run(question)
    again = reread(as_json(report))
    assert {type(verdict.evidence) for verdict in again.verdicts} == {logged.LoggedEvidence}
    assert as_text(again) == as_text(report)


def test_a_further_checks_samples_are_judged_again(question: Question, tmp_path: Path) -> None:
    """What was kept of its run is enough for its verdicts."""
    kept = tmp_path / "run.jsonl"
    with kept.open("w") as file:
        report = pipeline.run(question, OPTIONS, checks=["logged"], keep=file)
    assert pipeline.reread(kept).verdicts == report.verdicts


@pytest.fixture
def further_format(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the format."""
    monkeypatch.setitem(FORMATS, "outline", outline.render)


@pytest.mark.usefixtures("further_format")
def test_a_further_format_is_one_that_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A kept report comes out in it, with the exhibits of its verdicts."""
    [path] = [path for path in REPORTS if path.stem == "failover-pass"]
    assert main(["report", str(path), "--format", "outline"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "failover pass"
    assert set(said[1:]) == {"failover pass Timeline"}


@pytest.mark.usefixtures("further_format")
@pytest.mark.parametrize(
    "words",
    [
        ("topology", *LAB),
        ("spread", "http://127.0.0.1/", "--plan"),
        ("fill", "127.0.0.1:9", "--ports", "40000-40001", "--plan"),
    ],
)
def test_what_is_no_report_says_which_formats_it_has(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A plan or a topology is not passed off as text or JSON where another format was asked for."""
    assert main([*words, "--format", "outline"]) == 2
    heard = capsys.readouterr()
    assert (heard.out, "--format outline is for reports; this can be had as text or json" in heard.err) == ("", True)
