"""How long clients get no answer while something fails. Every client watches every published address."""

from lbcheck.checks.failover.evidence import EVIDENCE
from lbcheck.checks.failover.exhibits import exhibits
from lbcheck.checks.failover.judging import NAME, judge
from lbcheck.checks.failover.planning import plan, routes
from lbcheck.checks.one_round import further
from lbcheck.model.question import Question

__all__ = ["EVIDENCE", "NAME", "exhibits", "further", "judge", "plan", "supports"]


def supports(question: Question) -> str:
    """Return why this run watches no failover; empty if it does."""
    if not question.watches_failover:
        return "nothing fails by itself: lbcheck failover watches while something does"
    return "" if routes(question.cluster) else "no address answers to HTTP: set cluster_frontends, and cluster_vips"
