"""Who sends what a check plans, and how fast where the user does not say."""

from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question

# Requests, queries or connections a second, over all hosts and addresses together, towards what is not a lab: a
# production fleet does not notice it, and a check of 2,000 requests still ends within a minute.
GENTLE_RATE = 50.0


def clients(question: Question) -> tuple[str, ...]:
    """Return the hosts that send: the clients that may be used, else this one."""
    return tuple(client.name for client in question.cluster.clients if client.name in question.reachable) or (HERE,)


def rate(question: Question, options: Options) -> float:
    """Return how many a second over all hosts, 0 for no limit: as the user says, else gently outside of a lab."""
    if options.rate is not None:
        return options.rate
    return 0.0 if question.lab else GENTLE_RATE
