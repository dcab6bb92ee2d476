"""A Report for people and programs, one file a format."""

from collections.abc import Callable, Mapping

from lbcheck.model.exhibit import Shown, Style
from lbcheck.reporters import json, text

# Every format of a report: a further one is one more file and one more line here.
FORMATS: Mapping[str, Callable[[Shown, Style], str]] = {
    "text": text.render,
    "json": json.render,
}
