"""Findings on requests that got no usable answer: what came instead, by which way, and who gave it."""

from collections.abc import Iterable, Iterator

from lbcheck.checks import loss
from lbcheck.checks.spread import hints, nameless, sent_keys, statuses
from lbcheck.checks.spread.alike import Compared
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.returns import OURS, ByBalancer, Returns, apart
from lbcheck.checks.spread.ways import Way, amount, route
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind
from lbcheck.model.verdict import Finding, Outcome

# Silence is a fault only where something else shows that somebody should have answered.
SILENT = (ErrorKind.TIMEOUT, ErrorKind.UNREACHABLE, ErrorKind.NOT_FOUND)
A_FEW = 3  # requests by one way; if all of them were lost, the way is
SPENT_S = 1.0  # seconds of waiting for failures and silence that are worth a word
_OTHER_PROTOCOL = (ErrorKind.PROTOCOL, ErrorKind.RESET)


def findings(seen: Observations, parts: ByBalancer, known: Known, alpha: float) -> Iterator[Finding]:
    """Report all that is to be said of answers beside who gave how many; `alpha`: the error rate of the test in it."""
    yield from lost(seen, parts, alpha)
    yield from statuses.of_servers(seen, parts[None], alpha)
    yield from given_up(seen, parts[None])
    yield from cut_bodies(seen)
    yield from several_addresses(seen)
    yield from hints.of_product(seen, known)
    yield from sent_keys.findings(seen, known)


def lost(seen: Observations, parts: ByBalancer, alpha: float) -> Iterator[Finding]:
    """Report the requests that got no usable answer; `alpha`: the error rate of the test of who gave errors."""
    unasked = dict.fromkeys(answers.failure.message for answers in seen.answers if answers.failure)
    yield from (Finding(Outcome.UNMEASURED, f"{seen.frontend.url}: {message}") for message in unasked)
    for came in apart(parts):
        for way in came.ways:
            yield from _without_answer(seen, came, way)
        yield from nameless.findings(seen, came, alpha)


def given_up(seen: Observations, came: Returns) -> Iterator[Finding]:
    """Report each way that was given up before all requests were sent, and how long failures and silence took."""
    for way in came.ways:
        for why in way.given_up:
            sentence = f"{route(seen, way)}: {why}; {way.sent:,} requests were sent"
            yield Finding(Outcome.INCONCLUSIVE, sentence)
    spent_s = sum(answers.silent_s for answers in seen.answers)
    if spent_s >= SPENT_S and not any(way.given_up for way in came.ways):
        yield Finding(Outcome.PASS, f"{spent_s:.3g} s were spent waiting for failures and silence")


def several_addresses(seen: Observations) -> Iterator[Finding]:
    """Report the addresses that a frontend's name has, if they were asked in turn."""
    for addresses in dict.fromkeys(answers.addresses for answers in seen.answers if len(answers.addresses) > 1):
        yield Finding(Outcome.PASS, f"{seen.frontend.url} was asked at each of its addresses: {', '.join(addresses)}")


def cut_bodies(seen: Observations) -> Iterator[Finding]:
    """Report how many answers were not read to their end: a balancer counts each as aborted by the client."""
    if cut := sum(answers.cut_bodies for answers in seen.answers):
        sentence = f"the bodies of {cut:,} answers were too long to be read whole; balancers count them as aborted"
        yield Finding(Outcome.PASS, sentence)


def at(seen: Observations, came: Returns, errors: Compared, balancer: str, alpha: float) -> Iterator[Finding]:
    """Report what one balancer lost beyond what is tolerated, and errors that come through it or its servers alone.

    `errors`: those of each balancer.
    """
    half = alpha / 2  # for each of two tests
    outcome = loss.judged(came.lost, came.sent)
    if came.failed and outcome is not Outcome.PASS:
        sentence = f"{amount(came.failed, came.sent)} to {balancer} failed: {_kinds(came)}"
        yield Finding(outcome, sentence + statuses.more_would_tell(outcome))
    yield from (f for f in statuses.of_servers(seen, came, half) if f.outcome is not Outcome.PASS)
    if odd := errors.alone(half).get(balancer):
        sentence = f"errors come through {balancer}, and not through others"
        yield Finding(odd, sentence + statuses.more_would_tell(odd))


def lacking(came: Returns, alpha: float) -> int:
    """Return how many more requests would tell whether too many are lost, or whether one server errs alone."""
    more = max(loss.lacking(number, came.sent) for number in (came.lost, sum(came.nameless.values())))
    return max(more, came.sent if Outcome.INCONCLUSIVE in statuses.odd(came, alpha).values() else 0)


def _without_answer(seen: Observations, came: Returns, way: Way) -> Iterator[Finding]:
    """Report the requests by one way that failed; all that its balancer lost is judged together."""
    for kind, count in way.unanswered.items():
        if kind in OURS:
            outcome = Outcome.UNMEASURED if loss.too_much(count, way.sent) else Outcome.PASS
        else:
            outcome = Outcome.FAIL if way.gone and way.sent >= A_FEW else loss.judged(came.lost, came.sent)
        if outcome is Outcome.FAIL and kind in SILENT and not alive(seen):
            outcome = Outcome.UNMEASURED
        sentence = f"{route(seen, way)}: {amount(count, way.sent)} {_what_came(way, kind, count)}"
        yield Finding(outcome, sentence + statuses.more_would_tell(outcome))


def alive(seen: Observations) -> bool:
    """Return whether something shows that requests should be answered: an answer to any of them, or counters."""
    answered = any(answers.counts or answers.statuses for answers in seen.answers)
    return answered or any(not process.failure for process in seen.processes)


def _what_came(way: Way, kind: str, count: int) -> str:
    """Return what happened to the requests of one kind of error: their HTTP statuses, or why the first one failed."""
    sentence = f"failed: {way.reasons.get(kind, kind)}"
    if kind in _OTHER_PROTOCOL and count == way.sent and "HTTP/2" not in sentence and "TLS" not in sentence:
        sentence += "; does whoever listens there want HTTP/2, TLS or the PROXY protocol?"
    return sentence


def _kinds(came: Returns) -> str:
    """Return what became of a balancer's requests, by kind of error and status."""
    wrong = {f"HTTP {status}": count for status, count in came.nameless.items() if not came.right(status)}
    kinds = {kind: count for kind, count in came.errors.items() if kind not in OURS}
    return ", ".join(f"{kind} {count:,}" for kind, count in {**kinds, **wrong}.items())


def server_errors(answers: Answers) -> dict[str, int]:
    """Return status → answers, for HTTP statuses of 500 and above."""
    return {status: count for status, count in answers.statuses.items() if status >= "500"}


def codes(found: Iterable[str]) -> str:
    """Return statuses in words."""
    return f"HTTP {' or '.join(sorted(found))}"
