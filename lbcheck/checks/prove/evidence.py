"""The numbers behind a verdict on a claim."""

from dataclasses import dataclass

from lbcheck.checks.filled_rows import FilledRow
from lbcheck.model.evidence import Gain, Record


@dataclass(frozen=True, kw_only=True, eq=False)
class ProveEvidence(Record):
    """One section of `lbcheck prove`, with a row for each measurement."""

    steps: tuple[FilledRow, ...]
    gains: tuple[Gain, ...]
    notes: tuple[str, ...]  # explanations of terms in the rows


EVIDENCE = (ProveEvidence,)
