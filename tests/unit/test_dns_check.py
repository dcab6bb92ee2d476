"""The check of DNS rotation: which block passes, which fails, and in whose name."""

from dataclasses import replace

import pytest

from lbcheck.checks import dns
from lbcheck.model.cluster import Cluster, DnsName
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.lookup import LookUp
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import QUESTION, about, lookup, resolution

A, B = "198.18.0.101", "198.18.0.102"


def verdict(sample: Sample, question: Question = QUESTION) -> Verdict:
    """Judge one block."""
    [found] = dns.judge(question, [sample])
    return found


def failing(found: Verdict) -> str:
    """Return what failed, as one text."""
    return "; ".join(f.message for f in found.findings if f.outcome is not Outcome.PASS)


def test_a_block_rotates_when_every_address_comes_first() -> None:
    """Both addresses first, strictly in turn or by chance: it rotates."""
    assert verdict(resolution({A: 50, B: 50})).outcome is Outcome.PASS
    assert verdict(resolution({A: 61, B: 39}, layer="resolver")).outcome is Outcome.PASS


def test_a_pinned_order_is_named() -> None:
    """An address that never comes first, in answers enough, is no rotation."""
    found = verdict(resolution({A: 100, B: 0}))
    assert found.outcome is Outcome.FAIL
    assert failing(found) == f"no rotation: {A} came first in all 100 answers, {B} never"


def test_too_few_answers_say_how_many_would_do() -> None:
    """Five answers that begin alike are no proof."""
    found = verdict(resolution({A: 5, B: 0}))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert f"{found.evidence['needed_queries']} would do" in failing(found)


def test_a_block_takes_no_more_than_its_share_of_the_error_budget() -> None:
    """Of 1,000 blocks drawn at random one looks pinned in at most one run of 20,000: half of what a run may err."""
    assert 1000 * 2 * 0.5**26 <= 1e-4 / 2 < 1000 * 2 * 0.5**25
    assert verdict(resolution({A: 25, B: 0})).outcome is Outcome.INCONCLUSIVE
    assert verdict(resolution({A: 26, B: 0})).outcome is Outcome.FAIL


def test_a_vip_missing_from_dns_is_named_with_its_owner() -> None:
    """What the inventory has and the answer has not is said, and whose it is."""
    found = verdict(resolution({A: 100}))
    assert failing(found) == f"{B} (VIP of lb2) is missing from the answer"


def test_a_stranger_in_the_answer_is_named() -> None:
    """A record that the inventory does not have is a fault."""
    found = verdict(resolution({A: 40, B: 40, "198.18.0.99": 40}))
    assert failing(found) == "198.18.0.99 (unknown) is in the answer, and not in the inventory"


def test_a_single_address_has_nothing_to_rotate() -> None:
    """One address, and no inventory that wants more: that passes and is said."""
    found = verdict(resolution({A: 10}), Question(Cluster(names=(DnsName("www.lab.test"),))))
    assert found.outcome is Outcome.PASS
    assert "nothing to rotate" in found.findings[0].message


@pytest.mark.parametrize(
    ("kind", "outcome"), [(ErrorKind.REFUSED, Outcome.FAIL), (ErrorKind.TIMEOUT, Outcome.UNMEASURED)]
)
def test_a_refusal_is_a_fault_and_silence_is_not_known(kind: ErrorKind, outcome: Outcome) -> None:
    """Where somebody is and nobody listens, the server is stopped; silence may as well be the way there."""
    silent = Resolution(
        at="client1",
        server="198.18.0.53:53",
        layer="authoritative",
        name="www.lab.test",
        rdtype="A",
        failure=Failure(kind, "198.18.0.53:53 does not answer"),
    )
    found = verdict(silent)
    assert found.outcome is outcome
    assert "dns1 (198.18.0.53)" in found.subject


@pytest.mark.parametrize(("lost", "outcome"), [(1, Outcome.PASS), (2, Outcome.FAIL)])
def test_a_few_lost_answers_are_remarked_and_many_are_a_fault(lost: int, outcome: Outcome) -> None:
    """One in a hundred may be lost; two may not."""
    assert verdict(resolution({A: 50, B: 50}, errors={"timeout": lost}, queries=100)).outcome is outcome


