"""A Report for people and programs, one file a format."""

from collections.abc import Callable, Mapping

from lbcheck.model.exhibit import Shown, Style
from lbcheck.plain import plainly
from lbcheck.reporters import json, text

# Every format of a report: a further one is one more file and one more line here.
FORMATS: Mapping[str, Callable[[Shown, Style], str]] = {
    "text": text.render,
    "json": json.render,
}
PROGRAMS = ("json",)  # formats that have escapes of their own, and keep every name as it is


def render(form: str, shown: Shown, style: Style) -> str:
    """Return the report in one of FORMATS; what other people wrote reaches it as plain text."""
    return FORMATS[form](shown if form in PROGRAMS else plainly(shown), style)
