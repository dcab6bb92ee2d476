"""The judgement on a watched failover."""

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from lbcheck.checks import failover
from lbcheck.errors import LbcheckError
from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.plan import Options
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.verdict import Outcome, Report, Verdict, gravest
from lbcheck.model.watch import Gap, RouteSeen, Watch, Watched
from lbcheck.reporters import plan as plan_as_text
from lbcheck.wire import jsonl

from .scenes import QUESTION, URL
from .shown import as_json, as_text

WATCHED = replace(QUESTION, watches_failover=True, longest_gap_s=3.0)
SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
MOVED = Gap(5.1, 7.1, 40, before="lb1", after="lb2")
STOPPED = Commanded(at="here", words=("stop", "lb1"), began_s=5.5, status=0, seconds=0.2)


def saw(*gaps: Gap, began_by_s: float = 0.5, **more: object) -> Watched:
    """Return what client1 saw of lb1's VIP in 15 s."""
    seen = RouteSeen(
        URL, "198.18.0.101", 300, {"timeout": 40} if gaps else {}, {"lb1": 100, "lb2": 160}, 0.0, gaps, 0.06
    )
    return Watched(at="client1", seen=(replace(seen, **more),), seconds=15.0, began_by_s=began_by_s)


def judged(*samples: Sample) -> Verdict:
    """Return the verdict on the one address."""
    return failover.judge(WATCHED, samples)[-1]


@pytest.mark.parametrize(
    ("gap", "outcome"),
    [
        (MOVED, Outcome.PASS),
        (replace(MOVED, end_s=8.1), Outcome.PASS),
        (replace(MOVED, end_s=8.11), Outcome.FAIL),
        (replace(MOVED, end_s=14.9, back=False, after=""), Outcome.FAIL),
        (Gap(14.0, 14.9, 18, back=False, before="lb1"), Outcome.INCONCLUSIVE),
    ],
)
def test_the_longest_gap_decides(gap: Gap, outcome: Outcome) -> None:
    """Longer than allowed, or never back, fails; a watch that ends within what is allowed tells nothing."""
    assert judged(saw(gap), STOPPED).outcome is outcome


def test_the_sentence_has_the_numbers() -> None:
    """How long, from when on, who before and after, and what is allowed."""
    verdict = judged(saw(MOVED), STOPPED)
    assert verdict.subject == "client1 → 198.18.0.101:80"
    assert verdict.summary == (
        "no answer for 2.00 s, from 5.10 s on; lb1 answered before, lb2 after; at most 3 s are allowed"
    )


@pytest.mark.parametrize(
    ("watched", "why"),
    [
        (saw(began_by_s=5.6), "no answer that was surely before the command"),
        (saw(first_answer_s=None, balancers={}), "no answer in the whole watch"),
        (saw(pause_s=3.5), "the client itself paused for 3.50 s"),
        (saw(MOVED, errors={"ports-exhausted": 40}), "failed at the client itself: ports-exhausted"),
    ],
)
def test_what_was_not_seen_is_not_passed(watched: Watched, why: str) -> None:
    """Without an answer before the command, or a client that could watch, nothing was measured."""
    verdict = judged(watched, STOPPED)
    assert verdict.outcome is Outcome.UNMEASURED
    assert any(why in finding.message for finding in verdict.findings)


def test_without_a_command_the_first_attempts_are_what_was_before() -> None:
    """A service that does not answer at first has nothing to lose."""
    assert judged(saw(MOVED)).outcome is Outcome.PASS
    assert judged(saw(Gap(0.0, 1.0, 20, after="lb1"), first_answer_s=1.0)).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(
    "command",
    [
        replace(STOPPED, status=5),
        replace(STOPPED, began_s=None, status=None, failure=Failure(ErrorKind.TIMEOUT, "not run: too slow")),
    ],
)
def test_a_command_that_failed_proves_nothing(command: Commanded) -> None:
    """A service without a gap is no pass where perhaps nothing was broken."""
    verdicts = failover.judge(WATCHED, [saw(), command])
    assert gravest(verdict.outcome for verdict in verdicts) is Outcome.UNMEASURED


def test_the_rehearsal_is_not_judged() -> None:
    """It only says whether and how soon the clients can begin."""
    assert failover.judge(WATCHED, [replace(saw(), rehearsal=True)]) == []


def test_every_client_watches_every_address_and_the_command_runs_beside() -> None:
    """A rehearsal, then the watch from the lead on until it is told to stop, the command here."""
    options = Options(command=("stop",), lead_s=5.0, watch_s=10.0, timeout_s=0.5)
    rehearsal, traffic = failover.plan(WATCHED, options).stages
    watches = [step for step in traffic.steps if isinstance(step, Watch)]
    assert [(w.at, len(w.routes), w.interval_s, w.for_s) for w in watches] == [
        ("client1", 2, 0.05, 15.0),
        ("client2", 2, 0.05, 15.0),
    ]
    assert traffic.steps[-1] == RunCommand(words=("stop",), after_s=5.0, then_s=10.0)
    assert all(watch.until_told for watch in watches)
    assert all(isinstance(step, Watch) and step.rehearsal and not step.until_told for step in rehearsal.steps)
    assert "at here: run stop, once, 5 s after that has begun" in plan_as_text.render(failover.plan(WATCHED, options))


def test_elsewhere_than_in_a_lab_it_is_gentle() -> None:
    """50 requests a second over all clients and addresses, unless somebody says otherwise."""
    fleet = replace(WATCHED, lab=False)
    step = failover.plan(fleet, Options()).stages[1].steps[0]
    assert isinstance(step, Watch)
    assert step.interval_s == pytest.approx(4 / 50)
    with pytest.raises(LbcheckError, match="too seldom to tell 3 s"):
        failover.plan(fleet, Options(rate=1.0))


def test_a_watch_must_outlast_what_is_allowed() -> None:
    """A gap that could not be seen to end cannot be judged."""
    with pytest.raises(LbcheckError, match="--for 3 is too short"):
        failover.plan(WATCHED, Options(watch_s=3.0))


def test_a_run_of_every_check_breaks_nothing() -> None:
    """`lbcheck run` never watches a failover."""
    assert failover.supports(QUESTION)
    assert not failover.supports(WATCHED)


def test_reports_and_samples_keep_their_form() -> None:
    """The report fits the schema, the text shows the gap, and kept samples are judged the same."""
    unreachable = Watched(at="client2", failure=Failure(ErrorKind.UNREACHABLE, "client2: no route"))
    samples = [saw(MOVED), unreachable, STOPPED]
    verdicts = failover.judge(WATCHED, samples)
    report = Report("2026-01-02T03:04:05Z", 1.5, "0.1.0", tuple(verdicts))
    jsonschema.validate(json.loads(as_json(report)), SCHEMA)
    assert "lb1 ━━━━━━━━━━━━━━━━━━━━········━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ lb2" in as_text(report)
    assert failover.judge(WATCHED, jsonl.samples(map(jsonl.line, samples))) == verdicts
