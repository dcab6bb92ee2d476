"""The pytest plugin, used as a team would use it; nothing is sent: capacity is predicted from an inventory."""

import pytest

from lbcheck.model.verdict import Finding, Outcome, Report, Verdict
from lbcheck.testing import assert_capacity, assert_rotates, assert_spread

pytest_plugins = ["pytester"]

INVENTORY = """
all:
  vars:
    cluster_frontends: [{name: www, url: "http://www.test/", backend: web}]
    cluster_backends: [{name: web, group: backends, port: 8080}]
  children:
    load_balancers: {hosts: {lb1: {cluster_addresses: [192.0.2.1], cluster_vips: [192.0.2.9], cluster_maxconn: 5000}}}
    backends: {hosts: {web1: {cluster_addresses: [192.0.2.11]}}}
"""


def report(check: str, *verdicts: tuple[str, Outcome]) -> Report:
    """Return a report with a fault in each verdict that is no pass."""
    found = tuple(
        Verdict(check, subject, outcome, "so many", (Finding(outcome, f"{subject} is wrong"),), {"holds": 800})
        for subject, outcome in verdicts
    )
    return Report("", 0.0, "", found)


def test_a_fault_is_told_in_lbchecks_words() -> None:
    """The failure has the verdict's summary and its findings, the balancer's too where the backend is named."""
    seen = report("spread", ("backend web", Outcome.PASS), ("backend web at lb2", Outcome.FAIL))
    with pytest.raises(AssertionError, match="backend web at lb2 is wrong"):
        assert_spread(seen, backend="web")
    assert_spread(report("spread", ("backend web", Outcome.PASS), ("backend api", Outcome.FAIL)), backend="web")


def test_what_could_not_be_told_is_no_pass() -> None:
    """Inconclusive and unmeasured fail, and so does a run that was interrupted."""
    for outcome in (Outcome.INCONCLUSIVE, Outcome.UNMEASURED):
        with pytest.raises(AssertionError, match=str(outcome)):
            assert_rotates(report("dns", ("www.test A, resolver", outcome)), name="www.test")
    whole = report("dns", ("www.test A, resolver", Outcome.PASS))
    ended = Verdict("run", "the whole run", Outcome.UNMEASURED, "interrupted")
    with pytest.raises(AssertionError, match="interrupted"):
        assert_rotates(Report("", 0.0, "", (*whole.verdicts, ended)))


def test_a_subject_that_nobody_checked_fails() -> None:
    """A name that is misspelt is no pass: what there is, is said."""
    with pytest.raises(AssertionError, match=r"says nothing of backend wbe; there is backend web"):
        assert_spread(report("spread", ("backend web", Outcome.PASS)), backend="wbe")


def test_too_little_room_says_what_is_short() -> None:
    """The path, what it holds, and what is asked for."""
    with pytest.raises(AssertionError, match="frontend www: so many; 1,000 are asked for"):
        assert_capacity(report("capacity", ("frontend www", Outcome.PASS)), at_least=1000)


def test_the_fixtures_read_an_inventory(pytester: pytest.Pytester) -> None:
    """`topology` and `lbcheck_run` work from --lbcheck-inventory, and a failure is lbcheck's sentence."""
    pytester.makefile(".yml", inventory=INVENTORY)
    pytester.makepyfile(
        """
        from lbcheck.testing import assert_capacity

        def test_topology(topology):
            assert [balancer.name for balancer in topology.balancers] == ["lb1"]
            assert [vip.home for vip in topology.vips] == ["lb1"]
            assert topology.backend("web").weights == {"web1": 1}
            assert [name.name for name in topology.names] == ["www.test"]
            assert [frontend.url for frontend in topology.web] == ["http://www.test/"]
            assert (topology.lab, topology.identify) == (False, "header:x-served-by")
            assert topology.reachable == ("lb1", "web1")

        def test_room(lbcheck_run):
            assert_capacity(lbcheck_run("capacity"), at_least=5000, frontend="www")

        def test_too_much(lbcheck_run):
            assert_capacity(lbcheck_run("capacity"), at_least=5001)
        """
    )
    result = pytester.runpytest_subprocess("--lbcheck-inventory", "inventory.yml")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*frontend www: holds 5,000 connections*maxconn*; 5,001 are asked for"])


def test_without_an_inventory_it_says_what_to_give(pytester: pytest.Pytester) -> None:
    """A sentence, no traceback."""
    pytester.makepyfile("def test_topology(topology): pass")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no inventory: give --lbcheck-inventory*"])
