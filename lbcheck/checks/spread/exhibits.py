"""What a person sees of a spread: the counts of all witnesses in one table."""

from lbcheck.analysis.laws import table
from lbcheck.checks.error_rates import FALSE_ALARMS, of_weights
from lbcheck.checks.spread.evidence import SpreadEvidence
from lbcheck.model.exhibit import Exhibit, Witnessed, Witnesses
from lbcheck.model.verdict import Verdict


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the table of counts, if any server is known, and footnotes with the verdict's error rates."""
    match verdict.evidence:
        case SpreadEvidence() as evidence:
            law = table.law_applied(evidence.algorithm, evidence.product)
            strict = law is not None and law.holds_to_weights
            rates = of_weights(evidence.detect, evidence.power) if strict else FALSE_ALARMS
            return (_witnesses(evidence), *rates) if evidence.servers else rates
        case _:
            return ()


def _witnesses(evidence: SpreadEvidence) -> Witnesses:
    """Return the table with one row for each server; a witness that counted nothing gets no column."""
    # The headings of the table's columns.
    names = {"client": "clients", "balancer": evidence.product or "balancer", "server": "its log"}
    servers = evidence.servers
    total = sum(seen.client for seen in servers.values())
    heard = [witness for witness in names if any(seen[witness] is not None for seen in servers.values())]
    rows = (
        Witnessed(
            server,
            tuple(seen[witness] for witness in heard),
            share=seen.client / total if total else None,
            expected=seen.expected_share,
        )
        for server, seen in servers.items()
    )
    return Witnesses(tuple(names[witness] for witness in heard), tuple(rows))
