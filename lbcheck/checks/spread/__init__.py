"""Who answers: counted by the client, the balancer and the servers, and held to what the algorithm owes."""

from lbcheck.checks.spread.evidence import EVIDENCE
from lbcheck.checks.spread.exhibits import exhibits
from lbcheck.checks.spread.judging import NAME, judge
from lbcheck.checks.spread.planning import plan
from lbcheck.model.topology import Topology

__all__ = ["EVIDENCE", "NAME", "exhibits", "judge", "plan", "supports"]


def supports(topology: Topology) -> str:
    """Return why this topology cannot be checked, or nothing where it can."""
    return "" if topology.web else "no frontends that speak HTTP: set cluster_frontends"
