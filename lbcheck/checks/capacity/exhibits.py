"""What a person sees of a path: tables of its hops' rows, of each hop's capacity, and of gains."""

from collections.abc import Sequence
from itertools import groupby

from lbcheck.checks.capacity.evidence import CapacityEvidence, HopEvidence, HopRow, OpenedRow, TranslatedRow
from lbcheck.model.evidence import Gain
from lbcheck.model.exhibit import Column, Exhibit, Table
from lbcheck.model.verdict import Verdict
from lbcheck.model.words import counted

PRODUCT = (
    Column("hop"), Column("IP"), Column("binding"), Column("sources", "count"), Column("endpoints", "count"),
    Column("ports", "count"), Column("predicted", "count"),
)  # fmt: skip
MEASURED = Column("measured", "count")
HOP = (
    Column("hop"), Column("holds", "count"), Column("connections/s", "count"), Column("with tw_reuse", "count"),
    Column("limits"),
)  # fmt: skip
GAIN = (Column("add"), Column("gains", "change"))


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the tables that have at least one row."""
    match verdict.evidence:
        case CapacityEvidence(steps=steps, hops=hops, gains=gains):
            tables = (_products(steps), Table(HOP, tuple(map(_cells_of_hop, hops))), Table(GAIN, tuple(_gains(gains))))
            return tuple(table for table in tables if table.rows)
        case _:
            return ()


def _products(steps: Sequence[TranslatedRow | OpenedRow]) -> Table:
    """Return a table with a row for each product (sources × ports × endpoints), with measurements if there are any."""
    if all(step.measured is None for step in steps):
        return Table(PRODUCT, tuple(_product(step) for step in steps))
    return Table((*PRODUCT, MEASURED), tuple((*_product(step), step.measured) for step in steps))


def _product(step: TranslatedRow | OpenedRow) -> tuple[str | int, ...]:
    how = step.mapping_behaviour if isinstance(step, TranslatedRow) else step.binding_mode
    return _where(step), f"v{step.family}", how, step.sources, step.endpoints, step.ports, step.predicted


def _where(step: HopRow) -> str:
    """Return the hop; of a NAT the outside address, and how many are on it."""
    if isinstance(step, TranslatedRow):
        return f"NAT {step.outside}, {counted(step.subscribers, 'subscriber')}"
    return step.hop


def _cells_of_hop(hop: HopEvidence) -> tuple[str | float | None, ...]:
    limits = ", ".join(f"{limit.limit} {limit.value:,}" for limit in hop.limits)
    return hop.hop, hop.holds, hop.connections_a_second, hop.with_tw_reuse, limits


def _gains(gains: Sequence[Gain]) -> list[tuple[str, int]]:
    """Return a table with a row for each size of gain, and the things that gain it."""
    groups = groupby(gains, lambda gain: gain.tuples)
    return [(", ".join(gain.add for gain in group), tuples) for tuples, group in groups]
