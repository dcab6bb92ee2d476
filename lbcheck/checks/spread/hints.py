"""What answers say of themselves that could make a verdict stricter, and never decides one."""

from collections.abc import Iterator

from lbcheck.analysis.laws import table
from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome


def of_product(seen: Observations, known: Known) -> Iterator[Finding]:
    """Say which product's header the answers have, where the algorithm is told and the product is not.

    It is only a hint: a server behind the balancer may set the header.
    """
    if known.product or not known.algorithm:
        return
    for header in ("server", "via"):
        for value in dict.fromkeys(filter(None, (a.product_headers.get(header) for a in seen.answers))):
            product = _named(value)
            law = table.law_of(known.algorithm, product) if product else None
            if law and law != table.law_of(known.algorithm):
                hint = f"the answers say {header}: {value}; --product {product} would hold it to {product}'s law"
                yield Finding(Outcome.PASS, hint)
                return


def _named(value: str) -> str:
    """Return the product that a header's value names; empty: none whose laws are known."""
    words = value.replace("/", " ").replace(",", " ").split()
    return next((product for word in words if (product := table.product_called(word))), "")
