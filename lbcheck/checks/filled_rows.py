"""What fills held: a row of evidence for each, and a ladder of all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from lbcheck.model.evidence import Gain, ProductRow, called
from lbcheck.model.exhibit import Ladder, Rung


@dataclass(frozen=True, kw_only=True, eq=False)
class FilledRow(ProductRow):
    """What one fill held; times are in seconds."""

    ORDER: ClassVar[tuple[str, ...]] = (
        "what", "binding", "sources", "endpoints", "ports", "predicted", "measured", "stopped_by", "seconds",
        "release_s", "workers", "slab_bytes",
    )  # fmt: skip

    what: str  # the connections that were opened, in words
    binding_mode: str = field(metadata=called("binding"))
    release_s: float
    workers: int
    slab_bytes: int  # growth of the kernel's slab memory, on the whole machine


def ladder(rows: Sequence[FilledRow], gains: Sequence[Gain] = (), notes: Sequence[str] = ()) -> Ladder:
    """Return a ladder with one rung for each fill."""
    rungs = (Rung(row.what, row.predicted, row.measured, row.stopped_by) for row in rows)
    return Ladder(tuple(rungs), tuple((gain.add, gain.tuples) for gain in gains), tuple(notes))
