"""What a person sees of a rotation: how often each server listed each address first."""

from lbcheck.checks.dns.evidence import DnsEvidence
from lbcheck.checks.error_rates import of_weights
from lbcheck.model.exhibit import Exhibit, Rotation
from lbcheck.model.verdict import Verdict


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return this block's row in the table for its name and type, and footnotes with the verdict's error rates."""
    match verdict.evidence:
        case DnsEvidence(name=name, type=rdtype, queries=queries, orders=orders, first=first):
            asked = verdict.subject.partition(", ")[2]
            addresses = dict.fromkeys(address for order in orders for address in order.split(",") if address)
            title = f"{name} {rdtype}: how often each address was listed first, of {queries:,} queries"
            return (Rotation(title, asked, tuple(addresses), first), *of_weights())
        case _:
            return ()
