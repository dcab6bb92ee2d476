"""What changed between reports: gains held to predictions."""

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


def test_the_staircase_shows_each_step() -> None:
    """A line a report: the gain predicted and measured, what is held, a bar as long as its part of the most."""
    verdicts = compare([("lab", report(200, 200)), ("vip", report(400, 400))])
    lines = as_text(Report("", 0.0, "", tuple(verdicts))).splitlines()
    assert any(line.split()[:5] == ["vip", "+200", "=", "+200", "400"] for line in lines)
    bars = [line.count("█") for line in lines if "█" in line]
    assert bars == [16, 32]
