"""Which hosts send what a check plans, and at what rate."""

from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question

# Requests, queries or connections a second outside of a lab, over all hosts and addresses together. It puts no load
# on a production fleet, and a check of 2,000 requests still ends within a minute.
GENTLE_RATE = 50.0


def clients(question: Question) -> tuple[str, ...]:
    """Return the hosts that send: the clients of the cluster that are reachable, or this host if there are none."""
    return tuple(client.name for client in question.cluster.clients if client.name in question.reachable) or (HERE,)


def rate(question: Question, options: Options) -> float:
    """Return operations a second over all hosts; 0: no limit.

    It is the user's rate if there is one, else no limit in a lab and GENTLE_RATE elsewhere.
    """
    if options.rate is not None:
        return options.rate
    return 0.0 if question.lab else GENTLE_RATE
