"""Quirk's page, over HTTP."""

import time
from dataclasses import replace

from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.step import ErrorKind
from lbcheck.sources import pages
from lbcheck.sources.failing import EXPECTED, explain, within

from .page import NotQuirkError, counters

_ADVICE = {ErrorKind.REFUSED: "nobody listens there: is Quirk running?"}


def read(step: ReadCounters) -> Counters:
    """Read one team's counters from `quirk+http://HOST:PORT/PATH`; a failure is a sample with its kind."""
    started = time.monotonic()
    try:
        page = within(step.timeout_s, lambda: _get(step.uri.removeprefix("quirk+"), step.timeout_s))
        return counters(step, page.decode(errors="replace"), time.monotonic() - started)
    except (*EXPECTED, NotQuirkError) as error:
        return replace(step.lost(explain(error, step.uri, _ADVICE)), seconds=time.monotonic() - started)


def _get(url: str, timeout_s: float) -> bytes:
    denied, wrong = "ask the farmer", "is this the path of Quirk's page?"
    return pages.get(url, timeout_s=timeout_s, limit_bytes=2**20, denied=denied, wrong=wrong)
