"""Steps, samples and questions survive the way to other hosts and into files."""

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.model.plan import Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Count
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.wire import jsonl

from .scenes import ONE_OF_EACH, QUESTION, healthy, lookup, resolution

SAMPLES = [
    *healthy(),
    resolution({"198.18.0.101": 3}),
    lookup({"198.18.0.101": 3}, {"198.18.0.101": "198.18.0.31/24"}),
    Answers(at="c", url="u", address="", failure=Failure(ErrorKind.TLS, "no"), counts=(Count("", "ü", 1, 1),)),
]
COUNTERS = '{"class": "HaproxyCounters", "at": "l", "balancer": "l", "uri": "u", "when": "after", "rows": [%s]}'


def test_a_stage_comes_back_as_it_went() -> None:
    """A probe runs exactly the steps that were planned."""
    stage = Stage(StageName.TRAFFIC, ONE_OF_EACH)
    assert jsonl.parse(Stage, jsonl.line(stage)) == stage


def test_samples_come_back_as_they_went() -> None:
    """Every kind of sample, with its counts and failures, is the same when read back."""
    assert jsonl.samples(jsonl.line(sample) for sample in SAMPLES) == SAMPLES


def test_a_question_comes_back_as_it_went() -> None:
    """Judging kept samples needs nothing but the file."""
    assert jsonl.parse(Question, jsonl.line(QUESTION)) == QUESTION


def test_one_sample_is_one_line() -> None:
    """Whatever is in a message, a line stays a line."""
    broken = ReadCounters(balancer="b", uri="u", when="after").lost(Failure(ErrorKind.DENIED, "a\nb"))
    assert "\n" not in jsonl.line(broken)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "3",
        '{"class": "Nobody"}',
        '{"class": "Answers", "at": "c"}',
        '{"class": "Answers", "at": "c", "url": 3, "address": ""}',
        '{"class": "Answers", "at": "c", "url": "u", "address": "", "counts": {"a": 1}}',
        '{"class": "LogLines", "at": "c", "server": "s", "path": "p", "failure": {"kind": "odd", "message": ""}}',
        '{"class": "LogLines", "at": "c", "server": "s", "path": "p", "colour": "red"}',
        COUNTERS % '{"svname": "web1"}',
        COUNTERS % '{"pxname": "web"}',
        '{"class": "Resolve", "name": "x", "rdtype": "A", "queries": 1}',
    ],
)
def test_what_is_no_sample_is_refused_with_a_sentence(text: str) -> None:
    """A line from elsewhere is not trusted: what does not fit is an error of ours, never a traceback."""
    with pytest.raises(jsonl.WireError):
        jsonl.parse(Sample, text)


def test_a_step_that_does_not_say_what_it_is_is_refused() -> None:
    """There is no step but of some kind."""
    with pytest.raises(jsonl.WireError, match=r'steps\[0\]: \{"at": "c"\} does not say which Step it is'):
        jsonl.parse(Stage, '{"class": "Stage", "name": "before", "steps": [{"at": "c"}]}')
