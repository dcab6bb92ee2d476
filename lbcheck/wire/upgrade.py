"""Lines of sample files from before these said their version → lines as they are written now."""

from collections.abc import Mapping
from typing import Any

from lbcheck.model.schemes import HAPROXY
from lbcheck.wire.haproxy import Row, backends
from lbcheck.wire.jsonl import WireError, part, to_json

_KEPT = ("at", "failure", "seconds", "balancer", "uri", "when")


def sample(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a sample as it is written now; a balancer's counters were HAProxy's own rows."""
    if line.get("class") != "HaproxyCounters":
        return line
    pid = part("pid", int, line.get("pid", 0))
    uptime_s = part("uptime_s", int, line.get("uptime_s", -1))
    return {
        "class": "Counters",
        **{name: line[name] for name in _KEPT if name in line},
        "product": HAPROXY.name,
        "version": part("version", str, line.get("version", "")) or None,
        "process": str(pid) if pid else None,
        "uptime_s": None if uptime_s == -1 else uptime_s,
        "backends": to_json(backends(_rows(line))),
    }


def _rows(line: Mapping[str, Any]) -> tuple[Row, ...]:
    rows: tuple[Row, ...] = part("rows", tuple[Mapping[str, int | str], ...], line.get("rows", []))
    if not all(isinstance(row.get("pxname"), str) and isinstance(row.get("svname"), str) for row in rows):
        raise WireError("a row of statistics names no proxy and server (pxname, svname)")
    return rows
