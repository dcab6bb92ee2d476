"""nginx's `stub_status` page."""

import time
from dataclasses import replace

from lbcheck.model.step import ErrorKind
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.sources import pages
from lbcheck.sources.failing import EXPECTED, explain, within
from lbcheck.wire.nginx import NotStubStatusError, parse_stub_status

LIMIT_BYTES = 4096  # the page has about 100

_ADVICE = {
    ErrorKind.NOT_FOUND: "is the host's name right?",
    ErrorKind.REFUSED: "nobody listens there: is nginx running?",
    ErrorKind.PROTOCOL: "is this the location with `stub_status`?",
}


def read(step: ReadStubStatus) -> StubStatus:
    """Read what all of nginx counted; a failure is a sample with its kind."""
    started = time.monotonic()
    try:
        page = within(step.timeout_s, lambda: _get(step))
        counters = parse_stub_status(page.decode(errors="replace"))  # LIMIT_BYTES of it: at once
    except (*EXPECTED, NotStubStatusError) as error:
        return replace(step.lost(explain(error, step.url, _ADVICE)), seconds=time.monotonic() - started)
    return StubStatus(
        at=step.at,
        server=step.server,
        when=step.when,
        accepts=counters.accepts,
        handled=counters.handled,
        requests=counters.requests,
        seconds=time.monotonic() - started,
    )


def _get(step: ReadStubStatus) -> bytes:
    return pages.get(
        step.url,
        timeout_s=step.timeout_s,
        limit_bytes=LIMIT_BYTES,
        denied="does its `allow` name this host?",
        wrong="is this the location with `stub_status`?",
        ca=step.ca,
    )
