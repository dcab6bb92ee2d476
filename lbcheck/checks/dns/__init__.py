"""Whether round robin rotates, at each layer: authoritative servers, the resolver, getaddrinfo on the client."""

from lbcheck.checks.dns.evidence import EVIDENCE
from lbcheck.checks.dns.exhibits import exhibits
from lbcheck.checks.dns.judging import NAME, judge
from lbcheck.checks.dns.planning import plan
from lbcheck.checks.one_round import further
from lbcheck.model.question import Question

__all__ = ["EVIDENCE", "NAME", "exhibits", "further", "judge", "plan", "supports"]


def supports(question: Question) -> str:
    """Return why this cluster cannot be checked; empty if it can."""
    return "" if question.cluster.names else "no names: set cluster_names or cluster_frontends"
