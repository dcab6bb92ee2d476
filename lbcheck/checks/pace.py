"""At what rate a check sends."""

from lbcheck.model.plan import Options
from lbcheck.model.question import Question

# Requests, queries or connections a second outside of a lab, over all hosts and addresses together. It puts no load
# on a production fleet, and a check of 2,000 requests still ends within a minute.
GENTLE_RATE = 50.0


def rate(question: Question, options: Options) -> float:
    """Return operations a second over all hosts; 0: no limit.

    It is the user's rate if there is one, else no limit in a lab and GENTLE_RATE elsewhere.
    """
    if options.rate is not None:
        return options.rate
    return 0.0 if question.lab else GENTLE_RATE
