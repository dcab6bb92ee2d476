"""Servers that come during a run in which the client is the only witness."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.question import HERE
from lbcheck.model.requests import Answers, Count
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL


def in_round(number: int, names: Sequence[str]) -> Answers:
    """Return answers one at a time, in this order."""
    servers = sorted(set(names))
    runs = tuple((servers.index(name), len(list(run))) for name, run in groupby(names))
    counts = tuple(Count("", name, names.count(name), 1, {"200": names.count(name)}) for name in servers)
    answers = Answers(at=HERE, url=URL, address="", sent=len(names), connections=1, counts=counts, order=runs)
    return replace(answers, round=number)


def judged(*rounds: Sequence[str], **told: Any) -> Verdict:
    """Return the verdict on rounds of answers."""
    samples = [in_round(number, names) for number, names in enumerate(rounds)]
    return spread.judge(of_url(URL, **told), samples)[0]


def drawn(servers: str, requests: int, seed: int = 1) -> list[str]:
    """Return so many draws over equal servers."""
    return random.Random(seed).choices(servers, k=requests)  # noqa: S311 (a simulation, no secret)


def said(verdict: Verdict) -> str:
    """Return all findings."""
    return "; ".join(finding.message for finding in verdict.findings)


@pytest.mark.parametrize("told", [{}, {"weights": {"a": 1, "b": 1, "c": 1}}])
def test_shares_are_judged_from_the_round_after_a_server_came(told: dict[str, Any]) -> None:
    """Autoscaling: c was not there at first, and from then on shares are even."""
    verdict = judged(drawn("ab", 60), drawn("ab", 20) + drawn("abc", 40), drawn("abc", 500), **told)
    assert verdict.outcome is Outcome.PASS
    assert "server c first answered after 8" in said(verdict)
    assert "shares are judged over the rounds without a change" in said(verdict)


def test_in_one_round_nobody_can_judge_them() -> None:
    """There is no part to judge, so the user is asked to run again."""
    verdict = judged(drawn("ab", 150) + drawn("abc", 350))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "shares are not judged, because the fleet changed during the run: run again" in said(verdict)


def test_who_took_the_place_of_another_makes_no_pass() -> None:
    """A rolling update: d came when c went, and why c went nobody can tell."""
    verdict = judged(drawn("abc", 80), drawn("abc", 20) + drawn("abd", 40), drawn("abd", 500))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "server c last answered after" in said(verdict)
    assert "its weight owes it" not in said(verdict)


def test_a_server_that_answers_too_seldom_has_not_come() -> None:
    """One answer late in a run is no sign of a server that came: its share is wrong."""
    verdict = judged(drawn("ab", 100), [*drawn("ab", 80), "c", *drawn("ab", 200)], weights={"a": 1, "b": 1, "c": 1})
    assert verdict.outcome is Outcome.FAIL
    assert "server c" in said(verdict)
