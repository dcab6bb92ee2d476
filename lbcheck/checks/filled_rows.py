"""What fills held: a row of evidence each, and all as a ladder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from lbcheck.model.evidence import Gain, ProductRow, called
from lbcheck.model.exhibit import Ladder, Rung


@dataclass(frozen=True, kw_only=True, eq=False)
class FilledRow(ProductRow):
    """What one fill held."""

    ORDER: ClassVar[tuple[str, ...]] = (
        "what", "binding", "sources", "endpoints", "ports", "predicted", "measured", "stopped_by", "seconds",
        "release_s", "workers", "slab_bytes",
    )  # fmt: skip

    what: str  # was opened
    binding_mode: str = field(metadata=called("binding"))
    release_s: float
    workers: int
    slab_bytes: int  # that the kernel's memory rose by


def ladder(rows: Sequence[FilledRow], gains: Sequence[Gain] = (), notes: Sequence[str] = ()) -> Ladder:
    """Return what fills held, a rung each."""
    rungs = (Rung(row.what, row.predicted, row.measured, row.stopped_by) for row in rows)
    return Ladder(tuple(rungs), tuple((gain.add, gain.tuples) for gain in gains), tuple(notes))
