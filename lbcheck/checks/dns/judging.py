"""Verdicts on blocks of DNS answers: whether every address was listed first, wrong records, lost queries."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from lbcheck.analysis import sampling
from lbcheck.checks import loss
from lbcheck.checks.dns import rfc6724
from lbcheck.checks.dns.evidence import DnsEvidence
from lbcheck.model.address import Family, family
from lbcheck.model.cluster import Cluster, DnsName
from lbcheck.model.dns_queries import RecordType, Resolution
from lbcheck.model.lookup import Lookup
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NAME = "dns"
ALPHA = sampling.FALSE_ALARM * sampling.BUDGET[NAME]
FEWEST_TESTS = 1000  # the error rate is divided by at least this many tests, so a plan need not count them
FAMILY: Mapping[RecordType, Family] = {"A": 4, "AAAA": 6}


def needed_queries(addresses: int, tests: int) -> int:
    """Return how many answers are needed to conclude that an address is never listed first.

    `tests` blocks share the error rate ALPHA; with fewer than two `addresses` one answer is enough.
    """
    return sampling.needed_to_meet(1 / addresses, addresses, ALPHA / tests) if addresses > 1 else 1


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return a verdict for each block of answers, ordered by name, type, layer and host."""
    cluster = question.cluster
    blocks = sorted((s for s in samples if isinstance(s, (Resolution, Lookup))), key=partial(_place, cluster))
    known = {block.name for block in blocks if any(block.orders)}  # names with at least one address, of either type
    return [_judge_block(cluster, b, b.name in known, tests=max(FEWEST_TESTS, len(blocks))) for b in blocks]


def _judge_block(cluster: Cluster, block: Resolution | Lookup, known: bool, tests: int) -> Verdict:
    expected = next((n for n in cluster.names if n.name == block.name), DnsName(block.name))
    wanted = expected.of_family(_family(block))
    seen = frozenset(address for order in block.orders for address in order.split())
    answered = sum(block.orders.values())
    if known and not wanted and _has_none(block):
        findings = [Finding(Outcome.PASS, "no address of this type")]
        return Verdict(NAME, _subject(cluster, block), Outcome.PASS, "none", tuple(findings), _evidence(block, 1))
    findings = [*_losses(block), *_records(cluster, wanted, seen if answered else frozenset(wanted))]
    needed = needed_queries(len(seen), tests)
    if answered:
        findings += _rotation(block, seen, needed)
    outcome = gravest(f.outcome for f in findings) if answered or findings else Outcome.UNMEASURED
    return Verdict(
        NAME,
        _subject(cluster, block),
        outcome,
        _summary(block, seen, answered),
        tuple(findings),
        _evidence(block, needed),
    )


def _place(cluster: Cluster, block: Resolution | Lookup) -> tuple[int, int, int, str]:
    """Return the sort key of a block: by name, type, layer and host, so that the order of arrival does not matter."""
    names = [name.name for name in cluster.names]
    number = names.index(block.name) if block.name in names else len(names)
    where = block.place if isinstance(block, Lookup) else ""
    return number, _family(block), ("authoritative", "resolver", "getaddrinfo").index(_layer(block)), where


def _family(block: Resolution | Lookup) -> Family:
    return block.family if isinstance(block, Lookup) else FAMILY[block.rdtype]


def _type(block: Resolution | Lookup) -> RecordType:
    return "A" if _family(block) == 4 else "AAAA"


def _layer(block: Resolution | Lookup) -> str:
    return "getaddrinfo" if isinstance(block, Lookup) else block.layer or "resolver"


def _subject(cluster: Cluster, block: Resolution | Lookup) -> str:
    rdtype = _type(block)
    if isinstance(block, Lookup):
        return f"{block.name} {rdtype}, getaddrinfo on {block.place}"
    address = block.server.rpartition(":")[0].strip("[]")
    owner = cluster.owners.get(address, "")
    where = f"{owner} ({address})" if owner else block.server
    return f"{block.name} {rdtype}, {_layer(block)} {where}"


def _has_none(block: Resolution | Lookup) -> bool:
    """Return whether every answer says that the name has no address of this type."""
    if isinstance(block, Lookup):
        return block.failure is not None and block.failure.kind == "not-found"
    return set(block.orders) == {""} and not block.errors


