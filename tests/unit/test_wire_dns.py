"""DNS answers are read byte by byte, as dnspython reads them, and in linear time."""

import random
import struct

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from lbcheck.model.dns_queries import RecordType
from lbcheck.wire.dns import DnsAnswer, DnsQuestion, read

NAME = "www.example.test."
QUESTION = DnsQuestion(NAME, "A", recursive=False)


def message(rdtype: RecordType = "A", **flags: int) -> dns.message.Message:
    """Return an empty answer."""
    answer = dns.message.make_response(dns.message.make_query(NAME, rdtype))
    answer.flags |= flags.get("flags", 0)
    return answer


def as_dnspython_reads(data: bytes, rdtype: RecordType) -> DnsAnswer:
    """Return what the library says of the bytes after an ID."""
    kind = A if rdtype == "A" else AAAA
    try:
        said = dns.message.from_wire(b"\0\0" + data, one_rr_per_rrset=True)
    except dns.exception.DNSException:
        return DnsAnswer(readable=False)
    records = [(record.address, rrset.ttl) for rrset in said.answer for record in rrset if isinstance(record, kind)]
    return DnsAnswer(
        authoritative=bool(said.flags & dns.flags.AA),
        rcode=dns.rcode.to_text(said.rcode()),
        addresses=tuple(address for address, _ in records),
        ttls_s=tuple({ttl for _, ttl in records}),
    )


def some(rng: random.Random, rdtype: RecordType) -> bytes:
    """Return an answer with a chain of names, addresses, further sections and EDNS, the bytes after its ID."""
    answer = message(rdtype, flags=rng.choice((0, dns.flags.AA)))
    if rng.random() < 0.5:
        answer.use_edns(0)
    answer.set_rcode(dns.rcode.Rcode(rng.choice((0, 2, 3, 16 if answer.edns >= 0 else 5))))
    owner = NAME
    for alias in rng.sample(("one.example.test.", "two.test.", "x.y.z."), rng.randrange(3)):
        answer.answer.append(dns.rrset.from_text(owner, rng.randrange(300), "IN", "CNAME", alias))
        owner = alias
    for _ in range(rng.randrange(5)):
        four, six = f"192.0.2.{rng.randrange(256)}", f"2001:db8::{rng.randrange(0x10000):x}"
        kind, address = rng.choice((("A", four), ("AAAA", six), ("AAAA", f"::ffff:{four}")))
        answer.answer.append(dns.rrset.from_text(owner, rng.randrange(2**31), "IN", kind, address))
    for _ in range(rng.randrange(3)):
        answer.authority.append(dns.rrset.from_text("example.test.", 30, "IN", "NS", f"ns{rng.randrange(9)}.test."))
    return answer.to_wire()[2:]


@pytest.mark.parametrize("rdtype", ["A", "AAAA"])
def test_answers_are_read_as_dnspython_reads_them(rdtype: RecordType) -> None:
    """Flags, rcodes, addresses, their order and TTLs; and whatever is cut is not readable."""
    rng = random.Random(rdtype)  # noqa: S311 (repeatable)
    question = DnsQuestion(NAME, rdtype, recursive=False)
    for _ in range(100):
        data = some(rng, rdtype)
        assert read(question, data) == as_dnspython_reads(data, rdtype)
        cut = data[: rng.randrange(len(data))]
        assert not (found := read(question, cut)).readable or not found.is_answer
        assert not read(question, data + b"\0").readable


def raw(*records: bytes, answers: int = 1) -> bytes:
    """Return the bytes after the ID of an answer with these records, of which so many are in the answer."""
    query = QUESTION.wire
    counts = struct.pack("!5H", 0x8400, 1, answers, 0, len(records) - answers)
    return counts + query[10 : 10 + QUESTION.asked_bytes] + b"".join(records)


def record(name: bytes = b"\xc0\x0c", data: bytes = b"\xc0\0\2\1", length: int | None = None) -> bytes:
    """Return an A record."""
    return name + struct.pack("!HHIH", 1, 1, 30, len(data) if length is None else length) + data


@pytest.mark.parametrize(
    "broken",
    [
        record(name=b"\xff\xff"),  # a pointer forward
        record(name=b"\x40x\0"),  # a label of a kind that was given up
        record(data=b"\xc0\0\2"),
        record(length=5),
        record(length=3),
        record(name=b"\x3fwww"),
        b"\xc0\x0c\0\1",
        b"\xc0",
        b"",
    ],
)
def test_a_broken_record_makes_an_answer_unreadable(broken: bytes) -> None:
    """Nothing of it is believed then."""
    assert read(QUESTION, raw(record())).addresses == ("192.0.2.1",)
    assert not read(QUESTION, raw(broken)).readable


def test_names_of_many_labels_cost_no_more_than_their_bytes() -> None:
    """64 KiB of records that all point at one name of 120 labels: what took dnspython 1.3 s is nothing."""
    long = record(name=b"\1a" * 120 + b"\0")
    pointing = record(name=(0xC000 | len(raw(long)) + 2 - len(long)).to_bytes(2, "big"))
    data = raw(long, *[pointing] * 4000)
    assert len(data) > 60_000
    assert read(QUESTION, data).addresses == ("192.0.2.1",)
