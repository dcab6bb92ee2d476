"""Files of samples: of today, of before they said their version, and of a version to come."""

import json
import re
from pathlib import Path

import pytest

from lbcheck.cli import main
from lbcheck.errors import LbcheckError
from lbcheck.model.counters import Counters, ServerState
from lbcheck.model.ended import Ended
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.told_by import ToldBy
from lbcheck.pipeline import reread
from lbcheck.reporters import FORMATS
from lbcheck.wire import jsonl, samples

from .scenes import QUESTION, healthy, logs

# As it was written before files said their version.
OLD = {
    "class": "HaproxyCounters",
    "at": "lb1",
    "seconds": 0.5,
    "balancer": "lb1",
    "uri": "unix:/s",
    "when": "after",
    "rows": [
        {"pxname": "web", "svname": "web1", "type": 2, "hrsp_2xx": 3, "hrsp_5xx": 1, "stot": 5, "status": "DRAIN"},
        {"pxname": "web", "svname": "BACKEND", "type": 1, "algo": "roundrobin", "mode": "http"},
    ],
    "pid": 7,
    "uptime_s": 9,
    "version": "2.6.12",
}


def written(first: str, *lines: object) -> str:
    """Return a file of samples."""
    return "\n".join([first, *(jsonl.line(line) for line in lines), ""])


def old(**changes: object) -> Counters:
    """Return the one sample of an old file."""
    line = json.dumps({key: value for key, value in {**OLD, **changes}.items() if value is not None})
    (sample,) = samples.read(written(jsonl.line(QUESTION)) + line).samples
    assert isinstance(sample, Counters)
    return sample


def test_a_file_says_its_version_and_comes_back_as_it_was() -> None:
    """The first line has the version beside the question, each further line is a sample, the last one says the end."""
    for ended in (Ended(), Ended(interrupted=True, left_behind=("client1: busy",))):
        text = written(samples.first_line(QUESTION), *healthy()) + samples.last_line(ended) + "\n"
        assert text.startswith('{"schema":"lbcheck.samples/2",')
        assert samples.begins(text)
        assert samples.read(text) == samples.Kept(QUESTION, healthy(), ended)


def test_a_file_without_its_last_line_does_not_know_how_the_run_ended() -> None:
    """Its run was killed, or the file cut; before version 2 no file said it, and none is taken for cut."""
    today = written(samples.first_line(QUESTION), *healthy())
    assert samples.read(today).ended is None
    for old in (today.replace("samples/2", "samples/1"), written(jsonl.line(QUESTION), *healthy())):
        assert samples.read(old) == samples.Kept(QUESTION, healthy(), Ended())


