"""Which sections are measured: those that can be shown where this runs."""

from collections.abc import Collection, Mapping, Sequence

from lbcheck.checks.prove.rows import Section
from lbcheck.errors import MeasurementError


def plan(
    sections: Sequence[Section], obstacles: Mapping[str, str], required: Collection[str] = ()
) -> tuple[Section, ...]:
    """Return the sections that nothing stands in the way of (`obstacles`: a section's key, and what does).

    MeasurementError where that is none, or lacks one that is required: a proof that shows nothing is no pass.
    """
    if lacking := [key for key in required if key in obstacles]:
        raise MeasurementError(f"what --require names cannot be shown here: {_said(obstacles, lacking)}")
    planned = tuple(section for section in sections if section.key not in obstacles)
    if not planned:
        raise MeasurementError(f"nothing can be shown here: {_said(obstacles, obstacles)}")
    return planned


def remark(obstacles: Mapping[str, str]) -> str:
    """Return what a report says of the sections that were left out: nothing where there is none."""
    return f"; not shown here: {_said(obstacles, obstacles)}" if obstacles else ""


def _said(obstacles: Mapping[str, str], keys: Collection[str]) -> str:
    """Name the sections, each reason once."""
    reasons = dict.fromkeys(obstacles[key] for key in keys)
    named = {reason: ", ".join(key for key in keys if obstacles[key] == reason) for reason in reasons}
    return "; ".join(f"{sections}: {reason}" for reason, sections in named.items())
