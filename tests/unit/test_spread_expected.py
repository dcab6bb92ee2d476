"""What the user said of the backend, its name and how many servers there are, is held against what there is."""

from dataclasses import replace

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.counters import ServerState
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL, answers, changed, readings

EVEN = {"web1": 300, "web2": 300, "web3": 300}


def about(number: int, *, stats: bool = False) -> Question:
    """Return the question about a URL with so many servers."""
    return of_url(URL, stats=["unix:/s"] if stats else [], asked=Asked(servers=number))


def faults(verdict: Verdict) -> str:
    """Return what fails, as one text."""
    return "; ".join(finding.message for finding in verdict.findings if finding.outcome is Outcome.FAIL)


def test_as_many_as_were_said_pass() -> None:
    """Three are expected, and three answer."""
    assert spread.judge(about(3), [answers("", EVEN)])[0].outcome is Outcome.PASS


def test_one_that_never_answers_fails_by_its_share() -> None:
    """Four are expected, three answer, and nobody else lists them."""
    verdict = spread.judge(about(4), [answers("", EVEN)])[0]
    assert verdict.outcome is Outcome.FAIL
    assert "server no. 4 answered 0 of 900 requests" in faults(verdict)


def test_more_than_were_said_fail() -> None:
    """Two are expected, and three answer."""
    verdict = spread.judge(about(2), [answers("", EVEN)])[0]
    assert "2 servers are expected, and 3 answered: web1, web2, web3" in faults(verdict)


def test_a_balancer_that_has_fewer_fails() -> None:
    """Four are expected, and the configuration has lost one: all that it has answer evenly."""
    counters = [changed(reading, weight=1, effective_weight=None) for reading in readings("unix:/s", EVEN)]
    verdict = spread.judge(about(4, stats=True), [answers("", EVEN), *counters])[0]
    assert faults(verdict) == "4 servers are expected, and HAProxy has 3 that serve: web1, web2, web3"


def test_a_drained_server_is_none_that_serves() -> None:
    """Three are expected, and one of them gets nothing new."""
    left = {"web1": 300, "web2": 300, "web3": 0}
    counters = [
        changed(changed(reading, weight=1), "web3", state=ServerState.DRAINING, status="DRAIN")
        for reading in readings("unix:/s", left)
    ]
    seen = answers("", {"web1": 300, "web2": 300})
    verdict = spread.judge(about(3, stats=True), [seen, *counters])[0]
    assert "3 servers are expected, and HAProxy has 2 that serve: web1, web2" in faults(verdict)


def test_a_balancer_that_has_more_fails() -> None:
    """Two are expected, and the balancer has a third, which a hash may never choose."""
    counters = [changed(reading, weight=1) for reading in readings("unix:/s", EVEN)]
    verdict = spread.judge(about(2, stats=True), [answers("", EVEN), *counters])[0]
    assert faults(verdict) == "2 servers are expected, and HAProxy has 3 that serve: web1, web2, web3"


def test_a_backend_that_no_balancer_has_is_no_pass() -> None:
    """Who misspells its name is told which there are."""
    question = of_url(URL, stats=["unix:/s"], backend="wbe")
    fair = {"web1": 225, "web2": 225, "web3": 450}
    verdict = spread.judge(question, [answers("", fair), *readings("unix:/s", fair)])[0]
    assert verdict.outcome is Outcome.UNMEASURED
    assert "HAProxy has no backend 'wbe'; it has web" in [finding.message for finding in verdict.findings]


def test_a_balancer_without_an_answer_is_not_asked_for_more() -> None:
    """Its counters moved by nothing: no number of requests would be enough."""
    question = of_url(URL, stats=["unix:/s", "unix:/idle"])
    fair, none = {"web1": 225, "web2": 225, "web3": 450}, dict.fromkeys(EVEN, 0)
    idle = [replace(reading, uri="unix:/idle") for reading in readings("unix:/idle", none)]
    verdicts = spread.judge(question, [answers("", fair), *readings("unix:/s", fair), *idle])
    messages = {finding.message for verdict in verdicts for finding in verdict.findings}
    assert "no answer came through it, and more requests would not change that" in messages
    assert not any("would do" in message for message in messages)


def test_a_plan_for_so_many_servers_says_what_they_take() -> None:
    """Ten servers take more requests than three."""
    few, many = (spread.plan(about(number), Options()).notes[0] for number in (3, 10))
    assert few == "spread: 24 requests first, and what they show decides how many more; about 641 at most"
    assert many == "spread: 24 requests first, and what they show decides how many more; about 1,974 at most"
