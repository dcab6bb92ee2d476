"""Run steps in this process, one after the other."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lbcheck.model.fill import Fill, Filled
from lbcheck.model.plan import CountLogLines, LookUp, ReadHaproxy, ReadStubStatus, Request, Resolve, Step
from lbcheck.model.sample import (
    Answers,
    ErrorKind,
    Failure,
    HaproxyCounters,
    LogLines,
    Lookup,
    Resolution,
    Sample,
    StubStatus,
)
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


# Step → the module and function that run it; those that last take the question whether to stop, too.
_LASTING: Mapping[type[Step], tuple[str, str]] = {
    Resolve: ("probing.dns.resolve", "resolve"),
    LookUp: ("probing.dns.lookup", "look_up"),
    Request: ("probing.http.engine", "request"),
    Fill: ("probing.fill.engine", "fill"),
    Watch: ("probing.http.watch", "watch"),
}


def _run(step: Step, stopped: Stopped) -> Sample:
    try:
        match step:
            case ReadHaproxy(uri=uri):
                page = uri.startswith(("http:", "https:"))
                return _call("sources.haproxy_page" if page else "sources.haproxy_socket", "read", step)
            case CountLogLines(path=path):
                return _call("sources.journal" if path.startswith("journal:") else "sources.access_log", "count", step)
            case _ if type(step) in _LASTING:
                return _call(*_LASTING[type(step)], step, stopped)
            case ReadStubStatus():
                return _call("sources.stub_status", "read", step)
            case _:
                return failed(step, Failure(ErrorKind.INTERNAL, f"nobody knows how to run a {type(step).__name__}"))
    except Exception as error:  # a fault of one step must not lose the others' samples
        return failed(step, Failure(ErrorKind.INTERNAL, f"{type(step).__name__}: {type(error).__name__}: {error}"))


def _call(module: str, function: str, *arguments: Any) -> Sample:
    # Loaded when first needed: a balancer that only reads its own counters never loads the DNS library.
    sample: Sample = getattr(importlib.import_module(f"lbcheck.{module}"), function)(*arguments)
    return sample


def failed(step: Step, failure: Failure) -> Sample:
    """Return the sample of a step that could not be run at all."""
    match step:
        case Resolve(at=at, name=name, rdtype=rdtype, server=server, layer=layer):
            return Resolution(at=at, failure=failure, server=str(server or ""), layer=layer, name=name, rdtype=rdtype)
        case LookUp(at=at, name=name, family=family):
            return Lookup(at=at, failure=failure, name=name, family=family)
        case Request(at=at, url=url, address=address, source=source):
            return Answers(at=at, failure=failure, url=url, address=address, source=source)
        case Fill() | Watch():
            return _failed_lasting(step, failure)
        case ReadHaproxy(at=at, balancer=balancer, uri=uri, when=when):
            return HaproxyCounters(at=at, failure=failure, balancer=balancer, uri=uri, when=when)
        case CountLogLines(at=at, server=server_name, path=path, when=when):
            return LogLines(at=at, failure=failure, server=server_name, path=path, when=when)
        case ReadStubStatus(at=at, server=server_name, when=when):
            return StubStatus(at=at, failure=failure, server=server_name, when=when)
        case _:
            return Sample(at=step.at, failure=failure)


def _failed_lasting(step: Fill | Watch, failure: Failure) -> Sample:
    if isinstance(step, Watch):
        return Watched(at=step.at, failure=failure, rehearsal=step.rehearsal)
    return Filled(at=step.at, failure=failure, binding=step.binding, label=step.label)
