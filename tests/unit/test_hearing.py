"""What a host wrote of its steps: samples of its own, or one failure for each of its steps."""

import json
from dataclasses import replace

import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.counters import ReadCounters
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.kinds import STEPS
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.watch import Route, RouteSeen, Watch, Watched
from lbcheck.vantage import ansible, names
from lbcheck.vantage.hearing import heard
from lbcheck.wire import jsonl

OF_WEB1 = CountLogLines(at="web1", server="web1", path="/log", token="t", when="after")
STEPS_OF_WEB1 = (OF_WEB1, replace(OF_WEB1, frontend="www"))
FOUND = LogLines(at="web1", server="web1", path="/log", lines=7)
OTHER = replace(FOUND, frontend="www", lines=8)
GOOD = jsonl.line(FOUND) + "\n" + jsonl.line(OTHER)


def changed(**other: object) -> str:
    """Return web1's samples with another first one."""
    return json.dumps(jsonl.to_json(FOUND) | other) + "\n" + jsonl.line(OTHER)


def test_a_hosts_samples_are_heard_in_their_order() -> None:
    """One for each of its steps."""
    assert heard(STEPS_OF_WEB1, GOOD, ended=True) == [FOUND, OTHER]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (GOOD + "\nlogout", "3 lines for 2 steps"),
        ("Welcome to web1\n" + GOOD, "3 lines for 2 steps"),
        ("Welcome to web1", "line 1: 'Welcome to web1' is not JSON"),
        ("[]\n[]", "line 1: [] is not an object"),
        (changed(**{"class": []}), "line 1: [] stands where Sample should"),
        (changed(**{"class": "Answers"}), "line 1: Answers has no"),
        (changed(**{"class": "Question"}), 'line 1: "Question" stands where Sample should'),
        (changed(**{"class": "StubStatus", "at": "web1"}), "line 1: StubStatus has no"),
        (json.dumps({"at": "web1"}), 'line 1: {"at": "web1"} does not say which Sample it is'),
        (changed(at="web2"), "line 1 is no sample of CountLogLines at web1"),
        (changed(server="web2"), "line 1 is no sample of CountLogLines at web1"),
        (jsonl.line(OTHER) + "\n" + jsonl.line(FOUND), "line 1 is no sample of CountLogLines at web1"),
        (changed(lines=float("nan")), "line 1: lines: NaN is not a whole number"),
        (changed(seconds=10**400), "is not a number below 2^53"),
        ("9" * 5000, "is not JSON"),
        ("[" * 100_000, "line 1: it is nested too deeply"),
        ('{"class":"LogLines",' + '"a":{' * 50_000, "line 1: it is nested too deeply"),
        ('{"at":"web1","at":"web2"}', 'line 1: "at" is there twice'),
        (5, "it is no text"),
    ],
)
def test_a_host_that_writes_anything_else_is_not_believed(output: object, sentence: str) -> None:
    """Each of its steps is a failure that says why; nothing is raised, so that no other host loses anything."""
    samples = heard(STEPS_OF_WEB1, output, ended=True)
    assert [(type(sample), sample.at) for sample in samples] == [(LogLines, "web1")] * 2
    for sample in samples:
        assert sample.failure
        assert sample.failure.kind is ErrorKind.PROTOCOL
        assert sample.failure.message.startswith("web1: what it wrote is not the samples of its steps: ")
        assert sentence in sample.failure.message
        assert len(sample.failure.message) < 300


def test_a_program_that_was_ended_costs_what_it_had_not_written() -> None:
    """Its last line may be cut; the lines before it are whole."""
    assert heard(STEPS_OF_WEB1, GOOD[:-9], ended=False) == [FOUND]
    assert heard(STEPS_OF_WEB1, "", ended=False) == []


def test_a_line_end_within_a_text_is_none() -> None:
    """Lines of JSON end by LF alone."""
    step = replace(OF_WEB1, path="/log\u2028x\x85y")
    sample = replace(FOUND, path=step.path)
    assert heard([step], json.dumps(jsonl.to_json(sample), ensure_ascii=False), ended=True) == [sample]


