"""Who sends what a check plans, and how fast where the user does not say."""

from lbcheck.model.plan import Options
from lbcheck.model.topology import HERE, Topology

# Requests, queries or connections a second, over all hosts and addresses together, towards what is not a lab: a
# production fleet does not notice it, and a check of 2,000 requests still ends within a minute.
GENTLE_RATE = 50.0


def clients(topology: Topology) -> tuple[str, ...]:
    """Return the hosts that send: the topology's clients that may be used, else this one."""
    return tuple(client.name for client in topology.clients if client.name in topology.reachable) or (HERE,)


def rate(topology: Topology, options: Options) -> float:
    """Return how many a second over all hosts, 0 for no limit: as the user says, else gently outside of a lab."""
    if options.rate is not None:
        return options.rate
    return 0.0 if topology.lab else GENTLE_RATE
