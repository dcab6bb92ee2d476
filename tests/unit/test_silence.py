"""Servers that stopped answering: how long one may be silent, and what draws say of it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from lbcheck.analysis import silence
from lbcheck.analysis.laws.draws import DRAWS
from lbcheck.analysis.laws.tally import Judgement, Tally
from lbcheck.analysis.sequential import planning
from lbcheck.model.verdict import Outcome

ALPHA = 2.5e-6
EVEN = {"a": 1, "b": 1, "c": 1}
GAP = 46  # answers; docs/verdicts.md


def judged(silent: Mapping[str, int], weights: Mapping[str, int] = EVEN, **more: object) -> Judgement:
    """Return what draws say of counts that are as they should be, with such silences at their end."""
    counts = {name: 40 * weight for name, weight in weights.items()}
    tally = Tally(counts, weights, complete=False, silent=silent, closed=False)
    return DRAWS.judge(replace(tally, **more), ALPHA)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("servers", "fixed", "gap"), [(2, 360, 26), (3, 471, 44), (5, 735, 82), (10, 1_467, 180), (20, 2_973, 383)]
)
def test_the_more_servers_the_longer_one_may_be_silent(servers: int, fixed: int, gap: int) -> None:
    """A longer one has a chance of 10⁻⁵ within 1.1 times the fixed plan."""
    assert silence.longest(1 / servers, round(1.1 * fixed), servers, 1e-5) == gap


def test_silence_is_one_of_answers_where_choices_are_counted() -> None:
    """A balancer goes on to choose a server that does not answer."""
    sentence = (
        "server c answered none of the last 46 requests, and was chosen for 40 of all 120; its weight owes it 33.3%"
    )
    assert judged({"c": GAP}, taken="was chosen for").faults[0].startswith(sentence)


def test_silence_from_the_start_counts() -> None:
    """A server may be dead before its first answer."""
    assert silence.longest(0.5, 0, 2, 1e-5) == 18


def test_the_longest_silence_is_a_fault_and_one_answer_less_is_none() -> None:
    """Of the server alone that is silent, whatever its count."""
    assert judged({"a": 0, "b": 3, "c": GAP - 1}).faults == ()
    judgement = judged({"a": 0, "b": 3, "c": GAP})
    assert (judgement.outcome, judgement.more) == (Outcome.FAIL, 0)
    sentence = "server c answered none of the last 46 requests, and 40 of all 120; its weight owes it 33.3%"
    assert [fault.partition(":")[0] for fault in judgement.faults] == [sentence]


def test_who_never_answered_is_said_by_its_count() -> None:
    """Of 46 requests to three equal servers."""
    judgement = judged({"a": 0, "b": 1, "c": GAP}, counts={"a": 23, "b": 23})
    assert [fault.partition(" (")[0] for fault in judgement.faults] == ["server c answered 0 of 46 requests"]


def test_a_silence_sets_the_time_of_the_next_look() -> None:
    """It is due when the most silent one would have been silent for too long, unless a look is dear."""
    few = {"counts": {"a": 7, "b": 7, "c": 6}}
    assert judged({"a": 0, "b": 3, "c": 20}, **few).more == GAP - 20
    assert judged({"a": 0, "b": 3, "c": 20}, seldom=True, **few).more > GAP - 20
    assert judged({}, **few).more > GAP - 20


def test_a_heavy_server_sets_no_time() -> None:
    """Any look shows its silence: to wait for it would make a look of every few answers."""
    weights = {"heavy": 9, "light": 1}
    most = planning.plan(weights, ALPHA, 0.01, 0.5).most
    assert silence.longest(0.9, most, 2, silence.RATES * ALPHA) < planning.OFTEN
    assert judged({"heavy": 0, "light": 0}, weights, counts={"heavy": 18, "light": 2}).more >= planning.OFTEN


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1, "c": 1, "d": 0}, {"a": 1}, {"a": 1, "b": 0}])
def test_who_is_owed_nothing_or_all_may_be_silent(weights: Mapping[str, int]) -> None:
    """A server without weight is; the only one with a weight has nobody to be silent beside."""
    last = [*weights][-1]
    assert judged({last: 10_000}, weights).faults == ()
    assert judged({**dict.fromkeys(weights, 0), last: GAP if last == "c" else 0}, weights).faults == ()


def test_the_rarer_alarms_are_to_be_the_longer_one_may_be_silent() -> None:
    """Its error rate follows that of the test of shares."""
    tally = Tally(dict.fromkeys(EVEN, 40), EVEN, complete=False, silent={"c": GAP})
    assert DRAWS.judge(tally, ALPHA).outcome is Outcome.FAIL
    assert DRAWS.judge(tally, ALPHA / 100).outcome is not Outcome.FAIL
