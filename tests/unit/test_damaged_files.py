"""A report, or samples, that somebody changed: a sentence names the file and the place. tests/fuzz tries any change."""

import json
from pathlib import Path
from typing import Any

import pytest

from lbcheck.cli import main
from lbcheck.errors import LbcheckError
from lbcheck.pipeline import reread

from . import corpus

RUN, REPORT = corpus.HERE / "samples" / "failover-pass.jsonl", corpus.HERE / "reports" / "run-pass.json"
SERVER_WITHOUT_PORTS = {"backends": [{"name": "web", "servers": [{"name": "web1", "ports": []}]}]}
BEHIND_NOBODY = {"clients": [{"name": "client1", "behind": "nobody"}]}

Place = tuple[str | int, ...]


def read(path: Path) -> Any:
    """Return a report, or the lines of a file of samples."""
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


def write(path: Path, document: Any) -> None:
    """Write it as it was read."""
    lines = [document] if path.suffix == ".json" else document
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")


def inside(document: Any, place: Place) -> Any:
    """Return what holds a place."""
    for key in place[:-1]:
        document = document[key]
    return document


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("verdicts", 2, "findings", 0, "outcome"), "well", 'verdicts[2].findings[0].outcome: "well" is none of pass,'),
        (("verdicts", 1), None, "verdicts[1]: null is not an object"),
        (("verdicts", 1, "evidence"), [], "verdicts[1].evidence: [] is not an object"),
        (("verdicts", 0, "evidence", "queries"), float("nan"), "verdicts[0].evidence.queries: NaN is not a number"),
        (("verdicts",), {}, "verdicts: {} is not a list"),
        (("verdicts", 0), {"check": "dns", "subject": "x"}, "verdicts[0]: Verdict lacks outcome, summary"),
        (("outcome",), 3, "outcome: 3 is none of pass, fail, inconclusive, unmeasured"),
        (("duration_s",), True, "duration_s: true is not a number below 2^53"),
        (("schema",), "lbcheck.report/2", "its schema is not lbcheck.report/1"),
        ((0, "frontends", 0, "url"), ["x"], 'line 1: cluster.frontends[0].url: ["x"] is not text'),
        (
            (0, "backends", 0, "servers", 2, "weight"),
            2**32,
            "line 1: cluster.backends[0].servers[2]: Server: server 'web3': weight",
        ),
        (
            (0, "cluster"),
            SERVER_WITHOUT_PORTS,
            "line 1: cluster.backends[0].servers[0].holds: ServerCapacity: a server that listens on no port",
        ),
        ((0, "cluster"), BEHIND_NOBODY, "line 1: Question: client 'client1': behind 'nobody' does not exist; there is"),
        ((4, "seen", 0, "url"), "x", "'x' is no URL of http or https"),
        ((1, "routes"), [], "line 2: Watched has no 'routes'"),
        ((1, "class"), "Topology", 'line 2: "Topology" stands where Sample should'),
        ((1, "seen", 0, "attempts"), 1e30, "line 2: seen[0].attempts: 1e+30 is not a whole number below 2^53"),
        ((1, "seen", 0, "balancers"), {"lb1": "x"}, 'line 2: seen[0].balancers.lb1: "x" is not a whole number'),
    ],
)
def test_the_place_of_what_is_wrong_is_named(
    place: Place, value: object, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence has the file, in samples the line, and the way to what cannot be; the exit status is 2."""
    original = REPORT if isinstance(place[0], str) else RUN
    document, file = read(original), tmp_path / f"changed{original.suffix}"
    inside(document, place)[place[-1]] = value
    write(file, document)
    assert main(["report", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"lbcheck: {file} is neither a report nor samples: {sentence}")


def test_what_a_later_version_adds_to_a_report_is_passed_over(tmp_path: Path) -> None:
    """Within a schema fields are only ever added: those that are not known are ignored, and their order is free."""
    document, file = read(REPORT), tmp_path / "later.json"
    for holder in (document, document["verdicts"][0], document["verdicts"][0]["findings"][0]):
        holder["a_later_field"] = 1
    file.write_text(json.dumps(dict(reversed(document.items()))))
    assert reread(file) == reread(REPORT)


def test_a_message_may_hold_any_line_end(tmp_path: Path) -> None:
    """Samples are a line each by LF alone: other line ends stand in JSON as they are."""
    document, file = read(RUN), tmp_path / "run.jsonl"
    document[0]["notes"] = ["one\u2028two\x85three"]
    file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in document), encoding="utf-8")
    assert reread(file).verdicts == reread(RUN).verdicts


@pytest.mark.parametrize("original", [REPORT, RUN])
def test_a_key_that_is_there_twice_is_refused(original: Path, tmp_path: Path) -> None:
    """One reader would take the first, another the last."""
    file = tmp_path / f"twice{original.suffix}"
    file.write_text(original.read_text().replace('"', '"schema": "x", "schema": "y", "', 1))
    with pytest.raises(LbcheckError, match='"schema" is there twice'):
        reread(file)


def test_a_sample_that_does_not_say_what_it_is_is_refused(tmp_path: Path) -> None:
    """It was passed over in silence."""
    file = tmp_path / "run.jsonl"
    file.write_text(RUN.read_text() + '{"at":"client1"}\n')
    with pytest.raises(LbcheckError, match="does not say which Sample it is"):
        reread(file)


def test_what_is_nested_without_end_is_refused(tmp_path: Path) -> None:
    """A thousand levels are no report."""
    file = tmp_path / "deep.json"
    file.write_text('{"schema": "lbcheck.report/1", "verdicts": ' + "[" * 100_000)
    with pytest.raises(LbcheckError, match="nested too deeply"):
        reread(file)
