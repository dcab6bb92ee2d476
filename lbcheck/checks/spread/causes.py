"""Why counts may be off an algorithm's law although nothing is wrong with the algorithm."""

from collections.abc import Iterator

from lbcheck.checks import loss
from lbcheck.checks.spread import choices
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.states import refusals, warm_in_s, warming
from lbcheck.model.counters import ServerCounters


def of(seen: Observations, balancer: str | None) -> tuple[str, ...]:
    """Return what the counters of one balancer, or of all, tell that may put the counts off the law, as sentences."""
    return tuple(dict.fromkeys(_of_processes(seen, balancer)))


def _of_processes(seen: Observations, balancer: str | None) -> Iterator[str]:
    product = seen.product or "the balancer"
    tells = choices.chosen(seen, balancer) is not None
    for process in seen.heard(balancer):
        backend = seen.called(process)
        if backend and backend.persistent and not tells:
            yield f"a cookie keeps clients at their server, and what the algorithm of {product} chose is not known"
        servers = seen.deltas(process)
        whole = 0 if tells else sum(server.connections or server.requests or 0 for server in servers.values())
        for name, server in servers.items():
            if server.slow_start is not None or server.reached_limit:
                yield from _of_server(name, server)
            if not tells and loss.too_much(refusals(server), whole):
                yield f"{product} gave other servers what server {name} refused"


def _of_server(name: str, server: ServerCounters) -> Iterator[str]:
    if warming(server):
        yield f"server {name} is in slowstart: run again in about {warm_in_s(server):,} s"
    if server.reached_limit:
        limit = "its limit" if server.session_limit is None else f"its maxconn of {server.session_limit:,}"
        yield f"server {name} reached {limit}: what waits in the queue is not the algorithm's choice"
