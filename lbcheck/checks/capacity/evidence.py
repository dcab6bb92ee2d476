"""The numbers behind a verdict on a path's capacity."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lbcheck.model.address import Family
from lbcheck.model.evidence import Gain, ProductRow, Record, called

_OPENED = (
    "hop", "family", "binding", "sources", "endpoints", "ports", "predicted", "measured", "stopped_by", "seconds",
    "refusal",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class HopRow(ProductRow):
    """The connections that equal hosts open on one hop."""

    hop: str
    family: Family
    refusal: str  # the error that the connecting program gets at the limit


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedRow(HopRow):
    """What hosts open from addresses of their own."""

    ORDER = _OPENED

    binding_mode: str = field(metadata=called("binding"))


@dataclass(frozen=True, kw_only=True, eq=False)
class TranslatedRow(HopRow):
    """What one outside address of a NAT lets through."""

    ORDER = (*_OPENED, "outside", "subscribers", "wanted")

    mapping_behaviour: str = field(metadata=called("binding"))
    outside: str
    subscribers: int
    wanted: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Limit(Record):
    """How many connections one limit of a hop would allow alone."""

    limit: str
    value: int


@dataclass(frozen=True, kw_only=True, eq=False)
class BindingLimit(Record):
    """The limit that runs out first, and its hop."""

    hop: str
    limit: str
    value: int


@dataclass(frozen=True, kw_only=True, eq=False)
class HopEvidence(Record):
    """What one hop holds, and the short connections a second that it sustains; None: ports need no rest."""

    hop: str
    holds: int
    limits: tuple[Limit, ...]
    connections_a_second: float | None
    without_tw_reuse: float | None
    with_tw_reuse: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class CapacityEvidence(Record):
    """One path through the cluster."""

    holds: int
    wanted: int | None  # None: as many as the clients can open
    binding_limit: BindingLimit = field(metadata=called("binding"))
    gains: tuple[Gain, ...]
    hops: tuple[HopEvidence, ...]
    steps: tuple[TranslatedRow | OpenedRow, ...]
    assumed: tuple[str, ...]
    # Only where the cluster was grown: thing → how many were added, and what the path held before.
    grown: Mapping[str, int] | None = None
    before: int | None = None


EVIDENCE = (CapacityEvidence,)
