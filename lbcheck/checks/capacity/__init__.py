"""How many connections each path holds, what binds first, what one more of each thing gains: predicted and measured."""

from lbcheck.checks.capacity.evidence import EVIDENCE
from lbcheck.checks.capacity.exhibits import exhibits
from lbcheck.checks.capacity.judging import judge
from lbcheck.checks.capacity.planning import plan
from lbcheck.checks.capacity.prediction import NAME, no_path, predict
from lbcheck.model.question import Question

__all__ = ["EVIDENCE", "NAME", "exhibits", "judge", "plan", "predict", "supports"]


def supports(question: Question) -> str:
    """Return why capacity cannot be measured, or is not; nothing where it is."""
    if not question.measures_capacity:
        return "nothing is filled unless it is asked for: lbcheck capacity --measure"
    return no_path(question.cluster)
