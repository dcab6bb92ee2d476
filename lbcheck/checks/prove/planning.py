"""Which sections of `lbcheck prove` can be measured on this machine."""

from collections.abc import Collection, Mapping, Sequence

from lbcheck.checks.prove.rows import Section
from lbcheck.errors import MeasurementError


def plan(
    sections: Sequence[Section], obstacles: Mapping[str, str], required: Collection[str] = ()
) -> tuple[Section, ...]:
    """Return the sections without an obstacle (`obstacles`: a section's key → the reason why it cannot run here).

    MeasurementError if none is left or a required one has an obstacle: a proof that shows nothing must not pass.
    """
    if lacking := [key for key in required if key in obstacles]:
        raise MeasurementError(f"what --require names cannot be shown here: {_said(obstacles, lacking)}")
    planned = tuple(section for section in sections if section.key not in obstacles)
    if not planned:
        raise MeasurementError(f"nothing can be shown here: {_said(obstacles, obstacles)}")
    return planned


def remark(obstacles: Mapping[str, str]) -> str:
    """Return the words of the report on the sections that were left out; empty if there are none."""
    return f"; not shown here: {_said(obstacles, obstacles)}" if obstacles else ""


def _said(obstacles: Mapping[str, str], keys: Collection[str]) -> str:
    """Return the sections grouped by reason, in words."""
    reasons = dict.fromkeys(obstacles[key] for key in keys)
    named = {reason: ", ".join(key for key in keys if obstacles[key] == reason) for reason in reasons}
    return "; ".join(f"{sections}: {reason}" for reason, sections in named.items())