@pytest.mark.parametrize("kind", STEPS)
def test_every_step_knows_its_own_lost_sample(kind: type) -> None:
    """What a step loses is a sample of its own, and one at another host is not."""
    assert "at" in kind.SAID_AGAIN  # type: ignore[attr-defined]


def test_a_host_chooses_its_resolver_and_no_other_server() -> None:
    """Where the step names no server the host finds one; where it does, the answers are that server's."""
    own = Resolve(at="c1", name="www", rdtype="A", queries=5)
    sample = replace(own.lost(Failure(ErrorKind.TIMEOUT, "")), failure=None, server="192.0.2.1:53", layer="resolver")
    assert own.gives(sample)
    assert not replace(own, server=Endpoint("192.0.2.2", 53)).gives(sample)
    assert not replace(own, layer="authoritative").gives(sample)


def test_a_watch_tells_of_its_own_routes() -> None:
    """A balancer that was not watched cannot have been seen."""
    route = Route("http://www/", "192.0.2.1")
    step = Watch(at="c1", routes=(route,), interval_s=1, for_s=1)
    assert step.gives(Watched(at="c1", seen=(RouteSeen(route.url, route.address),)))
    assert not step.gives(Watched(at="c1", seen=(RouteSeen(route.url, "192.0.2.2"),)))
    assert not step.gives(Watched(at="c1"))


def test_counters_are_of_the_balancer_that_was_asked() -> None:
    """A host cannot speak for another balancer."""
    step = ReadCounters(at="lb1", balancer="lb1", uri="unix:/s", when="before")
    sample = step.lost(Failure(ErrorKind.TIMEOUT, ""))
    assert step.gives(sample)
    assert not step.gives(replace(sample, balancer="lb2"))


def test_a_bad_neighbour_costs_its_share_and_no_more() -> None:
    """One host's noise is that host's failure; whoever comes after it is heard."""

    def of(host: str) -> CountLogLines:
        return replace(OF_WEB1, at=host, server=host)

    hosts = ("noise", "here", "localhost", "gone")
    plan = Plan((Stage(StageName.AFTER, tuple(of(host) for host in (*hosts, HERE))),))
    itself = names.ITSELF

    def ok(host: str, at: str, more: str = "") -> dict[str, object]:
        sample = LogLines(at=at, server=at, path="/log", lines=1)
        return {"event": "ok", "host": host, "task": "stage 0", "stdout": jsonl.line(sample) + more}

    events: list[dict[str, object]] = [
        {"event": "ok", "host": "localhost", "task": "itself"},
        {"event": "unreachable", "host": "gone", "task": "carry", "msg": "no route"},
        ok("noise", "noise", "\nlogout"),
        ok("here", "here"),
        ok("localhost", "localhost"),
        ok(itself, HERE),
        ok("a stranger", "web1"),
    ]
    samples: dict[str, Sample] = {sample.at: sample for sample in ansible.collect(plan, iter(events))}
    assert set(samples) == {*hosts, HERE}
    assert {at for at, sample in samples.items() if sample.failure} == {"noise", "gone"}
    failures = {at: sample.failure.kind for at, sample in samples.items() if sample.failure}
    assert failures == {"noise": ErrorKind.PROTOCOL, "gone": ErrorKind.UNREACHABLE}


def test_a_host_that_wrote_too_few_samples_is_said_so() -> None:
    """The first are kept."""
    plan = Plan((Stage(StageName.AFTER, STEPS_OF_WEB1),))
    event = {"event": "ok", "host": "web1", "task": "stage 0", "stdout": jsonl.line(FOUND)}
    first, second = ansible.collect(plan, iter([event]))
    assert first == FOUND
    assert second.failure == Failure(ErrorKind.INTERNAL, "web1: it wrote 1 samples of 2")
