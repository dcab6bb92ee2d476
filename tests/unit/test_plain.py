"""Other people's words: whatever is in a name, it stays text in a terminal, a log, JSON and JSON Lines."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from lbcheck import pipeline
from lbcheck.checks import dns, spread
from lbcheck.cli import main
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, Server
from lbcheck.model.exhibit import (
    Absence,
    Column,
    Exhibit,
    Footnote,
    Ladder,
    Rotation,
    Rung,
    Shown,
    Stair,
    Staircase,
    Style,
    Table,
    Timeline,
    Witnessed,
    Witnesses,
)
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.requests import Request
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.verdict import Finding, Outcome, Report, Verdict
from lbcheck.plain import plain
from lbcheck.reporters import FORMATS, PROGRAMS, render
from lbcheck.reporters import plan as plan_as_text
from lbcheck.reporters import topology as topology_as_text
from lbcheck.testing import assert_spread
from lbcheck.wire import jsonl, samples

from .scenes import QUESTION, answers
from .shown import as_json, as_text, reread

CONTROLS = [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0))]
BIDI = [*"\u061c\u200e\u200f", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]
SEPARATORS = ["\u2028", "\u2029"]
HALVES = ["\udcff", "\ud800"]  # the other way round JSON cannot tell them from the letter that they make
UNSEEN = [*"\u200b\ufeff\xad\xa0", "\U000e0041"]  # no width, no ink, or a blank that is none
ALL = [*CONTROLS, *BIDI, *SEPARATORS, *HALVES, *UNSEEN]
LINE = "\n  pass    backend FAKE: all fine"
HOSTILE = f"web{''.join(ALL)}{LINE}"


def exhibits(name: str) -> tuple[Exhibit, ...]:
    """Return one exhibit of each kind, with a name wherever there is room for one."""
    return (
        Table((Column(name), Column(name, "count")), ((name, 3), (None, 4))),
        Witnesses((name,), (Witnessed(name, (1,), 0.5, 0.5),)),
        Ladder((Rung(name, 1, 1, name),), ((name, 1),), (name,)),
        Staircase((Stair(name, 1, 1, 1),)),
        Timeline(10.0, (Absence(1.0, 5.0, name, name),)),
        Footnote(name, Outcome.FAIL),
    )


def shown(name: str) -> Shown:
    """Return a report in which every text is a name, and which has every kind of exhibit."""
    findings = tuple(Finding(outcome, name) for outcome in Outcome)
    whole = Verdict("spread", name, Outcome.FAIL, name, findings)
    turned = replace(whole, check=name, outcome=Outcome.PASS)
    rotation = Rotation(name, name, (name,), {name: 1})
    report = Report(name, 1.0, name, (whole, turned))
    return Shown(report, ((whole, exhibits(name)), (turned, (rotation,))))


@pytest.mark.parametrize("letter", ALL, ids=lambda letter: f"U+{ord(letter):04X}")
def test_what_is_not_printable_is_shown_as_an_escape(letter: str) -> None:
    """A reader sees that something is there, and which; a terminal sees letters."""
    said = plain(f"a{letter}b")
    assert said.isprintable()
    assert said.startswith("a\\")
    assert said.encode().decode("unicode_escape") == f"a{letter}b"


@pytest.mark.parametrize("text", ["web1", "zürich-ünïcode", "東京", "имя", "a b", r"body:\d+", "–→·✗"])
def test_what_is_printable_stays(text: str) -> None:
    """Names of all scripts are read as they are written."""
    assert plain(text) == text


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in PROGRAMS])
@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_no_name_forges_a_line_of_a_report(form: str, colour: bool) -> None:
    """In every format for people a hostile report has the lines of a harmless one, and nothing that moves a cursor."""
    said = render(form, shown(HOSTILE), Style(colour=colour, verbose=True))
    for ours in ("\x1b[32m", "\x1b[31;1m", "\x1b[33m", "\x1b[35m", "\x1b[0m"):
        said = said.replace(ours, "")
    harmless = render(form, shown("web1"), Style(verbose=True))
    assert said.count("\n") == len(said.splitlines()) == harmless.count("\n")
    assert all(line.isprintable() for line in said.split("\n"))


def test_every_format_for_programs_keeps_names_as_they_are() -> None:
    """JSON has escapes of its own: it is safe to show, and a program reads the very name."""
    document = render("json", shown(HOSTILE), Style())
    assert all(line.isprintable() for line in document.split("\n"))
    assert json.loads(document)["verdicts"][0]["subject"] == HOSTILE


def test_plans_and_topologies_are_text() -> None:
    """What an inventory calls its hosts stands in both."""
    names = Cluster(
        clients=(Client(HOSTILE, ("192.0.2.1",)),),
        balancers=(Balancer(HOSTILE, stats=(f"unix:/{HOSTILE}",)),),
        backends=(Backend(HOSTILE, HOSTILE, (Server(HOSTILE),)),),
        frontends=(Frontend(HOSTILE, f"http://x/{HOSTILE}", HOSTILE),),
        notes=(HOSTILE,),
    )
    step = Request(at=HOSTILE, url=f"http://x/{HOSTILE}", address="", requests=1)
    plan = plan_as_text.render(Plan((Stage(StageName.TRAFFIC, (step,)),), (HOSTILE,)))
    topology = topology_as_text.render(Question(names).topology)
    for said, lines in ((plan, 3), (topology, 7)):
        assert len(said.splitlines()) == said.count("\n") == lines
        assert all(line.isprintable() for line in said.split("\n"))


def test_a_hostile_name_is_judged_kept_and_read_again(tmp_path: Path) -> None:
    """A server with such a name has its verdict, and the same one from the file, however its lines are split."""
    seen = [answers("", {HOSTILE: 300, "web2": 300}, url="http://x/", address="")]
    question = Question(Cluster(frontends=(Frontend("x", "http://x/", ""),), backends=(Backend(""),)))
    kept = tmp_path / "run.jsonl"
    lines = [samples.first_line(question), *map(jsonl.line, seen)]
    kept.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert kept.read_text(encoding="utf-8").splitlines() == lines
    assert samples.read(kept.read_text(encoding="utf-8")) == samples.Kept(question, seen, None)
    report = pipeline.reread(kept)
    assert HOSTILE in report.verdicts[0].evidence["servers"]
    assert reread(as_json(report)).verdicts == report.verdicts
    assert as_text(report).encode()


def test_messages_of_hosts_are_text() -> None:
    """What Ansible, a socket or DNS says goes into a failure, and from there into a report."""
    lost = answers("", {}, failure=Failure(ErrorKind.UNREACHABLE, HOSTILE), sent=0)
    for verdict in (*spread.judge(QUESTION, [lost]), *dns.judge(QUESTION, [lost])):
        said = as_text(Report("", 0.0, "", (verdict,)), verbose=True)
        assert all(line.isprintable() for line in said.split("\n"))


def test_errors_are_one_line_whatever_they_quote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A word of the command line, a file's name and what a file holds are quoted in errors, with -vv in tracebacks."""
    bad = tmp_path / f"x{LINE}\x1b[2J"
    bad.write_text(f'{{"schema": "lbcheck.samples/1\x1b[2J"}}{LINE}\n')
    for words in (["spread", f"ftp://{LINE}\x1b[2J\u202e"], ["report", str(bad)], ["report", f"{bad}no"]):
        for more in ([], ["-vv"]):
            assert main([*words, *more]) == 2
            said = capsys.readouterr().err.splitlines()
            assert all(line.isprintable() for line in said)
            assert said[-1].startswith("lbcheck: ")
            assert more or len(said) == 1


def test_assertions_of_a_teams_tests_are_text() -> None:
    """The pytest plugin's sentences go to a terminal, too."""
    verdict = Verdict("spread", "backend web", Outcome.FAIL, HOSTILE, (Finding(Outcome.FAIL, HOSTILE),))
    with pytest.raises(AssertionError) as caught:
        assert_spread(Report("", 0.0, "", (verdict,)))
    said = str(caught.value).split("\n")
    assert len(said) == 2
    assert all(line.isprintable() for line in said)


def test_a_half_of_a_pair_survives_a_file(tmp_path: Path) -> None:
    """JSON can escape it, so it is written and read; nobody is refused for a byte that is no UTF-8."""
    path = tmp_path / "report.json"
    path.write_text(as_json(Report("", 0.0, "", (Verdict("x", "\udcff", Outcome.PASS, "\ud800"),))), encoding="utf-8")
    [verdict] = pipeline.reread(path).verdicts
    assert (verdict.subject, verdict.summary) == ("\udcff", "\ud800")
