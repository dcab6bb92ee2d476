"""What a person sees of a claim: a ladder."""

from lbcheck.checks.filled_rows import ladder
from lbcheck.checks.prove.evidence import ProveEvidence
from lbcheck.model.exhibit import Exhibit
from lbcheck.model.verdict import Verdict


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return a rung for each measurement and the notes; the gains only if every measurement matched."""
    match verdict.evidence:
        case ProveEvidence(steps=steps, gains=gains, notes=notes):
            gained = gains if all(step.exact for step in steps) else ()
            return (ladder(steps, gained, notes),)
        case _:
            return ()
