"""What a check has to say that needs no more than its first plan."""

from collections.abc import Sequence

from lbcheck.model.plan import Options, Plan
from lbcheck.model.question import Question
from lbcheck.model.step import Sample


def further(_question: Question, _options: Options, _samples: Sequence[Sample]) -> Plan:
    """Return nothing more to do."""
    return Plan()
