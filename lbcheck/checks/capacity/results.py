"""What was measured of one product: its row of the evidence, and its findings."""

from dataclasses import dataclass

from lbcheck.checks.capacity.evidence import OpenedRow, TranslatedRow
from lbcheck.checks.capacity.parts import Part
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome

Row = TranslatedRow | OpenedRow


@dataclass(frozen=True)
class Result:
    """A row with what was measured, if anything was, and the findings on it."""

    row: Row
    findings: tuple[Finding, ...] = ()


def unmeasured(part: Part, name: str, why: str) -> Result:
    """Return the result of a product whose measurement failed."""
    return Result(part.row, (Finding(Outcome.UNMEASURED, f"{name}: not measured: {why}"),))


def failure_at_host(sample: Sample) -> str:
    """Return why a sample has no result, with its host; empty if it has one."""
    if not sample.failure:
        return ""
    message = sample.failure.message
    return message if message.startswith(sample.place) else f"at {sample.place}: {message}"
