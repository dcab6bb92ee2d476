"""Findings on one balancer: no counts, servers that do not serve or are not as expected, no answer at its VIPs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lbcheck.checks.spread.losses import codes, server_errors
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.cluster import Backend
from lbcheck.model.counters import ServerCounters, ServerState
from lbcheck.model.requests import Answers
from lbcheck.model.verdict import Finding, Outcome


def of_balancer(seen: Observations, name: str) -> Iterator[Finding]:
    """Report each process of one balancer that gave no counts, and each server that differs from the inventory."""
    for process in (p for p in seen.processes if p.balancer == name):
        if process.failure:
            gone = process.failure.kind in ("refused", "not-found") and not seen.client(name)
            who = f"{process.product} on {name} is not running: " if gone else f"balancer {name}: "
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + process.failure.message)
        elif process.void:
            yield Finding(Outcome.INCONCLUSIVE, f"{process.void}: run again")
        elif not seen.deltas(process):
            yield Finding(Outcome.FAIL, f"{process.product} on {name} has no backend '{seen.backend.name}'")
        else:
            yield from _servers_at(name, seen.deltas(process), seen.backend)


def _servers_at(balancer: str, deltas: Mapping[str, ServerCounters], given: Backend) -> Iterator[Finding]:
    wanted = given.weights
    for name, weight in wanted.items():
        delta = deltas.get(name)
        if delta is None:
            yield Finding(Outcome.FAIL, f"{balancer} does not have server {name}, which the inventory has")
            continue
        if not delta.serves:
            check = f" ({delta.check})" if delta.check else ""
            yield Finding(Outcome.FAIL, f"{balancer} says server {name} is {_in_words(delta)}{check}")
        if (
            given.weights_given
            and delta.present_weight not in (None, weight)
            and delta.state is not ServerState.DRAINING
        ):
            sentence = f"{balancer} gives server {name} weight {delta.present_weight}; {weight} is expected"
            yield Finding(Outcome.FAIL, sentence)
    for name in sorted(set(deltas) - set(wanted)) if wanted else ():
        yield Finding(Outcome.FAIL, f"{balancer} has server {name}, which is not expected")


def _in_words(server: ServerCounters) -> str:
    """Return a server's state in words, followed by the product's own status if that gives no reason itself."""
    if server.status is None:
        return str(server.state)
    words = {ServerState.DRAINING: "in drain", ServerState.MAINTENANCE: "in maintenance"}
    if server.state not in words or "(" in server.status:
        return server.status
    return f"{words[server.state]} ({server.status})"


def absent(seen: Observations, name: str) -> Iterator[Finding]:
    """Report a balancer that answered no request to its own VIPs, and which balancers answered instead."""
    own = {vip.address for vip in seen.cluster.vips if vip.home == name}
    asked = [answers for answers in seen.answers if answers.address in own and answers.sent]
    who = sorted({count.balancer for answers in asked for count in answers.counts})
    if asked and name not in who and who != [""]:  # answers that name no balancer prove nothing
        sent = sum(answers.sent for answers in asked)
        yield Finding(Outcome.FAIL, _unanswered(name, sent, who, asked))


def _unanswered(balancer: str, sent: int, others: Sequence[str], asked: Sequence[Answers]) -> str:
    """Return the sentence for a balancer that answered no request to its VIPs, and what the clients got instead."""
    if others:
        return f"{balancer} answered none of {sent:,} requests to its VIPs, {' and '.join(others)} answered instead"
    refused = Counter[str]()
    for answers in asked:
        refused.update(server_errors(answers))
    if refused.total() == sent:
        return f"all {sent:,} requests to the VIPs of {balancer} got {codes(refused)}; no server was reached"
    return f"none of {sent:,} requests to the VIPs of {balancer} was answered"