def _losses(block: Resolution | Lookup) -> list[Finding]:
    """Report queries that failed, and answers with an error code (rcode)."""
    if block.failure:
        # A refusal proves that the host is up and no program listens. Silence can also come from the network.
        kind = Outcome.FAIL if block.failure.kind in ("refused", "not-found", "status") else Outcome.UNMEASURED
        return [Finding(kind, block.failure.message)]
    said_no = dict(block.rcodes) if isinstance(block, Resolution) else {}
    said_no.pop("NOERROR", None)
    found = []
    for what, count in (*block.errors.items(), *said_no.items()):
        outcome = Outcome.FAIL if loss.too_much(count, block.queries) else Outcome.PASS
        found.append(Finding(outcome, f"{count:,} of {block.queries:,} queries: {what}"))
    return found


def _records(cluster: Cluster, wanted: Sequence[str], seen: frozenset[str]) -> list[Finding]:
    """Report each address that the answers lack, and each that the inventory does not list."""
    owners = cluster.owners
    found = [
        Finding(Outcome.FAIL, f"{address} ({owners.get(address, 'of the inventory')}) is missing from the answer")
        for address in wanted
        if address not in seen
    ]
    strangers = sorted(seen - set(wanted)) if wanted else ()
    return found + [
        Finding(
            Outcome.FAIL, f"{address} ({owners.get(address, 'unknown')}) is in the answer, and not in the inventory"
        )
        for address in strangers
    ]


def _rotation(block: Resolution | Lookup, seen: frozenset[str], needed: int) -> list[Finding]:
    answered = sum(block.first.values())
    never = sorted(seen - {address for address, count in block.first.items() if count}, key=_by_number)
    if len(seen) < 2:
        only = f"only one address, {next(iter(seen))}: nothing to rotate" if seen else "no address"
        return [Finding(Outcome.PASS if seen else Outcome.UNMEASURED, only)]
    if not never:
        return [Finding(Outcome.PASS, "every address came first")]
    if answered < needed:
        enough = (
            f"{answered:,} answers are too few to say that {', '.join(never)} never comes first; {needed:,} would do"
        )
        return [Finding(Outcome.INCONCLUSIVE, enough)]
    always = ", ".join(sorted(block.first, key=_by_number))
    sentence = f"no rotation: {always} came first in all {answered:,} answers, {', '.join(never)} never"
    return [Finding(Outcome.FAIL, sentence + _rule9(block, seen))]


def _rule9(block: Resolution | Lookup, seen: frozenset[str]) -> str:
    """Return the words that blame rule 9 of RFC 6724; empty unless that rule predicts the addresses listed first."""
    if not isinstance(block, Lookup) or not seen <= set(block.sources):
        return ""
    predicted = rfc6724.preferred({address: block.sources[address] for address in seen})
    if predicted == seen or not set(block.first) <= predicted:
        return ""
    winner = next(iter(block.first))
    source = block.sources[winner]
    bits = rfc6724.shared_bits(winner, source.partition("/")[0])
    return (
        f"; getaddrinfo undoes the rotation by RFC 6724, rule 9: {winner} shares {bits} leading bits with the source "
        f"{source}, more than the others. Publish addresses that share equally many bits, or sort none on the client"
    )


def _by_number(address: str) -> tuple[int, str]:
    return (family(address), address)


def _summary(block: Resolution | Lookup, seen: frozenset[str], answered: int) -> str:
    if not answered:
        return f"no answer to {block.queries:,} queries"
    firsts = ", ".join(f"{a} {block.first.get(a, 0):,}" for a in sorted(seen, key=_by_number)) or "no addresses"
    return f"first of {answered:,} answers: {firsts}"


def _evidence(block: Resolution | Lookup, needed: int) -> DnsEvidence:
    evidence = DnsEvidence(
        layer=_layer(block),
        name=block.name,
        type=_type(block),
        queries=block.queries,
        first=dict(block.first),
        orders={order.replace(" ", ","): n for order, n in block.orders.items()},
        errors=dict(block.errors),
        needed_queries=needed,
        ttl_s=None,
    )
    if isinstance(block, Lookup):
        return evidence
    ttl_s = max(block.ttls_s, default=None)
    return replace(evidence, ttl_s=ttl_s, server=block.server, truncated=block.truncated, rcodes=dict(block.rcodes))
