"""Read who is connected to this host's endpoints, while others hold the connections."""

import time
from collections.abc import Iterable, Iterator

from lbcheck.errors import MeasurementError
from lbcheck.model.address import Endpoint
from lbcheck.model.sockets import Connected, Reading, ReadSockets, Sockets
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing import sock_diag
from lbcheck.probing.stopping import Stopped, never


def read(step: ReadSockets, stopped: Stopped = never) -> Sockets:
    """Run a whole ReadSockets; a kernel that does not tell its sockets is a sample with a failure."""
    began = time.monotonic()
    try:
        readings = _merged(_readings(step, stopped))
    except MeasurementError as error:
        return step.lost(Failure(ErrorKind.NOT_FOUND, str(error)))
    return Sockets(at=step.at, label=step.label, readings=readings, seconds=round(time.monotonic() - began, 3))


def _readings(step: ReadSockets, stopped: Stopped) -> Iterator[tuple[Connected, ...]]:
    began = time.monotonic()
    end = began + step.wait_s
    while (now := time.monotonic()) < min(end, began + step.most_s) and not stopped():
        connected = tuple(_connected(step.endpoints))
        yield connected
        if connected:
            end = now + step.quiet_s
        time.sleep(step.every_s)


def _connected(endpoints: Iterable[Endpoint]) -> Iterator[Connected]:
    for endpoint in endpoints:
        counts = sock_diag.peers(endpoint)
        for source in sorted({source for source, _ in counts}):
            yield Connected(str(endpoint), source, counts[source, True], counts[source, False])


def _merged(readings: Iterable[tuple[Connected, ...]]) -> tuple[Reading, ...]:
    """Return the readings, those in a row that found the same as one."""
    merged: list[Reading] = []
    for connected in readings:
        if merged and merged[-1].connected == connected:
            merged[-1] = Reading(connected, merged[-1].times + 1)
        else:
            merged.append(Reading(connected))
    return tuple(merged)
