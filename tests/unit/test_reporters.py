"""What people and programs get to read."""

import json
from importlib.resources import files

import jsonschema
import pytest

from lbcheck.checks import dns, spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.requests import Request
from lbcheck.model.verdict import Outcome, Report, Verdict, gravest
from lbcheck.reporters import plan as plan_as_text
from lbcheck.reporters import topology as topology_as_text

from .scenes import QUESTION, answers, fair, healthy, lookup, resolution
from .shown import as_json, as_text, reread

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
A, B = "198.18.0.101", "198.18.0.102"


def report(*verdicts: Verdict) -> Report:
    """Return a report of these verdicts."""
    return Report("2026-01-02T03:04:05Z", 1.5, "0.1.0", verdicts)


HEALTHY = report(
    *dns.judge(QUESTION, [resolution({A: 50, B: 50}), lookup({A: 50, B: 50}, dict.fromkeys((A, B), "198.18.0.31/24"))]),
    *spread.judge(QUESTION, healthy()),
)
BROKEN = report(*spread.judge(QUESTION, [answers("lb1", fair(4), errors={"reset": 2})]))


@pytest.mark.parametrize("document", [HEALTHY, BROKEN, report()])
def test_every_report_keeps_to_the_schema(document: Report) -> None:
    """The JSON that programs read is the JSON that the schema promises."""
    jsonschema.validate(json.loads(as_json(document)), SCHEMA)


def test_a_report_read_back_is_the_same() -> None:
    """`lbcheck report` shows a kept report as it was."""
    assert as_json(reread(as_json(HEALTHY))) == as_json(HEALTHY)


def test_the_text_has_the_witnesses_side_by_side() -> None:
    """A reader sees who counted what, and what is expected."""
    lines = as_text(HEALTHY).splitlines()
    assert "                web3        400      400      400  50.0%     50.0%" in lines
    assert lines[-2] == "pass: 5 of 5 verdicts (dns, spread)"


def test_a_fault_stands_below_its_verdict() -> None:
    """What failed is said in a sentence, marked."""
    assert "✗ http://www.lab.test/ at 198.18.0.101 from client1: 2 of 6 requests failed: reset" in as_text(BROKEN)


def test_error_rates_stand_below_a_pass_and_what_to_do_next_below_a_fail() -> None:
    """A pass is worth as much as its error rates; whoever sees a fault wants to know what to do."""
    assert (
        as_text(HEALTHY).splitlines()[-1].startswith("A healthy cluster is called faulty in at most one run of 10,000;")
    )
    assert as_text(BROKEN).splitlines()[-1].startswith("Next: mend what ✗ names and run this again.")


def test_a_rule_that_cannot_find_a_halved_weight_promises_no_rate_for_it() -> None:
    """leastconn only starves nobody: what it misses has no rate."""
    passed = spread.judge(
        of_url("http://x/", algorithm="leastconn"), [answers("", fair(800), url="http://x/", address="")]
    )
    assert as_text(report(*passed)).splitlines()[-1] == (
        "A healthy cluster is called faulty in at most one run of 10,000."
    )


def test_error_rates_are_those_that_were_asked_for() -> None:
    """Whoever looks for less is promised less, and no halved weight is promised to who asked for 80 %."""
    asked = Asked(detect=0.8, power=0.9)
    passed = spread.judge(
        of_url("http://x/", asked=asked), [answers("", {"a": 300, "b": 300}, url="http://x/", address="")]
    )
    assert as_text(report(*passed)).splitlines()[-1] == (
        "A healthy cluster is called faulty in at most one run of 10,000; "
        "a server whose weight is 80% too small is missed in at most one of 10."
    )


def test_the_ending_counts_each_outcome() -> None:
    """The gravest outcome stands first, with how many verdicts of which checks have it; then the others."""
    verdicts = (Verdict("dns", "a", Outcome.PASS, ""), *(Verdict("spread", s, Outcome.FAIL, "") for s in "bc"))
    assert as_text(report(*verdicts)).splitlines()[-1] == "FAIL: 2 of 3 verdicts (spread); 1 pass"
    assert as_text(report()).splitlines()[-1] == "unmeasured: nothing was checked"


@pytest.mark.parametrize(
    ("outcome", "line", "ending"),
    [
        (Outcome.PASS, "  pass          here: said", "pass: 1 of 1 verdict (run)"),
        (Outcome.FAIL, "  FAIL          here: said", "FAIL: 1 of 1 verdict (run)"),
        (Outcome.INCONCLUSIVE, "  inconclusive  here: said", "inconclusive: 1 of 1 verdict (run)"),
        (
            Outcome.UNMEASURED,
            "  unmeasured    here: said",
            "unmeasured: 1 of 1 verdict (run)",
        ),
    ],
)
def test_each_outcome_has_its_word(outcome: Outcome, line: str, ending: str) -> None:
    """A verdict begins with the word for its outcome, and the report ends with the gravest one's."""
    lines = as_text(report(Verdict("run", "here", outcome, "said"))).splitlines()
    assert (lines[-3], lines[-1]) == (line, ending)


def test_colour_is_only_where_it_is_asked_for() -> None:
    """No escape sequence goes to a file."""
    assert "\x1b" not in as_text(BROKEN)
    assert "\x1b[31;1mFAIL" in as_text(BROKEN, colour=True)


def test_nothing_measured_is_never_a_pass() -> None:
    """A report without a verdict is unmeasured."""
    assert report().outcome is Outcome.UNMEASURED
    assert gravest([Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.UNMEASURED]) is Outcome.UNMEASURED
    assert gravest([Outcome.UNMEASURED, Outcome.FAIL]) is Outcome.FAIL


def test_the_plan_says_what_would_be_sent() -> None:
    """Each step is a sentence with its host and its number."""
    text = plan_as_text.render(spread.plan(QUESTION, Options(requests=8, token="t")))
    assert "at lb1: read HAProxy's counters of lb1 from unix:/run/haproxy/stats.sock" in text
    assert "at client2: request http://www.lab.test/ at 198.18.0.102 2 times over connections, 4 at once" in text


def test_the_topology_says_what_was_not_understood() -> None:
    """Notes come last, each on its line."""
    text = topology_as_text.render(QUESTION.topology)
    assert "backend web: roundrobin: web1 (weight 1), web2 (weight 1), web3 (weight 2)" in text


def test_the_plan_says_which_header_fields_are_sent() -> None:
    """A hash key is seen before it goes anywhere."""
    step = Request(url="http://x/", address="", requests=4, headers=(("X-Session", "b"),), key="b")
    text = plan_as_text.render(Plan((Stage(StageName.TRAFFIC, (step,)),)))
    assert "4 times over new connections, 4 at once, with X-Session: b" in text
