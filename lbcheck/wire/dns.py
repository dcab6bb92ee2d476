"""DNS messages: the query that a block repeats, and what its answers say, each distinct one parsed once."""

from collections import Counter
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from lbcheck.errors import LbcheckError
from lbcheck.model.dns_queries import Layer, RecordType

UDP_PAYLOAD = 1232  # advertised by EDNS: what passes every path unfragmented (DNS flag day 2020)
REMEMBERED = 256  # distinct answers kept with what they say: orders × TTLs, one second's and the next's
MOST_RECORDS = 512  # in one answer; more is no pool but an attack on memory and time
_HEADER = 12  # bytes before the question


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
        self.kind = A if rdtype == "A" else AAAA
        # A name's length bytes are below 64, so that lower() changes letters only: servers may answer in other case.
        length = len(query.question[0].name.to_wire() or b"") + 4  # type and class
        self._asked = self.wire[_HEADER - 2 :][:length].lower()

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
        message = dns.message.from_wire(b"\0\0" + data, one_rr_per_rrset=True)
    except dns.exception.DNSException:
        return DnsAnswer(readable=False)
    # The addresses stand at the end of a chain of CNAMEs, in the server's order; the chain does not matter.
    records = [
        (record.address, rrset.ttl) for rrset in message.answer for record in rrset if isinstance(record, question.kind)
    ]
    return DnsAnswer(
        authoritative=bool(message.flags & dns.flags.AA),
        rcode=dns.rcode.to_text(message.rcode()),
        addresses=tuple(address for address, _ in records),
        ttls_s=tuple({ttl for _, ttl in records}),
    )


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
