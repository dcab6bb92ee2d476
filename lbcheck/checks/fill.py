"""`lbcheck fill`: how many connections a fill should hold on this machine, and the verdict on how many it held."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lbcheck.analysis.tuples.binding import LAWS, usable_ports
from lbcheck.checks.filled_rows import FilledRow, ladder
from lbcheck.checks.stop_reasons import OURS, WHY
from lbcheck.model.address import PortRange, family
from lbcheck.model.evidence import Gain, Record
from lbcheck.model.exhibit import Exhibit
from lbcheck.model.fill import Fill, Filled, StopKind, explicit
from lbcheck.model.opening import Opening
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest
from lbcheck.model.words import counted

NAME = "fill"


@dataclass(frozen=True, kw_only=True, eq=False)
class FillRow(FilledRow):
    """What one fill held, in all and at each endpoint, and what refused further connections."""

    ORDER = (
        "what", "binding", "predicted", "measured", "stopped_by", "stops", "by_endpoint", "sources", "endpoints",
        "ports", "workers", "slab_bytes", "attempted", "seconds", "release_s", "held_after", "before", "time_wait",
    )  # fmt: skip

    stops: Mapping[str, int]  # kind of refusal → attempts
    by_endpoint: Mapping[str, int]  # endpoint → connections held
    attempted: int
    held_after: int | None  # connections held at the end of the hold; None: not counted
    before: int  # connections to the endpoints before the fill began
    time_wait: int  # sockets left in TIME_WAIT after the release


@dataclass(frozen=True, kw_only=True, eq=False)
class FillEvidence(Record):
    """The evidence of one fill: a single row."""

    steps: tuple[FillRow, ...]
    gains: tuple[Gain, ...]


EVIDENCE = (FillEvidence,)


@dataclass(frozen=True)
class Ground:
    """The settings and listeners of this machine that decide how many ports a fill can use."""

    ephemeral: PortRange
    reserved: tuple[PortRange, ...] = ()
    listening: frozenset[tuple[str, int]] = frozenset()  # address, port
    routed: tuple[str, ...] = ()  # for each endpoint the source that the route picks; for fills without sources


def predict(fill: Fill, ground: Ground) -> int:
    """Return how many connections the fill holds if the other side accepts all: its tuples, up to its limit."""
    law = LAWS[fill.binding]
    ports = fill.ports or ground.ephemeral
    attempts_left = fill.limit
    total = 0
    for source, endpoints in _endpoints_of(fill, ground).items():
        for number in range(endpoints):
            attempts = len(ports)
            if attempts_left is not None:
                attempts = min(attempts, attempts_left)
                attempts_left -= attempts
            if attempts and (law.every_endpoint or number == 0):
                total += _from_one_source(fill, ground, source, attempts)
    return total


def _from_one_source(fill: Fill, ground: Ground, source: str, attempts: int) -> int:
    """Return how many of `attempts` connections from one source to one endpoint find a port."""
    ports = fill.ports or ground.ephemeral
    usable = usable_ports(_opening(fill, ground, source, ports))
    if not explicit(fill.binding):
        return min(usable, attempts)  # the kernel finds free ports anywhere in the range
    tried = PortRange(ports.low, ports.low + attempts - 1)
    return usable_ports(_opening(fill, ground, source, tried))


def taken(fill: Fill, ground: Ground) -> tuple[int, ...]:
    """Return the ports of the fill's range that it cannot use because a listener on this machine has them, sorted."""
    ports = fill.ports or ground.ephemeral
    listening: set[int] = set()
    for source in _endpoints_of(fill, ground):
        listening.update(_listening(ground, source))
    return tuple(sorted(port for port in listening if ports.low <= port <= ports.high))


def _endpoints_of(fill: Fill, ground: Ground) -> dict[str, int]:
    """Return source → number of endpoints that it connects to; without sources, those that the routes pick."""
    if not fill.sources:
        return dict(Counter(ground.routed)) or {"": len(fill.endpoints)}
    of_family = Counter(family(endpoint.address) for endpoint in fill.endpoints)
    return {source: of_family[family(source)] for source in fill.sources}


