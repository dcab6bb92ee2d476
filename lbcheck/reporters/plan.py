"""What would be sent: a line a step."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lbcheck.model.command import RunCommand
from lbcheck.model.configuration import ReadConfiguration
from lbcheck.model.counters import ReadCounters
from lbcheck.model.dns_queries import Resolve
from lbcheck.model.fill import Fill
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.lookup import LookUp
from lbcheck.model.plan import Plan
from lbcheck.model.port_range import ReadPortRange
from lbcheck.model.question import in_words
from lbcheck.model.requests import Request
from lbcheck.model.sockets import ReadSockets
from lbcheck.model.step import Step
from lbcheck.model.stub_status import ReadStubStatus
from lbcheck.model.watch import Watch
from lbcheck.plain import plain


def render(plan: Plan) -> str:
    """Return the plan as text: stages, and below each its steps with the host where they run."""
    return "\n".join(map(plain, _lines(plan))) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    for stage in plan.stages:
        yield f"stage {stage.name}"
        yield from (f"  at {in_words(step.at)}: {SENTENCES[type(step)](step)}" for step in stage.steps)
    yield from plan.notes


def _resolve(step: Resolve) -> str:
    whom = step.server or "its own resolver"
    return f"ask {whom} {step.queries:,} times for {step.name} {step.rdtype}{_gently(step.rate)}"


def _look_up(step: LookUp) -> str:
    return f"call getaddrinfo {step.queries:,} times for {step.name}, IPv{step.family}{_gently(step.rate)}"


def _request(step: Request) -> str:
    where = f" at {step.address}" if step.address else " at each of its addresses" if step.every_address else ""
    connections = "connections" if step.keep_alive else "new connections"
    source = f", from {step.source}" if step.source else ""
    fields = "".join(f", with {name}: {value}" for name, value in step.headers)
    return (
        f"request {step.url}{where} {step.requests:,} times over {connections}, "
        f"{step.concurrency} at once{source}{fields}{_gently(step.rate)}"
    )


def _read_counters(step: ReadCounters) -> str:
    return f"read {step.product}'s counters of {step.balancer} from {step.uri}"


def _read_configuration(step: ReadConfiguration) -> str:
    return f"read the configuration of {step.balancer} from {', '.join(step.paths)}"


def _count_log_lines(step: CountLogLines) -> str:
    return f"look for lines in {step.path} that say {step.token}"


def _read_stub_status(step: ReadStubStatus) -> str:
    return f"read {step.url}"


def _read_sockets(step: ReadSockets) -> str:
    ends = ", ".join(map(str, step.endpoints))
    return f"every {step.every_s:g} s, count the connections to {ends}, and how many of them a program has accepted"


def _read_port_range(_step: ReadPortRange) -> str:
    return "read ip_local_port_range and ip_local_reserved_ports"


def _fill(step: Fill) -> str:
    sources = ", ".join(step.sources) or "its own address"
    ports = f"ports {step.ports}" if step.ports else "every port"
    return f"open connections from {sources}, {ports}, to {', '.join(map(str, step.endpoints))}, hold and count them"


def _watch(step: Watch) -> str:
    ends = ", ".join(f"{route.url} at {route.address}" for route in step.routes)
    time = f"{step.for_s:g} s and as long as the command takes" if step.until_told else f"{step.for_s:g} s"
    return f"for {time}, every {step.interval_s:g} s over a new connection, request {ends}"


def _run_command(step: RunCommand) -> str:
    return f"run {' '.join(step.words)}, once, {step.after_s:g} s after that has begun"


def _gently(rate: float) -> str:
    return f", {rate:g} a second" if rate else ""


# How each kind of step is worded.
SENTENCES: Mapping[type[Step], Callable[[Any], str]] = {
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
    RunCommand: _run_command,
}
