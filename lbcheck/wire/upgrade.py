"""Lines of sample files from before these said their version → lines as they are written now."""

from collections.abc import Mapping, Sequence
from typing import Any

from lbcheck.model.schemes import HAPROXY
from lbcheck.wire.haproxy import Row, backends
from lbcheck.wire.jsonl import WireError, part, to_json

Json = Mapping[str, Any]

_KEPT = ("at", "failure", "seconds", "balancer", "uri", "when")
# A Topology's `cluster` had each thing a second time; these fields of it now stand in the record beside the thing.
_HELD = {
    "clients": ("opening", "connections", "ipv6_share"),
    "frontends": ("ports", "maxconn", "mode"),
    "balancers": ("sources", "opening", "maxconn", "limits"),
    "servers": ("address", "ports", "maxconn", "worker_processes", "worker_connections", "queue", "limits"),
    "nat_gateways": (
        *("mapping", "choice", "reserved", "deterministic", "block_ports", "blocks_by_subscribers"),
        *("per_destination", "most_addresses", "hold_down_s", "conntrack_max"),
    ),
}
_ABOUT = ("lab", "identify", "identify_balancer", "reachable")
_UNNAMED = "servers"  # a backend that nobody had named: of a URL, by which its frontend was called, too
_DROPPED = ("class", *_ABOUT, "longest_gap_s", "cluster")


def question(value: Json) -> Json:
    """Return what a run was about as it is written now; it was a Topology, which held that too."""
    if value.get("class") != "Topology":
        return {**value, "cluster": _unnamed(value["cluster"])} if "cluster" in value else value
    asked = {name: value[name] for name in _ABOUT if name in value}
    if value.get("longest_gap_s") is not None:
        asked |= {"watches_failover": True, "longest_gap_s": value["longest_gap_s"]}
    if value.get("cluster") is not None:
        asked |= {"measures_capacity": True}
    return {"class": "Question", "cluster": _unnamed(_cluster(value, value.get("cluster"))), **asked}


def _unnamed(cluster: Json) -> Json:
    """Return a cluster of one URL without the name that lbcheck gave its backend."""
    named = [one for one in cluster.get("frontends", ()) if one.get("name") == one.get("url")]
    if not any(one.get("backend") == _UNNAMED for one in named):
        return cluster
    return {
        **cluster,
        "frontends": [{**one, "backend": ""} for one in named],
        "backends": [{**one, "name": ""} for one in cluster.get("backends", ())],
    }


def _cluster(topology: Json, model: Json | None) -> Json:
    """Return one cluster of the two: the things, and beside each what the model of capacity knew of it."""
    things = {name: item for name, item in topology.items() if name not in _DROPPED}
    if model is None:
        return things
    return {
        **things,
        "clients": _with_figures("clients", things.get("clients", ()), model.get("clients", ())),
        "nat_gateways": _with_figures("nat_gateways", things.get("nat_gateways", ()), model.get("nats", ())),
        "frontends": _with_figures("frontends", things.get("frontends", ()), model.get("frontends", ())),
        "balancers": _with_figures("balancers", things.get("balancers", ()), model.get("balancers", ())),
        "backends": _backends(things.get("backends", ()), model.get("backends", ())),
        **{name: model[name] for name in ("socket_bytes", "assumed") if name in model},
    }


def _with_figures(kind: str, things: Sequence[Json], figures: Sequence[Json]) -> list[Json]:
    """Return the things, each with the figures of its name; addresses are as the model had them, and it knew NATs."""
    known = {figure["name"]: figure for figure in figures}
    return [_beside(kind, thing, known.get(thing["name"])) for thing in things]


def _beside(kind: str, thing: Json, figures: Json | None) -> Json:
    if figures is None:
        return thing
    held = {name: figures[name] for name in _HELD[kind] if name in figures}
    own = {name: figures[name] for name in ("addresses", "behind", "hosts") if name in figures}
    return {**thing, **own, "holds": held}


def _backends(things: Sequence[Json], models: Sequence[Json]) -> list[Json]:
    known = {model["name"]: model for model in models}
    found: list[Json] = []
    for thing in things:
        model = known.get(thing["name"], {})
        servers = _with_figures("servers", thing.get("servers", ()), model.get("servers", ()))
        found.append({**thing, "servers": servers, "redispatch": model.get("redispatch", False)})
    return found


def sample(line: Any) -> Any:
    """Return a sample as it is written now; a balancer's counters were HAProxy's own rows."""
    if not isinstance(line, dict) or line.get("class") != "HaproxyCounters":
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


def _rows(line: Json) -> tuple[Row, ...]:
    rows: tuple[Row, ...] = part("rows", tuple[Mapping[str, int | str], ...], line.get("rows", []))
    if not all(isinstance(row.get("pxname"), str) and isinstance(row.get("svname"), str) for row in rows):
        raise WireError("a row of statistics names no proxy and server (pxname, svname)")
    return rows
