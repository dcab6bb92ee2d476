"""Keys that are sent to a hash: which steps carry them, and what they tell."""

from dataclasses import replace

import pytest

from lbcheck.checks import spread
from lbcheck.checks.spread import sent_keys
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.plan import Options, Plan
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Request
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL, answers

ASKED = Asked(hash_keys=("header:X-Session",))


def keyed(**told: object) -> Question:
    """Return the question about a URL whose hash key is sent."""
    return replace(of_url(URL, **told), asked=ASKED)  # type: ignore[arg-type]


def steps(plan: Plan) -> list[Request]:
    """Return the requests of a plan."""
    return [step for stage in plan.stages for step in stage.steps if isinstance(step, Request)]


def met(*servers: str, each: int = 12) -> list[Answers]:
    """Return what keys met, one after the other: all of a key's answers are of one server."""
    return [answers("", {server: each}, key=f"k{place}") for place, server in enumerate(servers)]


def verdict(seen: list[Answers], question: Question) -> Verdict:
    """Return the one verdict."""
    (found,) = spread.judge(question, seen)
    return found


def text(found: Verdict) -> str:
    """Return all findings as one text."""
    return "; ".join(finding.message for finding in found.findings)


def test_each_key_is_sent_by_a_step_of_its_own() -> None:
    """Eight keys, ten requests each, in the header that the user named; they differ from run to run."""
    asked = steps(spread.plan(keyed(), Options(token="run1")))
    assert [step.requests for step in asked] == [10] * 8
    assert [step.headers for step in asked] == [(("X-Session", step.key),) for step in asked]
    assert len({step.key for step in asked}) == 8
    others = steps(spread.plan(keyed(), Options(token="run2")))
    assert not {step.key for step in asked} & {step.key for step in others}


def test_a_total_is_shared_out_over_the_keys() -> None:
    """`--requests` is a total, also where there are fewer than keys."""
    for total in (5, 100):
        assert sum(step.requests for step in steps(spread.plan(keyed(), Options(requests=total)))) == total


def test_without_a_named_header_no_key_is_sent() -> None:
    """One step, without further header fields."""
    (step,) = steps(spread.plan(of_url(URL), Options()))
    assert (step.key, step.headers) == ("", ())


def test_each_of_several_headers_carries_the_key() -> None:
    """Whichever of them is hashed, one key owes one server."""
    question = replace(keyed(), asked=Asked(hash_keys=("header:X-A", "header:X-B")))
    step = steps(spread.plan(question, Options()))[0]
    assert step.headers == (("X-A", step.key), ("X-B", step.key))


def test_further_rounds_send_the_same_keys() -> None:
    """A key that met one server in the first round is asked again."""
    first = met("a", "b", "a", "b", "a", "a", "b", "b", each=3)
    question = keyed(weights={"a": 1, "b": 1})
    options = Options(token="run1")
    again = steps(spread.further(question, options, first))
    assert {step.key for step in again} == {step.key for step in steps(spread.plan(question, options))}


def test_one_server_for_each_key_passes_where_a_hash_is_told() -> None:
    """How many keys met which server is said: shares are no finer than that."""
    found = verdict(met("a", "b", "c", "a", "b", "c", "a", "a"), keyed(algorithm="hdr(X-Session)"))
    assert found.outcome is Outcome.PASS
    assert "each of 8 keys met one server (a 4, b 2, c 2)" in text(found)


def test_a_server_that_no_key_met_is_said_and_no_fault() -> None:
    """Eight keys miss one of three servers in one run of nine."""
    found = verdict(met(*"aabbabab"), keyed(algorithm="hdr(X-Session)", weights={"a": 1, "b": 1, "c": 1}))
    assert found.outcome is Outcome.PASS
    assert "each of 8 keys met one server (a 4, b 4); none met c, which may be with so few" in text(found)


def test_a_key_that_met_two_servers_breaks_a_hash() -> None:
    """It is named by its value."""
    torn = [*met("a", "b", "c"), answers("", {"b": 4}, key="k0")]
    found = verdict(torn, keyed(algorithm="hdr(X-Session)"))
    assert found.outcome is Outcome.FAIL
    assert "key k0 met 2 servers (a, b)" in text(found)


@pytest.mark.parametrize("weights", [{}, {"a": 1, "b": 1, "c": 1}])
def test_shares_of_what_may_be_a_hash_are_inconclusive_where_nobody_told_the_algorithm(
    weights: dict[str, int],
) -> None:
    """Draws by the weights would not give them, and each key met one of several servers."""
    found = verdict(met(*"aaaaaabc", each=40), keyed(weights=weights))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "met one of several servers, as under a hash: --algorithm would tell" in text(found)


def test_one_server_for_all_keys_is_no_hash() -> None:
    """It breaks the weights that the user gave: nothing shows a hash."""
    found = verdict(met(*"aaaaaaaa", each=40), keyed(weights={"a": 1, "b": 1, "c": 1}))
    assert found.outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("text", "right"),
    [("header:X-Session", True), ("header:", False), ("X-Session", False), ("cookie:a", False), ("header:a b", False)],
)
def test_only_a_header_is_understood(text: str, right: bool) -> None:
    """header:NAME, with a name that a header may have."""
    assert sent_keys.understood(text) is right
