"""Findings on the witnesses: whether clients, balancers and servers counted the same requests."""

from collections.abc import Iterator, Mapping

from lbcheck.checks.spread import changes, witnesses
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.verdict import Finding, Outcome


def agreement(seen: Observations, known: Known) -> list[Finding]:
    """Report where the counts of client, balancer and server contradict each other, or that they agree."""
    gone = changes.gone(seen)  # its counts went with it
    ledgers = {name: ledger for name, ledger in seen.ledgers(known.weights).items() if name not in gone}
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
