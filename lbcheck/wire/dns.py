"""DNS messages: the query that a block repeats, and what its answers say, each distinct one parsed once."""

import struct
from collections import Counter
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.ipv4
import dns.ipv6
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from lbcheck.errors import LbcheckError
from lbcheck.model.dns_queries import Layer, RecordType

UDP_PAYLOAD = 1232  # advertised by EDNS: what passes every path unfragmented (DNS flag day 2020)
REMEMBERED = 256  # distinct answers kept with what they say: orders × TTLs, one second's and the next's
MOST_RECORDS = 512  # in one answer; more is no pool but an attack on memory
_HEADER, _ID = 12, 2  # bytes before the question, and of the ID at its beginning
_COUNTS = struct.Struct("!5H")  # after the ID: flags, questions, answers, authorities, additional records
_RECORD = struct.Struct("!HHIH")  # after its name: type, class, TTL, bytes of data
_LONGEST_LABEL, _POINTER = 0x3F, 0xC0


class DnsQuestion:
    """One name and type: the query as bytes after its ID, and what an answer must repeat of it."""

    def __init__(self, name: str, rdtype: RecordType, *, recursive: bool) -> None:
        """Build the query; LbcheckError where `name` is no domain name."""
        try:
            query = dns.message.make_query(name, rdtype, use_edns=0, payload=UDP_PAYLOAD)
        except (dns.exception.DNSException, UnicodeError) as error:
            raise LbcheckError(f"'{name}' is no domain name: {error}") from None
        query.flags = dns.flags.RD if recursive else dns.flags.Flag(0)
        self.wire = query.to_wire()[2:]
        self.rdtype = dns.rdatatype.from_text(rdtype)
        # From the data of a record to an address; ValueError where it has another length.
        self.address = dns.ipv4.inet_ntoa if rdtype == "A" else dns.ipv6.inet_ntoa
        # A name's length bytes are below 64, so that lower() changes letters only: servers may answer in other case.
        self.asked_bytes = len(query.question[0].name.to_wire() or b"") + 4  # type and class
        self._asked = self.wire[_HEADER - 2 :][: self.asked_bytes].lower()

    def is_answered_by(self, data: bytes) -> bool:
        """Return whether `data`, the bytes after an ID, answer this question, whatever they say."""
        if len(data) < _HEADER - 2 or not data[0] & 0x80 or data[0] & 0x78:  # QR is set, the opcode is QUERY
            return False
        if data[2:4] == b"\0\0":  # who cannot read a question need not repeat it
            return bool(data[1] & 0x0F)
        return data[2:4] == b"\0\1" and data[_HEADER - 2 :][: len(self._asked)].lower() == self._asked


@dataclass(slots=True)
class DnsAnswer:
    """What one distinct answer says, and how many queries it has answered."""

    is_answer: bool = True  # to this question, and neither noise nor somebody else's
    readable: bool = True
    truncated: bool = False
    authoritative: bool = False
    rcode: str = ""
    addresses: tuple[str, ...] = ()
    ttls_s: tuple[int, ...] = ()
    times: int = 0


def read(question: DnsQuestion, data: bytes) -> DnsAnswer:
    """Parse `data`, the bytes after an ID."""
    if not question.is_answered_by(data):
        return DnsAnswer(is_answer=False)
    if data[0] & 0x02:  # TC: whatever else it says will be said in full over TCP
        return DnsAnswer(truncated=True)
    if int.from_bytes(data[4:6], "big") > MOST_RECORDS:
        return DnsAnswer(readable=False)
    try:
        return _said(question, data)
    except (IndexError, ValueError, struct.error, dns.exception.DNSException):
        return DnsAnswer(readable=False)


def _said(question: DnsQuestion, data: bytes) -> DnsAnswer:
    """Read the records one after the other, each byte once: no name is decompressed, for none matters.

    The addresses stand at the end of a chain of CNAMEs, in the server's order; the chain does not matter. ValueError,
    IndexError, struct.error or an error of dnspython's: it is cut or malformed.
    """
    flags, questions, answers, *further = _COUNTS.unpack_from(data)
    at = _COUNTS.size + (question.asked_bytes if questions else 0)
    addresses, ttls_s, more_flags = [], set(), 0
    for number in range(answers + sum(further)):
        rdtype, rdclass, ttl, length = _RECORD.unpack_from(data, at := _after_name(data, at))
        at += _RECORD.size + length
        if rdtype == dns.rdatatype.OPT:
            more_flags = ttl  # RFC 6891, section 6.1.3
        elif number < answers and (rdtype, rdclass) == (question.rdtype, dns.rdataclass.IN):
            addresses.append(question.address(data[at - length : at]))
            ttls_s.add(ttl)
    if at != len(data):
        raise ValueError("something is cut off, or left over")
    return DnsAnswer(
        authoritative=bool(flags & dns.flags.AA),
        rcode=dns.rcode.to_text(dns.rcode.from_flags(flags, more_flags)),
        addresses=tuple(addresses),
        ttls_s=tuple(ttls_s),
    )


def _after_name(data: bytes, at: int) -> int:
    """Return where a name ends: with an empty label, or with a pointer back to its rest (RFC 1035, section 4.1.4)."""
    start = at + _ID
    while length := data[at]:
        if length >= _POINTER:
            if int.from_bytes(data[at : at + 2], "big") & 0x3FFF >= start:
                raise ValueError("a pointer that does not lead back")
            return at + 2
        if length > _LONGEST_LABEL:
            raise ValueError("a label of an unknown kind")
        at += 1 + length
    return at + 1


@dataclass
class DnsTally:
    """What the answers of a block come to."""

    first: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    rcodes: Counter[str] = field(default_factory=Counter)
    ttls_s: set[int] = field(default_factory=set)
    truncated: int = 0
    unreadable: int = 0
    authoritative: int = 0

    @property
    def answers(self) -> int:
        """How many were answers that could be read and were complete, whatever they say."""
        return self.rcodes.total()

    @property
    def layer(self) -> Layer:
        """Who answered, by the AA bit; empty while nobody has."""
        return ("authoritative" if self.authoritative == self.answers else "resolver") if self.answers else ""

    def add(self, answer: DnsAnswer) -> None:
        """Count an answer as often as it was given."""
        if answer.truncated:
            self.truncated += answer.times
        elif not answer.readable:
            self.unreadable += answer.times
        else:
            self.rcodes[answer.rcode] += answer.times
            self.authoritative += answer.times * answer.authoritative
            if answer.rcode == "NOERROR":
                self._add_addresses(answer)

    def _add_addresses(self, answer: DnsAnswer) -> None:
        self.orders[" ".join(answer.addresses)] += answer.times
        self.ttls_s.update(answer.ttls_s)
        if answer.addresses:
            self.first[answer.addresses[0]] += answer.times


class Memory:
    """Remembers what each distinct answer says by its bytes after the ID: far cheaper than parsing it again."""

    def __init__(self, question: DnsQuestion) -> None:
        self.known: dict[bytes, DnsAnswer] = {}
        self._question = question
        self._tally = DnsTally()

    def learn(self, data: bytes) -> DnsAnswer:
        """Parse an answer that is not known, and remember it."""
        if len(self.known) >= REMEMBERED:
            self.tally()
        answer = self.known[data] = read(self._question, data)
        return answer

    def tally(self) -> DnsTally:
        """Return what all answers so far come to; forgets the answers themselves."""
        for answer in self.known.values():
            if answer.times:
                self._tally.add(answer)
        self.known.clear()
        return self._tally
