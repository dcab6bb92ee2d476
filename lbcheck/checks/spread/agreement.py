"""Findings on the witnesses: who is heard, and whether clients, balancers and servers counted the same requests.

No witness outvotes another. One that cannot be trusted is not heard, and a finding says why.
"""

from collections.abc import Iterator, Mapping

from lbcheck.checks.spread import logs, witnesses
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model.verdict import Finding, Outcome

_SHOWN = 3  # names in a sentence


def agreement(seen: Observations, known: Known) -> list[Finding]:
    """Report where the counts of client, balancer and server contradict each other, or that they agree."""
    ledgers = {name: ledger for name, ledger in seen.ledgers(known.weights).items() if name not in seen.gone}
    findings = [*_unheard(seen), *logs.unheard(seen)]
    strangers = () if seen.unmet else sorted(set(ledgers) - set(known.weights))
    unknown = [f"answers name '{name}', no server of the backend" for name in strangers]
    if seen.unheard or seen.short():  # it may be one of those that the balancers call otherwise, or do not have
        findings += (Finding(Outcome.INCONCLUSIVE, sentence) for sentence in unknown)
        unknown = []
    contradictions = [*unknown, *witnesses.disagreements(ledgers, seen.slack)]
    if contradictions:
        return [*findings, *(Finding(Outcome.FAIL, sentence) for sentence in contradictions)]
    heard = _heard(seen, ledgers)
    if len(heard) == 1:
        return [*findings, Finding(Outcome.PASS, "the client is the only witness")]
    if not seen.client():
        return findings  # about nothing
    sentence = f"the witnesses agree: {', '.join(heard)}"
    others = _other_requests(seen)
    if others > seen.slack:
        sentence += f"; {_balancers(seen)} counted {others:,} more, other traffic beside the probe"
    return [*findings, Finding(Outcome.PASS, sentence)]


def at(seen: Observations, balancer: str) -> Iterator[Finding]:
    """Report where one balancer's counters contradict the answers that name it, or why they are not heard."""
    if not seen.client(balancer):
        return
    if why := seen.short(balancer):
        yield Finding(Outcome.PASS, f"not heard: {why}")
    if seen.counted() is None:  # else the sums of all balancers show it
        ledgers = seen.ledgers((), balancer)
        yield from (Finding(Outcome.FAIL, sentence) for sentence in witnesses.disagreements(ledgers, seen.slack))


def _unheard(seen: Observations) -> Iterator[Finding]:
    """Report who answered, as far as it is not plain, and which counters are not heard."""
    yield from (Finding(Outcome.PASS, remark) for remark in seen.remarks)
    if renamed := [f"{own} {name}" for name, own in sorted(seen.identities.items()) if name != own]:
        more = f", and {len(renamed) - _SHOWN:,} more otherwise" if len(renamed) > _SHOWN else ""
        yield Finding(Outcome.PASS, f"answers call {_balancers(seen)}'s {', '.join(renamed[:_SHOWN])}{more}")
    short = seen.short()
    for why in (*seen.unheard, *((short,) if short else ())):
        yield Finding(Outcome.PASS, f"not heard: {why}")
    if seen.unmet:
        answered = ", ".join(sorted(seen.client())[:_SHOWN])
        sentence = (
            f"expected are {', '.join(seen.unmet[:_SHOWN])}, and answers name {answered}: --names or lbcheck_names"
        )
        yield Finding(Outcome.INCONCLUSIVE, f"{sentence} would tell who is who")


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
            # Who answers is running, unless its counters could be read before, and not any more.
            gone = failure.kind == "refused" and (not seen.client()[server] or not readings["before"].failure)
            who = f"nginx on {server} is not running: " if gone else f"server {server}: "
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + failure.message)
        elif not failure and len(readings) == 2 and server in seen.logs:
            served, lines = readings["after"].requests - readings["before"].requests, seen.logs[server].lines
            if 0 <= served < lines:  # negative: nginx restarted in between
                yield Finding(Outcome.FAIL, f"server {server} logged {lines:,} requests, stub_status only {served:,}")
