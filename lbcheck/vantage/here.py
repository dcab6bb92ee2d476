"""Run steps in this process, one after the other."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, cast

from lbcheck.model import schemes
from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.configuration import Configured, ReadConfiguration
from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.port_range import LocalPorts, ReadPortRange
from lbcheck.model.requests import Answers, Request
from lbcheck.model.sockets import ReadSockets, Sockets
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.model.watch import Watch, Watched
from lbcheck.probing import stopping
from lbcheck.probing.stopping import Stopped, never

BrokenOff = Callable[[float | None], AbstractContextManager[None]]
Begun = Callable[[str], None]  # hears the name of each stage that begins


class ReadsCounters(Protocol):
    """A module that the table of schemes names for statistics."""

    def read(self, step: ReadCounters) -> Counters:
        """Read one process's counters; a failure is a sample with its kind."""


class CountsLogLines(Protocol):
    """A module that the table of schemes names for logs."""

    def count(self, step: CountLogLines) -> LogLines:
        """Count the lines with the step's token; a failure is a sample with its kind."""


def silently(_stage: str) -> None:
    """Take no note of a stage."""


def patiently(_seconds: float | None) -> AbstractContextManager[None]:
    """Break nothing off."""
    return nullcontext()


def run(steps: Iterable[Step], stopped: Stopped = never, broken_off: BrokenOff = patiently) -> Iterator[Sample]:
    """Yield a sample for each step; once `stopped`, the running step ends early and no further one begins.

    `broken_off`: ends the block that it is given for by Interrupted, so many seconds after a signal.
    """
    for step in steps:
        if stopped():
            return
        yield _run(step, stopped, broken_off)


def _run(step: Step, stopped: Stopped, broken_off: BrokenOff) -> Sample:
    try:
        with broken_off(PATIENCE_S.get(type(step), stopping.PATIENCE_S)):
            return RUNNERS[type(step)](step, stopped)
    except stopping.Interrupted:
        return step.lost(Failure(ErrorKind.INTERNAL, "interrupted before there was a result"))
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror or str(error)
        return step.lost(Failure(ErrorKind.INTERNAL, f"{type(step).__name__}: {said}"))
    except Exception as error:  # a fault of one step must not lose the others' samples
        return step.lost(Failure(ErrorKind.INTERNAL, f"{type(step).__name__}: {type(error).__name__}: {error}"))


# Each runner loads what it needs when it is first called: a balancer that only reads its own counters never loads the
# DNS library. Those that last ask `stopped` again and again.


def _resolve(step: Resolve, stopped: Stopped) -> Resolution:
    from lbcheck.probing.dns.resolve import resolve

    return resolve(step, stopped)


def _look_up(step: LookUp, stopped: Stopped) -> Lookup:
    from lbcheck.probing.dns.lookup import look_up

    return look_up(step, stopped)


def _request(step: Request, stopped: Stopped) -> Answers:
    from lbcheck.probing.http.engine import request

    return request(step, stopped)


def _read_counters(step: ReadCounters, _stopped: Stopped) -> Counters:
    scheme = schemes.of_counters(step.uri)
    if not scheme:
        return step.lost(Failure(ErrorKind.NOT_FOUND, f"{step.uri}: write {schemes.forms()}"))
    return cast(ReadsCounters, importlib.import_module(scheme.module)).read(step)


def _read_configuration(step: ReadConfiguration, _stopped: Stopped) -> Configured:
    from lbcheck.sources.haproxy_configuration import read

    return read(step)


def _count_log_lines(step: CountLogLines, _stopped: Stopped) -> LogLines:
    return cast(CountsLogLines, importlib.import_module(schemes.of_log(step.path))).count(step)


def _read_stub_status(step: ReadStubStatus, _stopped: Stopped) -> StubStatus:
    from lbcheck.sources.stub_status import read

    return read(step)


def _read_sockets(step: ReadSockets, stopped: Stopped) -> Sockets:
    from lbcheck.probing.sockets import read

    return read(step, stopped)


def _read_port_range(step: ReadPortRange, _stopped: Stopped) -> LocalPorts:
    from lbcheck.probing.fill.engine import ephemeral_ports, reserved_ports

    return LocalPorts(at=step.at, ports=ephemeral_ports(), reserved=reserved_ports())


def _fill(step: Fill, stopped: Stopped) -> Filled:
    from lbcheck.probing.fill.engine import fill

    return fill(step, stopped)


def _watch(step: Watch, stopped: Stopped) -> Watched:
    from lbcheck.probing.http.watch import watch

    return watch(step, stopped)


def _never(step: RunCommand, _stopped: Stopped) -> Commanded:
    # vantage/beside.py takes commands out of a plan. One that comes to a host among other steps was not asked for.
    return step.lost(Failure(ErrorKind.INTERNAL, "not run: commands run beside a plan, never in it"))


# Who runs which step: a further kind of step is one more function and one more line.
RUNNERS: Mapping[type[Step], Callable[[Any, Stopped], Sample]] = {
    Resolve: _resolve,
    LookUp: _look_up,
    Request: _request,
    ReadCounters: _read_counters,
    ReadConfiguration: _read_configuration,
    CountLogLines: _count_log_lines,
    ReadStubStatus: _read_stub_status,
    ReadSockets: _read_sockets,
    ReadPortRange: _read_port_range,
    Fill: _fill,
    Watch: _watch,
    RunCommand: _never,
}

# How long after a signal a step may go on that does not ask, in seconds. What is read is broken off at once, for it has
# no part of a result; a fill sees to itself, for letting go of its connections takes as long as it takes.
PATIENCE_S: Mapping[type[Step], float | None] = {
    ReadCounters: 0.0,
    ReadConfiguration: 0.0,
    CountLogLines: 0.0,
    ReadStubStatus: 0.0,
    ReadPortRange: 0.0,
    Fill: None,
}
