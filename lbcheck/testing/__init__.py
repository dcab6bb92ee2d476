"""Checks for a team's own tests: each fails with lbcheck's own sentences.

    def test_the_balancers_spread(lbcheck_run):
        assert_spread(lbcheck_run("spread"))

`lbcheck_run` and `topology` are fixtures of the plugin that comes with lbcheck (plugin.py beside this file).
"""

from lbcheck.model.verdict import Outcome, Report, Verdict
from lbcheck.plain import plain

__all__ = ["assert_capacity", "assert_rotates", "assert_spread"]


def assert_spread(report: Report, backend: str = "") -> None:
    """Fail unless every backend, or the one named, and each of its balancers gives each server its share."""
    _assert(report, "spread", f"backend {backend}" if backend else "")


def assert_rotates(report: Report, name: str = "") -> None:
    """Fail unless the addresses of every name, or of the one given, rotate at each layer."""
    _assert(report, "dns", name)


def assert_capacity(report: Report, at_least: int = 0, frontend: str = "") -> None:
    """Fail unless each path, or the frontend's, holds at least so many connections, and as many as was measured."""
    for verdict in _assert(report, "capacity", f"frontend {frontend}" if frontend else ""):
        if verdict.subject.startswith("frontend ") and verdict.evidence["holds"] < at_least:
            raise AssertionError(plain(f"{verdict.subject}: {verdict.summary}; {at_least:,} are asked for"))


def _assert(report: Report, check: str, subject: str) -> list[Verdict]:
    """Return the verdicts on a subject; AssertionError says what is wrong, or that there is none."""
    mine = [verdict for verdict in report.verdicts if verdict.check == check and _about(verdict, subject)]
    if not mine:
        known = ", ".join(dict.fromkeys(v.subject for v in report.verdicts if v.check == check))
        sentence = f"{check} says nothing of {subject or 'anything'}; there is {known or 'no verdict at all'}"
        raise AssertionError(plain(sentence))
    wrong = [sentence for verdict in mine for sentence in _sentences(verdict)]
    wrong += [f"{v.subject}: {v.summary}" for v in report.verdicts if v.check == "run"]  # interrupted
    if wrong:
        raise AssertionError("\n".join(map(plain, wrong)))
    return mine


def _about(verdict: Verdict, subject: str) -> bool:
    """Return whether a verdict is on the subject, or on a part of it: `backend web at lb1` is one of `backend web`."""
    return not subject or verdict.subject == subject or verdict.subject.startswith((f"{subject} ", f"{subject},"))


def _sentences(verdict: Verdict) -> list[str]:
    if verdict.outcome is Outcome.PASS:
        return []
    faults = [finding.message for finding in verdict.findings if finding.outcome is not Outcome.PASS]
    return [f"{verdict.subject}: {verdict.outcome}: {verdict.summary}", *(f"  {fault}" for fault in faults)]
