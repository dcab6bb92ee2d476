"""Files of samples: of today, of before they said their version, and of a version to come."""

import json
import re
from pathlib import Path

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.model.counters import Counters, ServerState
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.told_by import ToldBy
from lbcheck.pipeline import reread
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
    _, (sample,) = samples.read(written(jsonl.line(QUESTION)) + line)
    assert isinstance(sample, Counters)
    return sample


def test_a_file_says_its_version_and_comes_back_as_it_was() -> None:
    """The first line has the version beside the question; each further line is a sample."""
    text = written(samples.first_line(QUESTION), *healthy())
    assert text.startswith('{"schema":"lbcheck.samples/1",')
    assert samples.begins(text)
    assert samples.read(text) == (QUESTION, healthy())


def test_a_line_ends_by_a_newline_alone() -> None:
    """Characters that Unicode calls line ends may stand in a message."""
    lost = Failure(ErrorKind.DENIED, "one\u2028two\x85three")
    sample = Counters(at="a", balancer="a", uri="u", when="after", product="", failure=lost)
    assert samples.read(written(samples.first_line(QUESTION), sample))[1] == [sample]


def test_a_file_without_a_version_is_read_as_it_was_meant() -> None:
    """HAProxy's own rows become counters in today's words; other samples are as they are."""
    counters = old()
    assert (counters.product, counters.version, counters.process, counters.uptime_s) == ("HAProxy", "2.6.12", "7", 9)
    assert (counters.at, counters.balancer, counters.uri, counters.when) == ("lb1", "lb1", "unix:/s", "after")
    (web,) = counters.backends
    assert (web.algorithm, web.algorithm_told_by, web.mode) == ("roundrobin", ToldBy.BALANCER, "http")
    assert (web.servers[0].requests, web.servers[0].connections) == (4, 5)
    assert web.servers[0].state is ServerState.DRAINING
    assert samples.read(written(jsonl.line(QUESTION), *logs({"web1": 3}))) == (QUESTION, logs({"web1": 3}))


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
    newer = samples.first_line(QUESTION).replace("samples/1", "samples/2")
    with pytest.raises(samples.NewerError, match=r"'lbcheck.samples/2'; this one reads lbcheck.samples/1"):
        samples.read(written(newer, *healthy()))


def test_a_newer_file_ends_a_command_with_a_sentence(tmp_path: Path) -> None:
    """The sentence names the file, and says whose it is."""
    path = tmp_path / "run.jsonl"
    path.write_text(samples.first_line(QUESTION).replace("samples/1", "samples/2"))
    with pytest.raises(LbcheckError, match=r"run\.jsonl was written by a newer lbcheck") as caught:
        reread(path)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("text", ["", "[]", "3", "no", '{"schema":"lbcheck.samples/1"}\n{"class":"Nobody"}'])
def test_what_is_no_file_of_samples_is_refused(text: str) -> None:
    """A sentence, never a traceback."""
    with pytest.raises(jsonl.WireError):
        samples.read(text)
