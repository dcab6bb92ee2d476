"""Findings on one balancer: no counts, servers that do not serve or are not as expected, no answer at its VIPs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lbcheck.analysis.counter_deltas import Difference
from lbcheck.checks.spread import changes, states
from lbcheck.checks.spread.losses import SILENT, alive, codes, server_errors
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.counters import ServerCounters
from lbcheck.model.requests import Answers
from lbcheck.model.verdict import Finding, Outcome


def of_balancer(seen: Observations, name: str, judged: str | None) -> Iterator[Finding]:
    """Say what each process of one balancer tells: no counts, how its servers are, what changed during the run.

    `judged`: the balancer whose shares are judged, None: those of all.
    """
    for place in seen.places.get(name, ()):
        process = seen.processes[place]
        if process.failure:
            gone = process.failure.kind in ("refused", "not-found") and not _may_answer(seen, name)
            message = process.failure.message
            who = "" if message.startswith(name) else f"balancer {name}: "
            who = f"{process.product} on {name} is not running: " if gone else who
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + message)
            continue
        yield from changes.findings(seen, judged, place)
        deltas = seen.deltas(process)
        if deltas:
            yield from _unlike(seen, name, deltas)
            unchanged = not changes.disturbed(seen, name)
            yield from states.of_process(seen, _speaker(seen, process), deltas, unchanged=unchanged)
        elif not process.void and seen.called(process) is None:
            yield from _without_backend(seen, process)


def _may_answer(seen: Observations, balancer: str) -> bool:
    """Return whether answers may come from a balancer whose counters nobody gives: then it is running.

    It is not if its counters could be read before and not after, if nothing answers, if the answers name balancers of
    the user's, and never this one, or if the other balancers of an inventory counted all answers.
    """
    named = seen.named_balancers
    if balancer in seen.died or not named or seen.others_answered_all(balancer):
        return False
    return balancer in named or not named & {one.name for one in seen.cluster.balancers}


def _without_backend(seen: Observations, process: Difference) -> Iterator[Finding]:
    sentence = f"{process.product} on {process.balancer} has no backend '{seen.subject.removeprefix('backend ')}'"
    if seen.backend.name and not seen.named:
        yield Finding(Outcome.PASS, f"not heard: {sentence}")
    elif seen.named and not seen.unheard:
        yield Finding(Outcome.FAIL, sentence)


def _speaker(seen: Observations, process: Difference) -> str:
    """Return who tells what a process tells: a balancer that has no name but its URI is called by its product."""
    name = process.balancer
    own = next((balancer.stats for balancer in seen.cluster.balancers if balancer.name == name), ())
    return process.product if name in own and process.product and len(seen.processes) == 1 else name


def _unlike(seen: Observations, balancer: str, deltas: Mapping[str, ServerCounters]) -> Iterator[Finding]:
    """Report servers that the user listed and a balancer does not have, and servers that nobody listed.

    A backup server that nobody listed is none that is missing in the list while it serves nobody.
    """
    wanted = seen.backend.weights
    missing = (name for name in wanted if name not in deltas)
    yield from (
        Finding(Outcome.FAIL, f"{balancer} does not have server {name}, which the inventory has") for name in missing
    )
    for name in sorted(set(deltas) - set(wanted)) if wanted else ():
        if not (deltas[name].backup and not deltas[name].requests):
            yield Finding(Outcome.FAIL, f"{balancer} has server {name}, which is not expected")


def absent(seen: Observations, name: str) -> Iterator[Finding]:
    """Report a balancer that answered no request to its own VIPs, and which balancers answered instead."""
    own = (seen.by_address.get(address, ()) for address in seen.addresses.get(name, ()))
    asked = [answers for at_one in own for answers in at_one if answers.sent]
    who = sorted({count.balancer for answers in asked for count in answers.counts})
    known = set(who) & {balancer.name for balancer in seen.cluster.balancers}
    somebody = any(status < "500" for answers in asked for status in answers.statuses)
    # Answers that name no balancer of ours, or nobody at all, prove nothing.
    if asked and name not in who and (known or not (who or somebody)):
        sent = sum(answers.sent for answers in asked)
        silent = not alive(seen) and all(kind in SILENT for answers in asked for kind in answers.errors)
        yield Finding(Outcome.UNMEASURED if silent else Outcome.FAIL, _unanswered(name, sent, who, asked))


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
