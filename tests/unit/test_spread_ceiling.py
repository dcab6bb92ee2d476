"""Weights so far apart that hundreds of millions of requests would show a fault: the run is bounded and says so."""

from collections.abc import Mapping, Sequence

import pytest

from lbcheck.checks import spread
from lbcheck.errors import LbcheckError
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import HEAVIEST
from lbcheck.model.plan import Options, Plan
from lbcheck.model.question import Question
from lbcheck.model.requests import Request
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL, about, answers

ABSURD = {"a": 1_000_000, "b": 1_000_000, "c": 1}


def requests(plan: Plan) -> int:
    """Return how many requests a plan sends."""
    steps = (step for stage in plan.stages for step in stage.steps)
    return sum(step.requests for step in steps if isinstance(step, Request))


def further(question: Question, *rounds: Mapping[str, int]) -> int:
    """Return how many requests follow rounds with these answers."""
    seen = [answers("", counts, address="", round=number) for number, counts in enumerate(rounds)]
    return requests(spread.further(question, Options(), seen))


def judged(weights: Mapping[str, int], counts: Mapping[str, int], algorithm: str = "") -> Verdict:
    """Return the verdict on counts where the user told the weights."""
    return spread.judge(of_url(URL, weights=weights, algorithm=algorithm), [answers("", counts, address="")])[0]


@pytest.mark.parametrize("algorithm", ["", "least_conn", "ROUND_ROBIN", "inc"])
@pytest.mark.parametrize(
    ("weights", "rounds"),
    [(ABSURD, ({"a": 12, "b": 12}, {"a": 988, "b": 988})), ({"a": HEAVIEST, "b": 1}, ({"a": 24}, {"a": 1976}))],
)
def test_a_run_that_would_take_millions_of_requests_has_two_thousand(
    weights: Mapping[str, int], rounds: Sequence[Mapping[str, int]], algorithm: str
) -> None:
    """The first round has 24, the second the rest of 2,000, and none follows."""
    question = of_url(URL, weights=weights, algorithm=algorithm)
    assert requests(spread.plan(question, Options())) == 24
    assert further(question, rounds[0]) == 1976
    assert further(question, *rounds) == 0


def test_the_plan_says_how_many_would_tell_all() -> None:
    """And that the user has to ask for them."""
    [note] = spread.plan(of_url(URL, weights=ABSURD), Options()).notes
    assert "about 2,000 at most; 356,883,946 would tell all" in note
    assert "more than 10,000,000 are sent only if --requests says so" in note
    [note] = spread.plan(of_url(URL, weights={"a": 1_000_000, "b": 500_000, "c": 0}), Options()).notes
    assert note.endswith("about 633 at most")


def test_a_lab_is_asked_as_often_as_ever() -> None:
    """Requests cost nothing there, and yet nobody waits for hundreds of millions."""
    [backend] = about().cluster.backends
    servers = tuple(type(backend.servers[0])(name, weight) for name, weight in ABSURD.items())
    lab = about(backends=(type(backend)("web", "random", servers),), balancers=())
    assert requests(spread.plan(lab, Options())) == 2000


def test_too_few_requests_are_inconclusive_with_how_many_would_do() -> None:
    """Nothing is wrong with the two heavy servers, and the third is owed nothing of 2,000 requests."""
    verdict = judged(ABSURD, {"a": 1000, "b": 1000})
    assert verdict.outcome is Outcome.INCONCLUSIVE
    said = "; ".join(finding.message for finding in verdict.findings if finding.outcome is Outcome.INCONCLUSIVE)
    assert said == (
        "too few requests to tell; 356,883,946 would do, and more than 10,000,000 are sent only if --requests says so"
    )


@pytest.mark.parametrize("counts", [{"a": 1330, "b": 670}, {"a": 900, "b": 900, "c": 200}, {"b": 2000}])
def test_what_two_thousand_requests_show_fails(counts: Mapping[str, int]) -> None:
    """A heavy server at half of its weight, a light one that gets a tenth, a dead one."""
    assert judged(ABSURD, counts).outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "told", [{"stats": ["unix:/s"]}, {"configuration": ["/f"]}, {"asked": Asked(product="haproxy")}]
)
def test_what_haproxy_cannot_have_is_refused(told: dict[str, object]) -> None:
    """By its statistics, its configuration or the user it is known; 256 is the most that it takes."""
    with pytest.raises(LbcheckError, match="server 'b': weight 257 is above 256, the most that HAProxy takes"):
        of_url(URL, weights={"a": 256, "b": 257}, **told)  # type: ignore[arg-type]
    of_url(URL, weights={"a": 256, "b": 0}, **told)  # type: ignore[arg-type]
    of_url(URL, weights={"a": 256, "b": 257}, asked=Asked(product="nginx"))
