"""nginx's `stub_status`: four lines of text."""

import re
from dataclasses import dataclass

_PAGE = re.compile(
    r"Active connections: \d{1,15} ?\n"
    r"server accepts handled requests\n"
    r" (?P<accepts>\d{1,15}) (?P<handled>\d{1,15}) (?P<requests>\d{1,15}) ?\n"
    r"Reading: \d{1,15} Writing: \d{1,15} Waiting: \d{1,15} ?\n"
)


class NotStubStatusError(ValueError):
    """What was read is not stub_status, or not all of it."""


@dataclass(frozen=True)
class StubStatusCounters:
    """What all of nginx counted since it started, the reading itself included."""

    accepts: int
    handled: int
    requests: int


def parse_stub_status(text: str) -> StubStatusCounters:
    """Read the page as the module writes it; NotStubStatusError where it is anything else."""
    page = _PAGE.fullmatch(text)
    if page is None:
        shown = ascii(text[:60]) + ("…" if len(text) > 60 else "")
        raise NotStubStatusError(f"not nginx's stub_status: {shown}")
    return StubStatusCounters(*(int(page[name]) for name in ("accepts", "handled", "requests")))
