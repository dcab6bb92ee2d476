"""DNS queries in blocks, over UDP and again over TCP where an answer did not fit.

A block is one name and one type at one server, never interleaved with another: a server that rotates may have one
counter for all names and types (NSD). For the same reason the queries whose answers were truncated are asked over
TCP after the last one over UDP, in a row of their own.
"""

from collections import Counter
from pathlib import Path
from time import monotonic

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing.dns.datagrams import DnsBlock, connected
from lbcheck.probing.dns.kernel import kind_of
from lbcheck.probing.dns.stream import Stream
from lbcheck.probing.stopping import Stopped, never
from lbcheck.wire.dns import DnsQuestion, DnsTally

RESOLV_CONF = Path("/etc/resolv.conf")
DNS_PORT = 53


def resolve(step: Resolve, stopped: Stopped = never, resolv_conf: Path = RESOLV_CONF) -> Resolution:
    """Ask one block of queries and return what came back; a step without a server asks the host's own resolver.

    Each query ends in one of `orders` (no addresses: ""), the `rcodes` that say no, and `errors`; together they are
    `queries`. A lost query is not sent again. Those still out when `stopped` says so are in none of them.
    """
    started = monotonic()
    server, block, failure = "", None, None
    try:
        endpoint = step.server or host_resolver(resolv_conf)
        server = str(endpoint)
        block = _ask(step, endpoint, stopped)
        failure = _nothing_answered(step, server, block)
    except LbcheckError as error:
        failure = Failure(ErrorKind.NOT_FOUND, str(error))
    except OSError as error:
        failure = Failure(kind_of(error), f"{server} cannot be reached: {error.strerror}")
    return _sample(step, server, block, failure, monotonic() - started)


def host_resolver(resolv_conf: Path = RESOLV_CONF) -> Endpoint:
    """Return the first nameserver of resolv.conf(5), or 127.0.0.1 where there is none, as the C library does."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    named = (words[1] for words in map(str.split, lines) if words[:1] == ["nameserver"] and len(words) > 1)
    return Endpoint(next(named, "127.0.0.1"), DNS_PORT)


def _ask(step: Resolve, server: Endpoint, stopped: Stopped) -> DnsBlock:
    """Ask over UDP, and then over TCP what was truncated."""
    # An authoritative server is not asked to recurse: it must know by itself (RFC 1035, 4.1.1).
    question = DnsQuestion(step.name, step.rdtype, recursive=step.layer != "authoritative")
    with connected(server) as sock:
        block = DnsBlock(step, sock, question, stopped)
        block.run()
    if truncated := block.tally.truncated:
        block.errors += Stream(step, server, question, block.memory, stopped).run(truncated)
    return block


def _sample(step: Resolve, server: str, block: DnsBlock | None, failure: Failure | None, seconds: float) -> Resolution:
    tally = block.tally if block else DnsTally()
    errors = block.errors + Counter({ErrorKind.PROTOCOL: tally.unreadable}) if block else Counter[ErrorKind]()
    return Resolution(
        at=step.at,
        failure=failure,
        seconds=seconds,
        server=server,
        layer=step.layer or tally.layer,
        name=step.name,
        rdtype=step.rdtype,
        queries=tally.answers + errors.total(),
        first=dict(tally.first),
        orders=dict(tally.orders),
        ttls_s=tuple(sorted(tally.ttls_s)),
        rcodes=dict(tally.rcodes),
        errors={str(kind): count for kind, count in errors.items()},
        truncated=tally.truncated,
    )


def _nothing_answered(step: Resolve, server: str, block: DnsBlock) -> Failure | None:
    """Say why not one query was answered; None where one was, or nobody waited for it."""
    tally = block.tally
    queries = block.errors.total() + tally.unreadable
    if tally.answers or not (queries or block.given_up):
        return None
    kind = ErrorKind.PROTOCOL if tally.unreadable else block.given_up or block.errors.most_common(1)[0][0]
    if tally.truncated:
        return Failure(kind, f"{server} truncates its answers over UDP and gives none over TCP: {kind}")
    noise = f"; {block.strays} datagrams came that answer none of them" if block.strays else ""
    why = {
        ErrorKind.REFUSED: "refuses queries: nothing listens there",
        ErrorKind.TIMEOUT: f"does not answer: {queries} queries, each waited for {step.timeout_s:g} s{noise}",
        ErrorKind.PROTOCOL: f"does not answer {queries} queries with a DNS message that can be read{noise}",
    }
    return Failure(kind, f"{server} {why.get(kind) or f'cannot be asked: {block.reason}'}")
