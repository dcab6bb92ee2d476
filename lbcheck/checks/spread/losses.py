"""Findings on requests that got no usable answer, by route and kind of error."""

from collections.abc import Iterable, Iterator

from lbcheck.checks import loss
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind
from lbcheck.model.verdict import Finding, Outcome

# What a certificate or a handshake lacks is seen, and is a fault also where no request was answered.
SEEN_WRONG = (ErrorKind.TLS,)
OURS = ("unidentified", "ports-exhausted", "internal", "denied")  # errors of the probe, not of the fleet


def lost(seen: Observations) -> Iterator[Finding]:
    """Report the requests that got no usable answer, by route and kind of error."""
    unasked = dict.fromkeys(answers.failure.message for answers in seen.answers if answers.failure)
    yield from (Finding(Outcome.UNMEASURED, f"{seen.frontend.url}: {message}") for message in unasked)
    for answers in seen.answers:
        route = _route(seen, answers)
        for kind, count in answers.errors.items():
            sentence = f"{route}: {_amount(count, answers.sent)} {_what_came(answers, kind, count)}"
            if kind == "unidentified":
                sentence += f" (answers carry no {seen.identify}; say how servers name themselves)"
            yield Finding(_of_loss(kind, count, answers.sent), sentence)


def given_up(seen: Observations) -> Iterator[Finding]:
    """Report each route that was given up before all requests were sent."""
    for answers in seen.answers:
        if answers.given_up:
            sentence = f"{_route(seen, answers)}: {answers.given_up}; {answers.sent:,} requests were sent"
            yield Finding(Outcome.INCONCLUSIVE, sentence)


def cut_bodies(seen: Observations) -> Iterator[Finding]:
    """Report how many answers were not read to their end: a balancer counts each as aborted by the client."""
    if cut := sum(answers.cut_bodies for answers in seen.answers):
        sentence = f"the bodies of {cut:,} answers were too long to be read whole; balancers count them as aborted"
        yield Finding(Outcome.PASS, sentence)


def _route(seen: Observations, answers: Answers) -> str:
    return f"{seen.frontend.url} at {answers.address or 'its own address'} from {answers.source or answers.at}"


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
    """Return what happened to the requests of one kind of error: their HTTP statuses, or why the first one failed."""
    errors = server_errors(answers)
    if kind == ErrorKind.STATUS and sum(errors.values()) == count:
        return f"got {codes(errors)}"
    return f"failed: {answers.reasons.get(kind, kind)}"


def server_errors(answers: Answers) -> dict[str, int]:
    """Return status → answers, for HTTP statuses of 500 and above."""
    return {status: count for status, count in answers.statuses.items() if status >= "500"}


def codes(statuses: Iterable[str]) -> str:
    """Return statuses in words."""
    return f"HTTP {' or '.join(sorted(statuses))}"
