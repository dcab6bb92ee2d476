"""How long clients are without an answer while something fails: every client watches every published address."""

from lbcheck.checks.failover.evidence import EVIDENCE
from lbcheck.checks.failover.exhibits import exhibits
from lbcheck.checks.failover.judging import NAME, judge
from lbcheck.checks.failover.planning import plan, routes
from lbcheck.model.topology import Topology

__all__ = ["EVIDENCE", "NAME", "exhibits", "judge", "plan", "supports"]


def supports(topology: Topology) -> str:
    """Return why this topology cannot be watched, or nothing where it can."""
    if topology.longest_gap_s is None:
        return "nothing fails by itself: lbcheck failover watches while something does"
    return "" if routes(topology) else "no address answers to HTTP: set cluster_frontends, and cluster_vips"