def _opening(fill: Fill, ground: Ground, source: str, ports: PortRange) -> Opening:
    return Opening(ports, ground.reserved, _listening(ground, source), fill.binding)


def _listening(ground: Ground, source: str) -> tuple[int, ...]:
    return tuple(port for address, port in ground.listening if address in ("0.0.0.0", "::", source))  # noqa: S104


# --- the verdict ---


def judge(fill: Fill, filled: Filled, predicted: int) -> Verdict:
    """Return the verdict on a fill: held against predicted connections, and what refused further ones.

    A refusal fails only if the number differs from the prediction.
    """
    subject = _subject(fill)
    if filled.failure:
        return Verdict(NAME, subject, Outcome.UNMEASURED, filled.failure.message)
    findings = tuple(_findings(filled, predicted))
    rate = round(filled.opened / filled.seconds) if filled.seconds else 0
    summary = (
        f"{filled.held or 0:,} connections held of {predicted:,}, by the kernel's count; opened in "
        f"{filled.seconds:.1f} s ({rate:,}/s, {counted(filled.workers, 'process')}), let go in "
        f"{filled.release_s:.1f} s"
    )
    evidence = FillEvidence(steps=(_fill_row(filled, predicted),), gains=())
    return Verdict(NAME, subject, gravest([Outcome.PASS, *(f.outcome for f in findings)]), summary, findings, evidence)


def _findings(filled: Filled, predicted: int) -> Iterator[Finding]:
    held = filled.held or 0
    exact = held == predicted
    for kind, count in sorted(filled.stops.items(), key=lambda item: -item[1]):
        why = WHY[StopKind(kind)]
        if StopKind(kind) in OURS:
            yield Finding(Outcome.UNMEASURED, f"{kind}: {why}")
        else:
            # The fill goes on until it is refused: a refusal after the predicted number is expected.
            yield Finding(Outcome.PASS if exact else Outcome.FAIL, f"{kind} {count:,} times: {why}")
    if not exact and not filled.stops:
        yield Finding(
            Outcome.FAIL, f"the kernel counts {held:,} connections where {predicted:,} are owed, and nobody said no"
        )
    if filled.held_after is not None and filled.held_after < held:
        yield Finding(Outcome.FAIL, f"of {held:,} connections {filled.held_after:,} were there at the end of the hold")
    if filled.before:
        yield Finding(
            Outcome.PASS, f"{filled.before:,} connections to the same endpoints were there before, not counted"
        )
    if filled.time_wait:
        yield Finding(Outcome.PASS, f"{filled.time_wait:,} connections to the same endpoints rest in TIME_WAIT")


def _fill_row(filled: Filled, predicted: int) -> FillRow:
    return FillRow(
        what=f"{filled.sources:,} × {filled.ports:,} × {filled.endpoints:,}",
        binding_mode=str(filled.binding),
        predicted=predicted,
        measured=filled.held,
        stopped_by=str(filled.stopped_by) if filled.stopped_by else None,
        stops=dict(filled.stops),
        by_endpoint=dict(filled.by_endpoint),
        sources=filled.sources,
        endpoints=filled.endpoints,
        ports=filled.ports,
        workers=filled.workers,
        slab_bytes=filled.slab_bytes,
        attempted=filled.attempted,
        seconds=filled.seconds,
        release_s=filled.release_s,
        held_after=filled.held_after,
        before=filled.before,
        time_wait=filled.time_wait,
    )


def _subject(fill: Fill) -> str:
    first, more = fill.endpoints[0], len(fill.endpoints) - 1
    return f"{first}{f' and {more} more' if more else ''}"


# --- what a person sees ---


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the fill as a ladder with one rung."""
    match verdict.evidence:
        case FillEvidence(steps=steps):
            return (ladder(steps),)
        case _:
            return ()
