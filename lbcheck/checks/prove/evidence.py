"""The numbers that a verdict on a claim rests on."""

from dataclasses import dataclass

from lbcheck.checks.filled_rows import FilledRow
from lbcheck.model.evidence import Gain, Record


@dataclass(frozen=True, kw_only=True, eq=False)
class ProveEvidence(Record):
    """One section of the argument, a row a measurement."""

    steps: tuple[FilledRow, ...]
    gains: tuple[Gain, ...]
    notes: tuple[str, ...]  # what its words mean


EVIDENCE = (ProveEvidence,)
