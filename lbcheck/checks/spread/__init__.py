"""Which server answers how often: counts of clients, balancers and servers, tested by the algorithm's pass rule."""

from lbcheck.checks.spread.evidence import EVIDENCE
from lbcheck.checks.spread.exhibits import exhibits
from lbcheck.checks.spread.judging import NAME, judge
from lbcheck.checks.spread.planning import plan
from lbcheck.checks.spread.rounds import further
from lbcheck.model.question import Question

__all__ = ["EVIDENCE", "NAME", "exhibits", "further", "judge", "plan", "supports"]


def supports(question: Question) -> str:
    """Return why this cluster cannot be checked; empty if it can."""
    return "" if question.cluster.web else "no frontends that speak HTTP: set cluster_frontends"
