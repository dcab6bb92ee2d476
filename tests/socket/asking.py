"""Questions to a name server of a test's own, and what became of them."""

from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import RecordType, Resolution, Resolve
from lbcheck.probing.dns.resolve import resolve

ONE, TWO = "192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.1"


def ask(
    server: Endpoint, queries: int = 10, *, rdtype: RecordType = "A", rate: float = 0.0, timeout_s: float = 10
) -> Resolution:
    """Ask for www.example in one block; the default timeout is beyond what a busy machine takes to answer."""
    step = Resolve(name="www.example", rdtype=rdtype, queries=queries, server=server, rate=rate, timeout_s=timeout_s)
    return resolve(step)


def accounted(sample: Resolution) -> int:
    """Return how many queries have an end: an order, an rcode that says no, or an error."""
    no = sum(count for rcode, count in sample.rcodes.items() if rcode != "NOERROR")
    return sum(sample.orders.values()) + no + sum(sample.errors.values())
