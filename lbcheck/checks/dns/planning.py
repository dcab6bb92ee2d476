"""The plan: a block of queries for each name, type and server, and calls of getaddrinfo on each client."""

from collections.abc import Iterable

from lbcheck.checks import pace
from lbcheck.checks.dns.judging import FAMILY, FEWEST_TESTS, needed_queries
from lbcheck.model.address import Endpoint
from lbcheck.model.cluster import DnsName, Host
from lbcheck.model.dns_queries import RecordType, Resolve
from lbcheck.model.lookup import LookUp
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.step import Step

FEWEST_QUERIES = 100


def plan(question: Question, options: Options) -> Plan:
    """Return one stage with a block for each name, type and server.

    One client sends the blocks one after the other: NSD rotates all its answers by one counter.
    """
    steps: list[Step] = []
    for name in question.cluster.names:
        for rdtype in options.types:
            if name.addresses and not name.of_family(FAMILY[rdtype]):
                continue
            steps += _ask(question, options, name, rdtype)
    return Plan((Stage(StageName.TRAFFIC, tuple(steps)),))


def _ask(question: Question, options: Options, name: DnsName, rdtype: RecordType) -> Iterable[Step]:
    cluster, clients = question.cluster, question.senders
    queries = options.queries or max(
        FEWEST_QUERIES, needed_queries(len(name.of_family(FAMILY[rdtype])) or 2, tests=FEWEST_TESTS)
    )
    # Only one client asks the servers: two at once would both advance the same rotation counter.
    common = {
        "name": name.name,
        "queries": queries,
        "rate": pace.rate(question, options),
        "timeout_s": options.timeout_s,
    }
    for layer, hosts in (("authoritative", cluster.dns_servers), ("resolver", cluster.resolvers)):
        for endpoint in _endpoints(hosts):
            yield Resolve(at=clients[0], rdtype=rdtype, server=endpoint, layer=layer, **common)  # type: ignore[arg-type]
    for endpoint in options.servers:
        yield Resolve(at=clients[0], rdtype=rdtype, server=endpoint, **common)  # type: ignore[arg-type]
    if options.servers and not cluster.clients:
        return  # the user named the servers to ask
    if question.lab and not cluster.resolvers:
        return  # a lab has no way out to a resolver of somebody else's
    if not cluster.resolvers:
        yield Resolve(at=clients[0], rdtype=rdtype, layer="resolver", **common)  # type: ignore[arg-type]
    for client in clients:
        yield LookUp(at=client, family=FAMILY[rdtype], **common)  # type: ignore[arg-type]


def _endpoints(hosts: Iterable[Host]) -> tuple[Endpoint, ...]:
    return tuple(Endpoint(address, 53) for host in hosts for address in host.addresses)
