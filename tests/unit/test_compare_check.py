"""What changed between reports: gains held to predictions."""

import pytest

from lbcheck.checks.capacity.evidence import BindingLimit, CapacityEvidence, OpenedRow
from lbcheck.checks.compare import compare
from lbcheck.model.verdict import Outcome, Report, Verdict

from .shown import as_text


def report(predicted: int, measured: int | None, outcome: Outcome = Outcome.PASS) -> Report:
    """Return a capacity report of one hop with one product."""
    row = OpenedRow(
        hop="client → VIP",
        family=4,
        binding_mode="explicit",
        sources=1,
        endpoints=2,
        ports=100,
        predicted=predicted,
        measured=measured,
        stopped_by=None,
        seconds=0.1,
        refusal="EADDRINUSE",
    )
    limit = BindingLimit(hop=row.hop, limit="source ports", value=predicted)
    evidence = CapacityEvidence(
        holds=predicted, wanted=None, binding_limit=limit, gains=(), hops=(), steps=(row,), assumed=()
    )
    return Report("", 0.0, "", (Verdict("capacity", "frontend www", outcome, "", (), evidence),))


def test_a_gain_as_predicted_passes() -> None:
    """Each step's gain is the difference to the report before it."""
    [verdict] = compare([("lab", report(200, 200)), ("vip", report(300, 300)), ("client", report(600, 600))])
    assert (verdict.check, verdict.outcome) == ("growth", Outcome.PASS)
    assert [row["gain_measured"] for row in verdict.evidence["steps"]] == [None, 100, 300]
    assert verdict.evidence["gains"] == [{"add": "vip", "tuples": 100}, {"add": "client", "tuples": 300}]


def test_a_gain_that_differs_fails_and_is_named() -> None:
    """One connection less than predicted, at the step where it is missing."""
    [verdict] = compare([("lab", report(200, 200)), ("vip", report(300, 299))])
    assert verdict.outcome is Outcome.FAIL
    assert "vip: +100 predicted, +99 measured" in verdict.findings[0].message


def test_what_was_not_measured_on_both_sides_is_no_pass() -> None:
    """A hop that one of the reports does not have is unmeasured there."""
    [verdict] = compare([("lab", report(200, 200)), ("vip", report(300, None))])
    assert verdict.outcome is Outcome.UNMEASURED


def test_a_verdict_that_turned_is_told() -> None:
    """A pass that is a failure in the later report fails the comparison, and says what it says."""
    verdicts = compare([("lab", report(200, 200)), ("vip", report(200, 200, Outcome.FAIL))])
    assert [verdict.check for verdict in verdicts] == ["growth", "compare"]
    assert "capacity, frontend www: pass → fail" in verdicts[1].findings[0].message
    assert verdicts[1].outcome is Outcome.FAIL


def test_reports_without_capacity_are_compared_too() -> None:
    """Where nothing was filled and nothing turned, that is what it says."""
    before = Report("", 0.0, "", (Verdict("spread", "backend web", Outcome.PASS, ""),))
    [verdict] = compare([("a", before), ("b", before)])
    assert (verdict.outcome, verdict.summary) == (Outcome.PASS, "no verdicts turned")


def of(**outcomes: Outcome) -> Report:
    """Return a report of spreads, a verdict for each backend."""
    return Report(
        "", 0.0, "", tuple(Verdict("spread", f"backend {name}", outcome, "said") for name, outcome in outcomes.items())
    )


PASS, FAIL, UNMEASURED, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.UNMEASURED, Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("before", "after", "outcome", "sentence"),
    [
        (of(web=PASS), of(), UNMEASURED, "after has no verdict: nothing can be compared with it"),
        (of(web=FAIL), of(), UNMEASURED, "after has no verdict: nothing can be compared with it"),
        (of(), of(web=PASS), UNMEASURED, "before has no verdict: nothing can be compared with it"),
        (of(), of(), UNMEASURED, "before has no verdict: nothing can be compared with it"),
        (of(web=PASS), of(web=PASS, api=FAIL), FAIL, "after: spread, backend api: fail, and not in before: said"),
        (of(web=PASS), of(web=PASS, api=INCONCLUSIVE), INCONCLUSIVE, "backend api: inconclusive, and not in before"),
        (of(web=PASS), of(api=FAIL), FAIL, "after has no verdict on spread, backend web; before has"),
        (of(web=PASS, api=PASS), of(web=PASS), UNMEASURED, "after has no verdict on spread, backend api; before has"),
        (of(web=UNMEASURED), of(web=UNMEASURED), UNMEASURED, "after: spread, backend web: unmeasured, as in before"),
        (of(web=UNMEASURED), of(web=PASS), PASS, "after: spread, backend web: unmeasured → pass"),
    ],
)
def test_nothing_passes_that_rests_on_nothing(before: Report, after: Report, outcome: Outcome, sentence: str) -> None:
    """What is in one report alone is compared with nothing; what fails there under a new name fails."""
    [verdict] = compare([("before", before), ("after", after)])
    assert verdict.outcome is outcome
    assert any(sentence in finding.message for finding in verdict.findings)


def test_a_new_verdict_that_passes_changes_nothing() -> None:
    """There is more than before, and all of it is well."""
    [verdict] = compare([("before", of(web=PASS)), ("after", of(web=PASS, api=PASS))])
    assert (verdict.outcome, verdict.summary) == (PASS, "no verdicts turned")


def test_a_failure_in_both_is_counted() -> None:
    """It has not turned, and a pass of the comparison does not hide it."""
    [verdict] = compare([("before", of(web=FAIL, api=PASS)), ("after", of(web=FAIL, api=PASS))])
    assert (verdict.outcome, verdict.summary) == (PASS, "no verdicts turned; 1 failed before and after")


def test_of_two_verdicts_on_one_subject_the_graver_counts() -> None:
    """A pass behind a failure does not hide it."""
    twice = Report("", 0.0, "", (*of(web=FAIL).verdicts, *of(web=PASS).verdicts))
    [verdict] = compare([("before", of(web=PASS)), ("after", twice)])
    assert verdict.outcome is FAIL


def test_the_staircase_shows_each_step() -> None:
    """A line a report: the gain predicted and measured, what is held, a bar as long as its part of the most."""
    verdicts = compare([("lab", report(200, 200)), ("vip", report(400, 400))])
    lines = as_text(Report("", 0.0, "", tuple(verdicts))).splitlines()
    assert any(line.split()[:5] == ["vip", "+200", "=", "+200", "400"] for line in lines)
    bars = [line.count("█") for line in lines if "█" in line]
    assert bars == [16, 32]