def test_nothing_comes_after_the_end() -> None:
    """Samples behind the last line are those of another run."""
    text = "\n".join([samples.first_line(QUESTION), samples.last_line(Ended()), "", *map(jsonl.line, healthy())])
    with pytest.raises(jsonl.WireError, match="line 4: it comes after the line that says how the run ended"):
        samples.read(text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ([samples.last_line(Ended(interrupted=True))], "interrupted: judged by what was seen until then"),
        ([], "killed or cut: the samples do not say that the run came to its end; judged by what is there"),
        ([samples.last_line(Ended(left_behind=("client1: busy",)))], "client1: busy"),
    ],
)
def test_samples_that_are_judged_again_say_what_befell_their_run(
    ended: list[str], said: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A healthy fleet whose run was interrupted, killed or left something behind: no pass, in any format."""
    kept = tmp_path / "run.jsonl"
    lines = [samples.first_line(QUESTION), *map(jsonl.line, healthy()), *ended]
    kept.write_text("".join(f"{line}\n" for line in lines))
    assert main(["report", str(kept), "--format", form]) == 4
    assert said in capsys.readouterr().out


def test_a_line_ends_by_a_newline_alone() -> None:
    """Characters that Unicode calls line ends may stand in a message."""
    lost = Failure(ErrorKind.DENIED, "one\u2028two\x85three")
    sample = Counters(at="a", balancer="a", uri="u", when="after", product="", failure=lost)
    assert samples.read(written(samples.first_line(QUESTION), sample)).samples == [sample]


def test_a_file_without_a_version_is_read_as_it_was_meant() -> None:
    """HAProxy's own rows become counters in today's words; other samples are as they are."""
    counters = old()
    assert (counters.product, counters.version, counters.process, counters.uptime_s) == ("HAProxy", "2.6.12", "7", 9)
    assert (counters.at, counters.balancer, counters.uri, counters.when) == ("lb1", "lb1", "unix:/s", "after")
    (web,) = counters.backends
    assert (web.algorithm, web.algorithm_told_by, web.mode) == ("roundrobin", ToldBy.BALANCER, "http")
    assert (web.servers[0].requests, web.servers[0].connections) == (4, 5)
    assert web.servers[0].state is ServerState.DRAINING
    assert samples.read(written(jsonl.line(QUESTION), *logs({"web1": 3}))).samples == logs({"web1": 3})


def test_what_an_old_file_did_not_know_is_not_known() -> None:
    """A process id of 0, an uptime of -1 and an empty version stood for that; a failure stays one."""
    hidden = old(pid=0, uptime_s=-1, version="")
    assert (hidden.process, hidden.uptime_s, hidden.version) == (None, None, None)
    lost = old(rows=None, pid=None, uptime_s=None, version=None, failure={"kind": "refused", "message": "no"})
    assert (lost.failure, lost.backends) == (Failure(ErrorKind.REFUSED, "no"), ())


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{"svname": "web1", "type": 2}], "a row of statistics names no proxy and server"),
        ([{"pxname": "web", "svname": 3, "type": 2}], "a row of statistics names no proxy and server"),
        ([3], "rows[0]: 3 is not"),
        ("rows", 'rows: "rows" is not a list'),
        ([{"pxname": "web", "svname": "web1", "type": 2, "stot": 0.5}], "rows[0].stot: 0.5 is not a whole number"),
    ],
)
def test_an_old_file_with_other_rows_is_refused(rows: object, sentence: str) -> None:
    """What is no row of HAProxy's is an error with its place, never a traceback."""
    with pytest.raises(jsonl.WireError, match=re.escape(f"line 3: {sentence}")):
        samples.read(written(jsonl.line(QUESTION), *logs({"web1": 3})) + json.dumps({**OLD, "rows": rows}))


def test_a_file_of_a_version_to_come_is_refused_by_its_name() -> None:
    """A newer file could be misread; who wrote it can read it."""
    newer = samples.first_line(QUESTION).replace("samples/2", "samples/3")
    with pytest.raises(samples.NewerError, match=r"'lbcheck.samples/3'; this one reads lbcheck.samples/2"):
        samples.read(written(newer, *healthy()))


def test_a_newer_file_ends_a_command_with_a_sentence(tmp_path: Path) -> None:
    """The sentence names the file, and says whose it is."""
    path = tmp_path / "run.jsonl"
    path.write_text(samples.first_line(QUESTION).replace("samples/2", "samples/3"))
    with pytest.raises(LbcheckError, match=r"run\.jsonl was written by a newer lbcheck") as caught:
        reread(path)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("text", ["", "[]", "3", "no", '{"schema":"lbcheck.samples/1"}\n{"class":"Nobody"}'])
def test_what_is_no_file_of_samples_is_refused(text: str) -> None:
    """A sentence, never a traceback."""
    with pytest.raises(jsonl.WireError):
        samples.read(text)


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"asked": {"servers": 10**9}}, "servers: 1000000000 is not a number from 0 to 10,000"),
        ({"asked": {"servers": -1}}, "servers: -1 is not a number from 0 to 10,000"),
        ({"asked": {"detect": 1e-9}}, "detect is a share from 0.01 to below 1"),
        ({"asked": {"expect": ["9xx"]}}, "expect: '9xx' is neither a status of HTTP nor a class of them"),
        ({"longest_gap_s": -1}, "longest_gap_s: -1 is not a time"),
    ],
)
def test_a_file_that_asks_what_no_command_would_is_refused(about: dict[str, object], sentence: str) -> None:
    """A first line that somebody changed makes no verdict: a billion servers were judged for ever, -1 failed."""
    with pytest.raises(jsonl.WireError, match=f"^line 1: .*{re.escape(sentence)}"):
        samples.read(json.dumps({"schema": samples.SCHEMA, "class": "Question", **about}))
