"""Findings from what clients, balancers and servers report: faults, losses, contradictions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lbcheck.checks import loss
from lbcheck.checks.spread import witnesses
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.cluster import Backend
from lbcheck.model.counters import ServerCounters, ServerState
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind
from lbcheck.model.verdict import Finding, Outcome

OURS = ("unidentified", "ports-exhausted", "internal", "denied")  # errors of the probe, not of the fleet


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
        refused.update(_server_errors(answers))
    if refused.total() == sent:
        return f"all {sent:,} requests to the VIPs of {balancer} got {_codes(refused)}; no server was reached"
    return f"none of {sent:,} requests to the VIPs of {balancer} was answered"


def _server_errors(answers: Answers) -> dict[str, int]:
    """Return status → answers, for HTTP statuses of 500 and above."""
    return {status: count for status, count in answers.statuses.items() if status >= "500"}


def _codes(statuses: Iterable[str]) -> str:
    return f"HTTP {' or '.join(sorted(statuses))}"


def lost(seen: Observations) -> Iterator[Finding]:
    """Report the requests that got no usable answer, by route and kind of error."""
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
    """Return the outcome of `count` requests, out of `sent`, that failed with one kind of error."""
    if not loss.too_much(count, sent):
        return Outcome.PASS
    if kind in OURS:
        return Outcome.UNMEASURED
    return Outcome.FAIL


def _amount(count: int, of: int) -> str:
    return f"all {of:,} requests" if count == of else f"{count:,} of {of:,} requests"


def _what_came(answers: Answers, kind: str, count: int) -> str:
    """Return what happened to the requests of one kind of error: their HTTP statuses if all of them are known."""
    errors = _server_errors(answers)
    if kind == ErrorKind.STATUS and sum(errors.values()) == count:
        return f"got {_codes(errors)}"
    return f"failed: {kind}"


def agreement(seen: Observations, known: Known) -> list[Finding]:
    """Report where the counts of client, balancer and server contradict each other, or that they agree."""
    ledgers = seen.ledgers(known.weights)
    # Failed requests and the balancer's retries explain a difference.
    slack = sum(seen.errors.values()) + seen.disturbances
    strangers = sorted(set(ledgers) - set(known.weights))
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
    """Return the witnesses that have a count, in words."""
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
    """Report each server whose log or counters cannot be read, or whose counters show fewer requests than its log."""
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
            if 0 <= served < lines:  # negative: nginx restarted in between
                yield Finding(Outcome.FAIL, f"server {server} logged {lines:,} requests, stub_status only {served:,}")
