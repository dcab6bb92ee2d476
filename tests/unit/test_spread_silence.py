"""The bound on the time that a run waits for failures and silence, over all rounds and addresses."""

from typing import Any

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE
from lbcheck.model.requests import Request

from .scenes import URL, answers


def silences(plan: Any) -> set[float]:
    """Return the bounds on silence of a plan's requests."""
    return {step.silence_s for stage in plan.stages for step in stage.steps if isinstance(step, Request)}


def test_a_bound_on_silence_holds_over_all_rounds() -> None:
    """What the first round has waited, the second may not wait again; then no further round is asked."""
    question, options = of_url(URL, addresses=("192.0.2.1",)), Options(silence_s=60.0)
    first = {"a": 13, "b": 10}
    waited = [answers("", first, at=HERE, address="192.0.2.1", errors={"timeout": 1}, silent_s=s) for s in (20.0, 60.0)]
    assert silences(spread.plan(question, options)) == {60.0}
    assert silences(spread.further(question, options, waited[:1])) == {40.0}
    assert not spread.further(question, options, waited[1:]).stages
    assert silences(spread.further(question, Options(silence_s=0.0), waited[1:])) == {0.0}


def test_the_bound_on_silence_is_shared_by_the_addresses() -> None:
    """They are asked one after the other; none has less than the time of one operation."""
    for number, bound in ((2, 30.0), (3, 20.0), (30, 5.0)):
        question = of_url(URL, addresses=[f"192.0.2.{n}" for n in range(number)])
        assert silences(spread.plan(question, Options(silence_s=60.0))) == {bound}
    assert silences(spread.plan(question, Options(silence_s=1.0))) == {1.0}
