"""Findings on answers that name no server: their status, where a redirect leads, and who gave them."""

from collections import Counter
from collections.abc import Iterator

from lbcheck.checks import loss
from lbcheck.checks.spread.alike import Compared, Errors
from lbcheck.checks.spread.givers import SHOWN, Givers, givers
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.returns import Returns
from lbcheck.checks.spread.statuses import more_would_tell, where_to
from lbcheck.checks.spread.ways import amount, route
from lbcheck.model.step import ErrorKind
from lbcheck.model.verdict import Finding, Outcome, gravest


def findings(seen: Observations, came: Returns, alpha: float) -> Iterator[Finding]:
    """Report answers that name no server by their status."""
    for status in sorted(came.nameless):
        gave = givers(seen, came, status) if status >= "300" else Givers()
        outcome = _outcome(came, status, gave, alpha)
        yield Finding(outcome, _sentence(seen, came, status, gave) + more_would_tell(outcome))


def _outcome(came: Returns, status: str, gave: Givers, alpha: float) -> Outcome:
    """Return what answers without a name mean: a fault if their status is wrong, or one server's alone."""
    if not came.right(status):
        return loss.judged(came.lost, came.sent)
    errors = {name: Errors(gave.servers[name], number) for name, number in gave.requests.items()}
    if status >= "400" and not came.asked.expect and (odd := Compared(errors).alone(alpha)):
        return gravest(odd.values())
    # What the balancer answered itself, as its counters show, hides no server's answer.
    explained = bool(status >= "300" and came.named and gave.itself and not gave.servers)
    outcome = Outcome.PASS if explained else loss.judged(sum(came.nameless.values()), came.sent)
    return Outcome.UNMEASURED if outcome is Outcome.FAIL else outcome


def _sentence(seen: Observations, came: Returns, status: str, gave: Givers) -> str:
    count, where = came.nameless[status], _where(seen, came, status)
    if status < "300":
        return f"{where}: {_unidentified(seen, came, status)}"
    if gave.why and not gave.servers and status >= "500":
        amounts = "all" if count == came.sent else amount(count, came.sent)
        return f"{where}: {gave.product} itself answered {status} to {amounts}: {gave.why}"
    got = f"{amount(count, came.sent)} got HTTP {status}{where_to(seen, status)}"
    return f"{where}: {got}{_by(seen, came, gave)}"


def _unidentified(seen: Observations, came: Returns, status: str) -> str:
    """Return the sentence on answers that are right and do not say whose they are."""
    count, sought = came.nameless[status], _sought(seen.identify)
    remarks = (way.reasons.get(ErrorKind.UNIDENTIFIED) for way in came.ways)
    why = "".join(f" ({remark})" for remark in list(filter(None, remarks))[:1])
    if came.named:
        return f"{amount(count, came.sent, 'answers')} carry no {sought}{why}"
    got = f"{amount(count, came.sent)} got HTTP {status}"
    return f"{got}, and no answer carries {sought}{why}: --identify says how servers name themselves"


def _sought(identify: str) -> str:
    """Return in words where answers should name their server."""
    kind, _, what = identify.partition(":")
    return {"header": what, "cookie": f"cookie {what}"}.get(kind, f"match of {what} in the body")


def _by(seen: Observations, came: Returns, gave: Givers) -> str:
    """Return who gave answers without a name, as far as it shows, as the end of a sentence."""
    servers = ", ".join(f"{name} {count:,}" for name, count in gave.servers.most_common(SHOWN))
    if servers:
        itself = f" or by {gave.product} itself" if gave.itself else ""
        return f", by servers that {gave.product} counted with such ({servers}){itself}"
    if gave.itself:
        return f", by {gave.product} itself{f': {gave.why}' if gave.why else ' as far as it shows'}"
    headers = Counter(a.product_headers["server"] for a in seen.answers if "server" in a.product_headers)
    if headers and not came.named:
        return f" (their header says server: {headers.most_common(1)[0][0]})"
    return f", from whoever gives no {_sought(seen.identify)}" if came.named else ""


def _where(seen: Observations, came: Returns, status: str) -> str:
    """Return the way of the answers with a status, if it is one, else the frontend, at its balancer."""
    taken = [way for way in came.ways if status in way.nameless]
    if len(taken) == 1:
        return route(seen, taken[0])
    return f"{seen.frontend.url} at {came.balancer}" if came.balancer else seen.frontend.url
