"""Refusals by the kernel of a client of ours: where the model owes them they show a limit, else they hide one."""

from collections.abc import Sequence

from lbcheck.analysis.tuples.binding import LAWS
from lbcheck.checks.stop_reasons import OURS, WHY
from lbcheck.model.fill import Filled, StopKind

# What this machine says before anything is sent.
_LOCAL = frozenset(
    {
        *OURS, StopKind.IN_USE, StopKind.NO_PORT, StopKind.NO_SOURCE, StopKind.DESCRIPTORS, StopKind.FILES,
        StopKind.BUFFERS, StopKind.DENIED,
    }
)  # fmt: skip


def unexpected(samples: Sequence[Filled]) -> str:
    """Say which clients' kernels refused more than their binding mode does; empty: none did."""
    return "; ".join(filter(None, map(_of_one, samples)))


def _of_one(sample: Filled) -> str:
    refusals = {StopKind(kind): count for kind, count in sample.stops.items() if kind in _LOCAL}
    if sum(refusals.values()) <= _owed(sample):
        return ""
    kind = max(refusals, key=refusals.__getitem__)
    sentence = f"{sample.place} itself refused {sum(refusals.values()):,} of {sample.planned:,} attempts"
    sentence += f", {_owed(sample):,} of which are owed: {kind} ({WHY[kind]})"
    if sample.taken:
        sentence += f"; ports of its range are held by {', '.join(sample.taken)}"
    return sentence


def _owed(sample: Filled) -> int:
    """Return how many attempts the kernel refuses where every port is free: those beyond the tuples."""
    law = LAWS[sample.binding]
    if not law.every_endpoint:
        return max(0, sample.planned - sample.sources * sample.ports)
    # Where the kernel picks the port, it is asked for one more than it has, from each source to each endpoint.
    return sample.planned // (sample.ports + 1) if law.automatic else 0
