"""How many connections each path holds, what binds first, what one more of each thing gains: predicted and measured."""

from lbcheck.checks.capacity.evidence import EVIDENCE
from lbcheck.checks.capacity.exhibits import exhibits
from lbcheck.checks.capacity.judging import judge
from lbcheck.checks.capacity.planning import plan
from lbcheck.checks.capacity.prediction import NAME, predict
from lbcheck.model.topology import Topology

__all__ = ["EVIDENCE", "NAME", "exhibits", "judge", "plan", "predict", "supports"]


def supports(topology: Topology) -> str:
    """Return why this topology cannot be measured, or nothing where it can."""
    return "" if topology.cluster else "no model of tuple capacity: lbcheck capacity --measure makes one"