def test_rule_9_is_blamed_where_it_predicts_what_was_seen() -> None:
    """getaddrinfo pinned as RFC 6724 computes: the rule is named, with the bits."""
    pinned = ("198.18.0.128", "198.18.0.192")
    question = about(names=(DnsName("www.lab.test", pinned),))
    found = verdict(lookup({pinned[1]: 100}, dict.fromkeys(pinned, "198.18.0.201/24")), question)
    assert found.outcome is Outcome.FAIL
    assert "RFC 6724, rule 9: 198.18.0.192 shares 28 leading bits" in failing(found)


def test_rule_9_is_not_blamed_where_it_predicts_otherwise() -> None:
    """Pinned to the address that the rule would not prefer, or that it ties: somebody else did it."""
    pinned = ("198.18.0.128", "198.18.0.192")
    question = about(names=(DnsName("www.lab.test", pinned),))
    other = verdict(lookup({pinned[0]: 100}, dict.fromkeys(pinned, "198.18.0.201/24")), question)
    tied = verdict(lookup({A: 100}, {A: "198.18.0.31/24", B: "198.18.0.31/24"}))
    for found in (other, tied):
        assert found.outcome is Outcome.FAIL
        assert "rule 9" not in failing(found)


def test_one_client_asks_the_servers_and_each_looks_up() -> None:
    """Two clients that ask one server at once would share its rotation counter."""
    steps = [step for stage in dns.plan(QUESTION, Options()).stages for step in stage.steps]
    assert {step.at for step in steps if isinstance(step, Resolve)} == {"client1"}
    assert {step.at for step in steps if isinstance(step, LookUp)} == {"client1", "client2"}


def test_types_that_the_inventory_does_not_have_are_not_asked_for() -> None:
    """A name with IPv4 addresses only is not missed in AAAA."""
    steps = [step for stage in dns.plan(QUESTION, Options()).stages for step in stage.steps]
    assert {step.rdtype for step in steps if isinstance(step, Resolve)} == {"A"}


def test_a_real_fleet_is_asked_gently() -> None:
    """Outside of a lab the rate has a limit, unless the user says otherwise."""
    question = replace(QUESTION, lab=False)
    [stage] = dns.plan(question, Options()).stages
    assert all(step.rate == 50.0 for step in stage.steps if isinstance(step, (Resolve, LookUp)))
    [stage] = dns.plan(question, Options(rate=7)).stages
    assert all(step.rate == 7 for step in stage.steps if isinstance(step, (Resolve, LookUp)))


def test_without_servers_the_own_resolver_is_asked() -> None:
    """`lbcheck dns NAME` asks this machine's resolver and getaddrinfo."""
    [stage] = dns.plan(Question(Cluster(names=(DnsName("example.test"),))), Options(types=("A",))).stages
    assert [(type(step), step.at) for step in stage.steps] == [(Resolve, HERE), (LookUp, HERE)]


def test_a_lab_without_resolvers_asks_nobody_elses() -> None:
    """It has no way out: neither a resolver nor getaddrinfo is asked, only the authoritative servers."""
    lab = replace(QUESTION, lab=True, cluster=replace(QUESTION.cluster, resolvers=()))
    steps = dns.plan(lab, Options()).stages[0].steps
    assert {step.layer for step in steps if isinstance(step, Resolve)} == {"authoritative"}
    assert not [step for step in steps if isinstance(step, LookUp)]


def test_a_type_that_a_name_does_not_have_is_a_remark() -> None:
    """A name with IPv4 addresses only is healthy; a name without any address could not be measured."""
    question = Question(Cluster(names=(DnsName("www.lab.test"),)))
    four = resolution({A: 50, B: 50}, layer="resolver")
    six = replace(four, rdtype="AAAA", first={}, orders={"": 100})
    missing = lookup({}, {}, family=6, failure=Failure(ErrorKind.NOT_FOUND, "no address"))
    assert [found.outcome for found in dns.judge(question, [four, six, missing])] == [Outcome.PASS] * 3
    assert [found.outcome for found in dns.judge(question, [six])] == [Outcome.UNMEASURED]
