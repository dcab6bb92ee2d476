"""The gaps that were measured, as a table at the end of pytest's output: what docs/failover.md shows."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest


class Row(NamedTuple):
    """A fault, and the longest gaps that clients saw of the faulty balancer's VIPs and of the other's."""

    fault: str
    faulty: Sequence[float]
    other: Sequence[float]


ROWS = pytest.StashKey[list[Row]]()


def add(config: pytest.Config, fault: str, faulty: Sequence[float], other: Sequence[float]) -> None:
    """Keep one more row."""
    config.stash.setdefault(ROWS, []).append(Row(fault, faulty, other))


def lines(config: pytest.Config) -> list[str]:
    """Return the table; nothing where nothing was measured."""
    rows = config.stash.get(ROWS, [])
    width = max((len(row.fault) for row in rows), default=0)
    head = [f"{'':<{width}}  no answer for s, clients × addresses", f"{'':<{width}}  shortest  longest  lb2's own VIPs"]
    cells = [f"{r.fault:<{width}}  {min(r.faulty):>8.2f}  {max(r.faulty):>7.2f}  {max(r.other):>14.2f}" for r in rows]
    return [*head, *cells] if rows else []
