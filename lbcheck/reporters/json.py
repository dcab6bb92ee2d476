"""The report as JSON, for programs."""

from lbcheck.model.exhibit import Shown, Style
from lbcheck.wire import report


def render(shown: Shown, style: Style) -> str:  # noqa: ARG001 (every format has the same shape)
    """Return the report as a JSON document; a program draws its exhibits itself, from the evidence."""
    return report.write(shown.report)
