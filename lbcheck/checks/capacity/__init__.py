"""How many connections each path holds, which limit binds first, what additions gain: predicted and measured."""

from lbcheck.checks.capacity.evidence import EVIDENCE
from lbcheck.checks.capacity.exhibits import exhibits
from lbcheck.checks.capacity.judging import judge
from lbcheck.checks.capacity.planning import plan
from lbcheck.checks.capacity.prediction import NAME, no_path, predict
from lbcheck.checks.one_round import further
from lbcheck.model.question import Question

__all__ = ["EVIDENCE", "NAME", "exhibits", "further", "judge", "plan", "predict", "supports"]


def supports(question: Question) -> str:
    """Return why this run does not measure capacity; empty if it does."""
    if not question.measures_capacity:
        return "nothing is filled unless it is asked for: lbcheck capacity --measure"
    return no_path(question.cluster)
