"""A host that writes anything: its own samples are heard, everything else is a failure of its own steps."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint
from lbcheck.model.configuration import ReadConfiguration
from lbcheck.model.counters import ReadCounters
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.fill import Fill
from lbcheck.model.kinds import STEPS
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.lookup import LookUp
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.port_range import ReadPortRange
from lbcheck.model.requests import Request
from lbcheck.model.sockets import ReadSockets
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.stub_status import ReadStubStatus
from lbcheck.model.watch import Route, Watch
from lbcheck.vantage import ansible, names
from lbcheck.vantage.hearing import heard
from lbcheck.wire import jsonl

from ..unit import corpus
from .damage import CORPUS, JSON_MARKS, MOST_SAID, damaged, in_time, lines, scribbled, sentence

HOST, OTHER = "web1", "web2"
STEPS_OF_HOST: tuple[Step, ...] = (
    Resolve(at=HOST, name="www", rdtype="A", queries=5, server=Endpoint("192.0.2.1", 53)),
    LookUp(at=HOST, name="www", family=4, queries=5),
    Request(at=HOST, url="http://www/", address="192.0.2.1", requests=10),
    ReadCounters(at=HOST, balancer="lb1", uri="unix:/s", when="before"),
    ReadConfiguration(at=HOST, balancer="lb1", paths=("/etc/haproxy.cfg",)),
    CountLogLines(at=HOST, server=HOST, path="/log", token="t"),
    ReadStubStatus(at=HOST, server=HOST, url="http://127.0.0.1/s", when="after"),
    ReadSockets(at=HOST, endpoints=(Endpoint("127.0.0.1", 80),)),
    ReadPortRange(at=HOST),
    Fill(at=HOST, endpoints=(Endpoint("127.0.0.1", 80),)),
    Watch(at=HOST, routes=(Route("http://www/", "192.0.2.1"),), interval_s=1, for_s=1),
)
OWN = [jsonl.to_json(step.lost(Failure(ErrorKind.TIMEOUT, "said nothing"))) for step in STEPS_OF_HOST]
FOREIGN = [line for path in corpus.SAMPLES if path.stat().st_size < 20_000 for line in lines(path)]
MARKS = (*JSON_MARKS, "logout\n", f'"{OTHER}"')


def of_host(output: object, *, ended: bool) -> list[Sample]:
    """Return what is heard of a host that wrote so; fail where it is not the host's own."""
    with in_time():
        samples = heard(STEPS_OF_HOST, output, ended=ended)
    for step, sample in zip(STEPS_OF_HOST, samples, strict=False):
        assert step.gives(sample)
        assert (
            not sample.failure
            or len(sample.failure.message) < MOST_SAID
            or sample.failure.kind is not ErrorKind.PROTOCOL
        )
        assert jsonl.parse(Sample, jsonl.line(sample)) == sample
    return samples


@given(damaged(OWN), st.booleans())
def test_any_sample(document: Any, ended: bool) -> None:
    """A sample of another class, of another host, of another type in any field."""
    of_host("\n".join(json.dumps(line) for line in document), ended=ended)


@given(st.lists(st.sampled_from([*OWN, *FOREIGN]), max_size=12), st.booleans())
def test_any_samples_of_others(document: list[Any], ended: bool) -> None:
    """Whoever they are of, in whatever order, and however many."""
    of_host("\n".join(json.dumps(line) for line in document), ended=ended)


@given(scribbled("\n".join(json.dumps(line) for line in OWN), MARKS), st.booleans())
def test_any_text(text: str, ended: bool) -> None:
    """Banners, cut lines, line ends of other kinds."""
    of_host(text, ended=ended)


events = st.fixed_dictionaries(
    {
        "event": st.sampled_from(("ok", "failed", "unreachable")),
        "host": st.sampled_from((HOST, OTHER, "localhost", "here", "stranger", names.ITSELF)),
        "task": st.sampled_from(("carry", "tidy", "itself", "stage 0", "stage 1")),
    },
    optional={
        "stdout": st.lists(st.sampled_from(OWN), max_size=10).map(lambda some: "\n".join(map(json.dumps, some)))
        | st.text(),
        "stderr": st.text(),
        "msg": st.text(),
    },
)


@given(st.lists(events, max_size=8))
def test_any_events(those: list[dict[str, Any]]) -> None:
    """Every step has one sample in the end, whatever Ansible says of whom, and however often."""
    stages = tuple(Stage(name, STEPS_OF_HOST) for name in (StageName.BEFORE, StageName.AFTER))
    samples = list(ansible.collect(Plan(stages), iter(those)))
    assert len(samples) == 2 * len(STEPS_OF_HOST)
    assert {sample.at for sample in samples} == {HOST}


@given(damaged(jsonl.to_json(Stage(StageName.TRAFFIC, STEPS_OF_HOST))))
def test_any_stage(document: Any) -> None:
    """What `lbcheck probe` is asked to do is steps, or a sentence says what of it is none."""
    try:
        stage = jsonl.parse(Stage, json.dumps(document))
    except LbcheckError as error:
        sentence(error)
    else:
        assert jsonl.parse(Stage, jsonl.line(stage)) == stage


@pytest.mark.parametrize("path", sorted(CORPUS.glob("output/*")), ids=lambda path: path.stem)
def test_what_once_broke(path: Path) -> None:
    """Output that ended a whole run."""
    for ended in (True, False):
        of_host(path.read_text(encoding="utf-8", errors="surrogateescape"), ended=ended)


def test_the_samples_themselves_are_heard() -> None:
    """Else the changes try nothing; and every kind of step is among them, but for the one that no host gets."""
    assert of_host("\n".join(json.dumps(line) for line in OWN), ended=True) == [
        step.lost(Failure(ErrorKind.TIMEOUT, "said nothing")) for step in STEPS_OF_HOST
    ]
    assert len({type(step) for step in STEPS_OF_HOST}) == len(STEPS) - 1
