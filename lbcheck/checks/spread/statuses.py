"""Findings on the HTTP statuses of answers that name their server: wrong ones, and errors of one server alone."""

from collections import Counter
from collections.abc import Iterator, Mapping

from lbcheck.checks import loss
from lbcheck.checks.spread.alike import Compared, Errors
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.returns import ByBalancer, Returns
from lbcheck.checks.spread.ways import amount, summed
from lbcheck.model.verdict import Finding, Outcome, gravest

SHOWN = 5  # servers that a sentence lists with their counts


def of_servers(seen: Observations, came: Returns, alpha: float) -> Iterator[Finding]:
    """Report each status that is no success, with the servers that gave it."""
    judged = odd(came, alpha)
    for status, servers in _by_status(came).items():
        outcome = Outcome.PASS if came.right(status) else loss.judged(came.lost, came.sent)
        errs = judged if status >= "400" else {}
        groups = [Counter({name: servers[name]}) for name in servers if name in errs]
        groups.append(Counter({name: count for name, count in servers.items() if name not in errs}))
        for group in filter(None, groups):
            whole = gravest((outcome, *(errs[name] for name in group if name in errs)))
            yield Finding(whole, _sentence(seen, came, status, group) + more_would_tell(whole))


def odd(came: Returns, alpha: float) -> dict[str, Outcome]:
    """Return the servers that answer with errors while the others do not, and how sure that is."""
    return Compared({name: _errors(came, statuses) for name, statuses in came.servers.items()}).alone(alpha)


def of_balancers(parts: ByBalancer) -> Compared:
    """Return the errors that come through each balancer, to be compared."""
    return Compared(
        {
            name: _errors(came, summed((*came.servers.values(), came.nameless)))
            for name, came in parts.items()
            if name is not None
        }
    )


def _errors(came: Returns, statuses: Mapping[str, int]) -> Errors:
    """Return how many answers have a status from 400 on that the user does not expect, of how many."""
    wrong = {status: count for status, count in statuses.items() if status >= "400"}
    if wrong and came.asked.expect:
        wrong = {status: count for status, count in wrong.items() if not came.right(status)}
    return Errors(sum(wrong.values()), sum(statuses.values()))


def _by_status(came: Returns) -> dict[str, Counter[str]]:
    """Return status → server → answers, for what is neither a success nor expected."""
    usual = came.right if came.asked.expect else lambda status: status < "300"
    found: dict[str, Counter[str]] = {}
    for name, statuses in came.servers.items():
        for status, count in statuses.items():
            if status and not usual(status):
                found.setdefault(status, Counter())[name] += count
    return dict(sorted(found.items()))


def _sentence(seen: Observations, came: Returns, status: str, servers: Counter[str]) -> str:
    number = servers.total()
    if len(servers) == 1:
        (name,) = servers
        each = ", to each that it got" if number == came.answered[name] < came.sent else ""
        sentence = f"server {name} answered {status} to {amount(number, came.sent)}{each}"
    else:
        who = f"{len(servers):,} servers" if len(servers) < len(came.servers) else "every server"
        sentence = f"{who} answered {status} to {amount(number, came.sent)}: {_listed(servers)}"
    return sentence + where_to(seen, status)


def more_would_tell(outcome: Outcome) -> str:
    """Return what a sentence ends with that is inconclusive."""
    return "; more requests would tell" if outcome is Outcome.INCONCLUSIVE else ""


def where_to(seen: Observations, status: str) -> str:
    """Return where redirects of a status lead, as the end of a sentence; empty: it is none, or that was not kept."""
    if status[:1] != "3":
        return ""
    found = Counter(summed(answers.redirects for answers in seen.answers))
    targets = [where.removeprefix(f"{status} ") for where, _ in found.most_common() if where.startswith(f"{status} ")]
    if not targets:
        return ""
    return f" to {targets[0]}" if len(targets) == 1 else f" to {targets[0]} and {len(targets) - 1:,} other targets"


def _listed(servers: Counter[str]) -> str:
    parts = [f"{name} {count:,}" for name, count in servers.most_common(SHOWN)]
    more = [f"and {len(servers) - SHOWN:,} more"] if len(servers) > SHOWN else []
    return ", ".join([*parts, *more])
