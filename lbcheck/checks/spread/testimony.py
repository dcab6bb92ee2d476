"""What clients, balancers and servers say, and where they contradict each other or what is expected."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lbcheck.checks import loss
from lbcheck.checks.spread import witnesses
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.counters import ServerCounters, ServerState
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind
from lbcheck.model.verdict import Finding, Outcome

OURS = ("unidentified", "ports-exhausted", "internal", "denied")  # errors of the probe itself, not of the fleet


def of_balancer(seen: Observations, name: str) -> Iterator[Finding]:
    """What one balancer's processes say of themselves and of their servers."""
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
            wanted = seen.cluster.backend(seen.frontend.backend).weights
            yield from _servers_at(name, seen.deltas(process), wanted)


def _servers_at(balancer: str, deltas: Mapping[str, ServerCounters], wanted: Mapping[str, int]) -> Iterator[Finding]:
    for name, weight in wanted.items():
        delta = deltas.get(name)
        if delta is None:
            yield Finding(Outcome.FAIL, f"{balancer} does not have server {name}, which the inventory has")
            continue
        if not delta.serves:
            check = f" ({delta.check})" if delta.check else ""
            yield Finding(Outcome.FAIL, f"{balancer} says server {name} is {_in_words(delta)}{check}")
        if delta.present_weight not in (None, weight) and delta.state is not ServerState.DRAINING:
            sentence = f"{balancer} gives server {name} weight {delta.present_weight}; {weight} is expected"
            yield Finding(Outcome.FAIL, sentence)
    for name in sorted(set(deltas) - set(wanted)) if wanted else ():
        yield Finding(Outcome.FAIL, f"{balancer} has server {name}, which is not expected")


def _in_words(server: ServerCounters) -> str:
    """Return a server's state, with the product's own word for it; one with a reason in parentheses says enough."""
    if server.status is None:
        return str(server.state)
    words = {ServerState.DRAINING: "in drain", ServerState.MAINTENANCE: "in maintenance"}
    if server.state not in words or "(" in server.status:
        return server.status
    return f"{words[server.state]} ({server.status})"


def absent(seen: Observations, name: str) -> Iterator[Finding]:
    """Say where a balancer answered nothing at its own VIPs, and who did."""
    own = {vip.address for vip in seen.cluster.vips if vip.home == name}
    asked = [answers for answers in seen.answers if answers.address in own and answers.sent]
    who = sorted({count.balancer for answers in asked for count in answers.counts})
    if asked and name not in who and who != [""]:  # where answers name no balancer, this says nothing
        sent = sum(answers.sent for answers in asked)
        yield Finding(Outcome.FAIL, _unanswered(name, sent, who, asked))


def _unanswered(balancer: str, sent: int, others: Sequence[str], asked: Sequence[Answers]) -> str:
    """Say that a balancer answered none of the requests to its VIPs, and what came instead."""
    if others:
        return f"{balancer} answered none of {sent:,} requests to its VIPs, {' and '.join(others)} answered instead"
    refused = Counter[str]()
    for answers in asked:
        refused.update(_server_errors(answers))
    if refused.total() == sent:
        return f"all {sent:,} requests to the VIPs of {balancer} got {_codes(refused)}; no server was reached"
    return f"none of {sent:,} requests to the VIPs of {balancer} was answered"


def _server_errors(answers: Answers) -> dict[str, int]:
    """Return the answers by their status, of those that say that there is no service."""
    return {status: count for status, count in answers.statuses.items() if status >= "500"}


def _codes(statuses: Iterable[str]) -> str:
    return f"HTTP {' or '.join(sorted(statuses))}"


