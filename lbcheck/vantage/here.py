"""Run steps in this process, one after the other."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.counters import HaproxyCounters, ReadHaproxy
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.requests import Answers, Request
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.model.watch import Watch, Watched
from lbcheck.probing.stopping import Stopped, never

Begun = Callable[[str], None]  # hears the name of each stage that begins


def silently(_stage: str) -> None:
    """Nobody wants to know."""


def run(steps: Iterable[Step], stopped: Stopped = never) -> Iterator[Sample]:
    """Yield a sample for each step; once `stopped`, the running step ends early and no further one begins."""
    for step in steps:
        if stopped():
            return
        yield _run(step, stopped)


def _run(step: Step, stopped: Stopped) -> Sample:
    try:
        return RUNNERS[type(step)](step, stopped)
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


def _read_counters(step: ReadHaproxy, _stopped: Stopped) -> HaproxyCounters:
    page = step.uri.startswith(("http:", "https:"))
    module = importlib.import_module("lbcheck.sources." + ("haproxy_page" if page else "haproxy_socket"))
    sample: HaproxyCounters = module.read(step)
    return sample


def _count_log_lines(step: CountLogLines, _stopped: Stopped) -> LogLines:
    journal = step.path.startswith("journal:")
    module = importlib.import_module("lbcheck.sources." + ("journal" if journal else "access_log"))
    sample: LogLines = module.count(step)
    return sample


def _read_stub_status(step: ReadStubStatus, _stopped: Stopped) -> StubStatus:
    from lbcheck.sources.stub_status import read

    return read(step)


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
    ReadHaproxy: _read_counters,
    CountLogLines: _count_log_lines,
    ReadStubStatus: _read_stub_status,
    Fill: _fill,
    Watch: _watch,
    RunCommand: _never,
}
