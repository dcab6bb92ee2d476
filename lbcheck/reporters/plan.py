"""What would be sent: a line a step."""

from collections.abc import Iterator

from lbcheck.model.fill import Fill
from lbcheck.model.plan import CountLogLines, LookUp, Plan, ReadHaproxy, ReadStubStatus, Request, Resolve, Step
from lbcheck.model.watch import RunCommand, Watch


def render(plan: Plan) -> str:
    """Return the plan as text: stages, and below each its steps with the host where they run."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    for stage in plan.stages:
        yield f"stage {stage.name}"
        yield from (f"  at {step.at}: {_sentence(step)}" for step in stage.steps)


def _sentence(step: Step) -> str:
    match step:
        case Resolve(queries=queries, rdtype=rdtype, name=name, server=server, rate=rate):
            return f"ask {server or 'its own resolver'} {queries:,} times for {name} {rdtype}{_gently(rate)}"
        case LookUp(queries=queries, name=name, family=family, rate=rate):
            return f"call getaddrinfo {queries:,} times for {name}, IPv{family}{_gently(rate)}"
        case Request(requests=requests, url=url, address=address, concurrency=concurrency, rate=rate, source=source):
            where = f" at {address}" if address else ""
            return (
                f"request {url}{where} {requests:,} times over {'' if step.keep_alive else 'new '}connections, "
                f"{concurrency} at once{f', from {source}' if source else ''}{_gently(rate)}"
            )
        case ReadHaproxy(uri=uri, balancer=balancer):
            return f"read HAProxy's counters of {balancer} from {uri}"
        case CountLogLines(path=path, token=token):
            return f"look for lines in {path} that say {token}"
        case ReadStubStatus(url=url):
            return f"read {url}"
        case Fill(sources=sources, endpoints=endpoints, ports=ports):
            ends = ", ".join(map(str, endpoints))
            return (
                f"open connections from {', '.join(sources) or 'its own address'}, "
                f"{f'ports {ports}' if ports else 'every port'}, to {ends}, hold and count them"
            )
        case _:
            return _failing(step)


def _failing(step: Step) -> str:
    """Say what belongs to a failover."""
    match step:
        case Watch(routes=routes, interval_s=interval_s, for_s=for_s):
            ends = ", ".join(f"{route.url} at {route.address}" for route in routes)
            return f"for {for_s:g} s, every {interval_s:g} s over a new connection, request {ends}"
        case RunCommand(words=words, after_s=after_s):
            return f"run {' '.join(words)}, once, {after_s:g} s after that has begun"
        case _:
            return type(step).__name__


def _gently(rate: float) -> str:
    return f", {rate:g} a second" if rate else ""