def lost(seen: Observations) -> Iterator[Finding]:
    """Say which requests were not answered, where and why."""
    unasked = dict.fromkeys(answers.failure.message for answers in seen.answers if answers.failure)
    yield from (Finding(Outcome.UNMEASURED, f"{seen.frontend.url}: {message}") for message in unasked)
    for answers in seen.answers:
        route = f"{seen.frontend.url} at {answers.address or 'its own address'} from {answers.source or answers.at}"
        for kind, count in answers.errors.items():
            sentence = f"{route}: {_amount(count, answers.sent)} {_what_came(answers, kind, count)}"
            if kind == "unidentified":
                sentence += f" (answers carry no {seen.identify}; say how servers name themselves)"
            yield Finding(_of_loss(kind, count, answers.sent), sentence)


def _of_loss(kind: str, count: int, sent: int) -> Outcome:
    """Return what it means that so many requests failed with one kind of error."""
    if not loss.too_much(count, sent):
        return Outcome.PASS
    if kind in OURS:
        return Outcome.UNMEASURED
    return Outcome.FAIL


def _amount(count: int, of: int) -> str:
    return f"all {of:,} requests" if count == of else f"{count:,} of {of:,} requests"


def _what_came(answers: Answers, kind: str, count: int) -> str:
    """Return what requests of one kind of error met: statuses where that is sure."""
    errors = _server_errors(answers)
    if kind == ErrorKind.STATUS and sum(errors.values()) == count:
        return f"got {_codes(errors)}"
    return f"failed: {kind}"


def agreement(seen: Observations) -> list[Finding]:
    """Compare what the three witnesses counted."""
    ledgers = seen.ledgers()
    # Requests that failed, and the balancer's retries, explain a difference.
    slack = sum(seen.errors.values()) + seen.disturbances
    strangers = sorted(set(ledgers) - set(seen.backend.weights))
    contradictions = [f"answers name '{name}', no server of the backend" for name in strangers]
    contradictions += witnesses.disagreements(ledgers, slack)
    if contradictions:
        return [Finding(Outcome.FAIL, sentence) for sentence in contradictions]
    heard = _heard(seen, ledgers)
    if len(heard) == 1:
        return [Finding(Outcome.PASS, "the client is the only witness")]
    sentence = f"the witnesses agree: {', '.join(heard)}"
    others = _other_requests(seen)
    if others > slack:
        sentence += f"; {_balancers(seen)} counted {others:,} more, other traffic beside the probe"
    return [Finding(Outcome.PASS, sentence)]


def _balancers(seen: Observations) -> str:
    return seen.product or "the balancers"


def _heard(seen: Observations, ledgers: Mapping[str, Ledger]) -> list[str]:
    """Return the witnesses that counted anything."""
    heard = ["the clients"]
    if seen.counted() is not None:
        heard.append(_balancers(seen))
    if any(ledger.server is not None for ledger in ledgers.values()):
        heard.append("the servers' logs")
    return heard


def _other_requests(seen: Observations) -> int:
    """Return how many more requests the balancers counted than the clients."""
    counted = seen.counted()
    if not counted:
        return 0
    return counted.total() - seen.client().total()


def of_servers(seen: Observations) -> Iterator[Finding]:
    """Say which of the servers' own counters could not be read, or count less than their log."""
    unread = {log.failure.message: server for server, log in seen.logs.items() if log.failure}
    yield from (Finding(Outcome.UNMEASURED, f"server {server}: {message}") for message, server in unread.items())
    for server in dict.fromkeys(status.server for status in seen.statuses):
        readings = {status.when: status for status in seen.statuses if status.server == server}
        failure = next((status.failure for status in readings.values() if status.failure), None)
        if failure and failure.message not in unread:
            gone = failure.kind == "refused"
            who = f"nginx on {server} is not running: " if gone else f"server {server}: "
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + failure.message)
        elif not failure and len(readings) == 2 and server in seen.logs:
            served, lines = readings["after"].requests - readings["before"].requests, seen.logs[server].lines
            if 0 <= served < lines:  # below zero: nginx was restarted
                yield Finding(Outcome.FAIL, f"server {server} logged {lines:,} requests, stub_status only {served:,}")
