"""Steps, samples and questions survive the way to other hosts and into files."""

import pytest

from lbcheck.model.counters import ReadCounters
from lbcheck.model.plan import Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Count, Request
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.wire import jsonl

from .scenes import ONE_OF_EACH, QUESTION, healthy, lookup, resolution

SAMPLES = [
    *healthy(),
    resolution({"198.18.0.101": 3}),
    lookup({"198.18.0.101": 3}, {"198.18.0.101": "198.18.0.31/24"}),
    Answers(at="c", url="u", address="", failure=Failure(ErrorKind.TLS, "no"), counts=(Count("", "ü", 1, 1),)),
]
KEPT = Answers(
    at="c",
    url="u",
    address="",
    sent=9,
    counts=(Count("", "web1", 3, 3, {"200": 2, "500": 1}), Count("", "web2", 2, 2, {"200": 2})),
    errors={"status": 3, "tls": 1},
    round=2,
    key="b",
    order=((0, 1), (1, 2), (0, 2)),
    order_cut=True,
    unnamed={"503": 3},
    redirects={"301 /x": 1},
    reasons={"tls": "expired"},
    product_headers={"via": "1.1 Caddy"},
    cut_bodies=1,
    silent_s=2.5,
    given_up="given up after 60 s of silence",
)
COUNTERS = '{"class": "HaproxyCounters", "at": "l", "balancer": "l", "uri": "u", "when": "after", "rows": [%s]}'


def test_a_stage_comes_back_as_it_went() -> None:
    """A probe runs exactly the steps that were planned."""
    stage = Stage(StageName.TRAFFIC, ONE_OF_EACH)
    assert jsonl.parse(Stage, jsonl.line(stage)) == stage


def test_samples_come_back_as_they_went() -> None:
    """Every kind of sample, with its counts and failures, is the same when read back."""
    assert jsonl.samples(jsonl.line(sample) for sample in SAMPLES) == SAMPLES


def test_answers_keep_their_order_and_what_else_was_told() -> None:
    """Everything that a probe kept comes back; what is not kept is not written."""
    assert jsonl.parse(Sample, jsonl.line(KEPT)) == KEPT
    assert [count.server for count in KEPT.in_order()] == ["web1", "web2", "web2", "web1", "web1"]
    assert jsonl.to_json(Answers(at="c", url="u", address="")) == {
        "class": "Answers",
        "at": "c",
        "url": "u",
        "address": "",
    }


def test_a_request_says_what_it_sends_and_how_long_it_waits() -> None:
    """Header fields, the key, the round and the trusted authorities go to the host that asks."""
    step = Request(
        url="u", address="", requests=1, headers=(("X-A", "b"),), key="b", round=1, ca="PEM\n", silence_s=0.0
    )
    assert jsonl.parse(Step, jsonl.line(step)) == step
    lost = step.lost(Failure(ErrorKind.TLS, "no"))
    assert (lost.round, lost.key) == (1, "b")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ("[[2, 1]]", "not in counts"),
        ("[[-1, 1]]", "not in counts"),
        ("[[0, 0]]", "no answers"),
        ("[[0]]", "has not 2 items"),
        ("[[0, 1, 1]]", "has not 2 items"),
        ("[[0, 1.5]]", "not a whole number"),
        ("[[0, 4001]]", "more than 4,000"),
    ],
)
def test_an_order_that_no_counts_can_have_is_refused(order: str, why: str) -> None:
    """An order names servers by their place in `counts`, and is bounded."""
    counts = '[{"balancer": "", "server": "a", "requests": 1, "connections": 1}]'
    text = f'{{"class": "Answers", "at": "c", "url": "u", "address": "", "counts": {counts}, "order": {order}}}'
    with pytest.raises(jsonl.WireError, match=why):
        jsonl.parse(Sample, text)


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
