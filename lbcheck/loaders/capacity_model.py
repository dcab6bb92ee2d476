"""A small YAML file → the model of tuple capacity (docs/capacity.md describes each field).

What nobody says is assumed, and every assumption is a sentence of the model: limits that are not known are no limits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lbcheck.errors import LbcheckError
from lbcheck.loaders.fields import Fields
from lbcheck.model.capacity import (
    LINUX_EPHEMERAL_PORTS,
    SOCKET_BYTES,
    Backend,
    Balancer,
    BindingMode,
    Client,
    Cluster,
    Frontend,
    HostLimits,
    Opening,
    Server,
    Vip,
)
from lbcheck.model.nat import PRESETS, AddressChoice, MappingBehaviour, NatPool

Names = Mapping[str, Mapping[str, str]]  # kind of thing → field → what it is called
LIMITS = (
    "maxconn",
    "file_descriptors",
    "conntrack_max",
    "memory_bytes",
    "worker_connections",
)
ASSUMED = {
    "ports": f"Linux's own range of source ports, {LINUX_EPHEMERAL_PORTS} ({len(LINUX_EPHEMERAL_PORTS):,})",
    "binding": "sockets are not bound before they connect (binding: none)",
    "tw_reuse": "no tcp_tw_reuse",
    "redispatch": "no option redispatch",
    "closes_first": "the side that connects closes first, and keeps TIME_WAIT",
}


def load(path: Path) -> Cluster:
    """Read a file; LbcheckError names the file and the field that is wrong."""
    import yaml  # noqa: PLC0415 (an inventory becomes the same model without it)

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise LbcheckError(f"{path} is no text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise LbcheckError(f"{path}{line}: no YAML: {getattr(error, 'problem', error)}") from None
    return read(document, str(path))


def read(document: object, where: str, names: Names | None = None) -> Cluster:
    """Return the model in a document; `names` say what fields are called where they were really written."""
    fields, names = Fields(document, where), names or {}
    silence = _Silence()
    openings: dict[Opening, Opening] = {}  # hosts alike share one: the arithmetic tells them apart by it
    cluster: dict[str, Any] = {
        "clients": tuple(
            c
            for s in fields.sections("clients", "client", names.get("clients"))
            for c in _clients(s, silence, openings)
        ),
        "nats": tuple(_nat(section) for section in fields.sections("nats", "NAT", names.get("nats"))),
        "vips": tuple(_vips(fields)),
        "frontends": tuple(
            _frontend(section) for section in fields.sections("frontends", "frontend", names.get("frontends"))
        ),
        "balancers": tuple(
            _balancer(s, silence, openings) for s in fields.sections("balancers", "balancer", names.get("balancers"))
        ),
        "backends": tuple(
            _backend(s, silence, names) for s in fields.sections("backends", "backend", names.get("backends"))
        ),
        "socket_bytes": fields.number("socket_bytes", 1) or SOCKET_BYTES,
    }
    fields.finish()
    if not cluster["frontends"] or not (cluster["vips"] or all(f.addresses for f in cluster["frontends"])):
        raise LbcheckError(f"{where}: there must be frontends, and vips where they answer: else there is no path")
    if not cluster["clients"] and not all(f.backend for f in cluster["frontends"]):
        raise LbcheckError(f"{where}: there must be clients, or a backend behind each frontend: else there is no path")
    try:
        return Cluster(**cluster, assumed=tuple(silence.sentences(cluster)))
    except LbcheckError as error:
        raise LbcheckError(f"{where}: {error}") from None


class _Silence:
    """Counts what nobody said, so that the report can."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    def of(self, kind: str, fields: Fields) -> None:
        """Take note of one thing's silent fields."""
        for name in fields.silent:
            self.counts[name, kind] = self.counts.get((name, kind), 0) + 1

    def _by_who(self, names: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Return whose fields are silent, as words, and which."""
        found: dict[str, list[str]] = {}
        for name in names:
            counts = {kind: n for (field, kind), n in self.counts.items() if field == name}
            who = " and ".join(f"{n:,} {kind if n > 1 else kind.removesuffix('s')}" for kind, n in counts.items())
            if who:
                found.setdefault(who, []).append(name)
        return found

    def sentences(self, cluster: Mapping[str, Any]) -> Iterator[str]:
        """Give a sentence for each assumption, and one for all limits that are not known."""
        for who, silent in self._by_who(ASSUMED).items():
            yield f"assumed for {who}: {'; '.join(ASSUMED[name] for name in silent)}"
        unknown = [f"{', '.join(silent)} of {who}" for who, silent in self._by_who(LIMITS).items()]
        if unknown:
            yield f"not known, so no limit: {'; '.join(unknown)}"
        if not cluster["clients"]:
            yield "no clients are known: what the world can open is no limit"


def _opening(fields: Fields, openings: dict[Opening, Opening], binding: BindingMode = BindingMode.NONE) -> Opening:
    opening = Opening(
        fields.ports("ports", LINUX_EPHEMERAL_PORTS),
        fields.port_ranges("reserved_ports"),
        fields.port_list("listening_ports"),
        fields.choice("binding", binding),
        fields.flag("tw_reuse"),
        fields.flag("closes_first", True),
    )
    return openings.setdefault(opening, opening)


def _limits(fields: Fields) -> HostLimits:
    return HostLimits(fields.number("file_descriptors"), fields.number("conntrack_max"), fields.number("memory_bytes"))


def _clients(fields: Fields, silence: _Silence, openings: dict[Opening, Opening]) -> Iterator[Client]:
    """Give one client, or one for each of `subscribers`: addresses, or only their number."""
    name, addresses = fields.required("name"), fields.addresses("addresses")
    if addresses and fields.has("subscribers"):
        raise fields.fail("subscribers", "addresses are of one host, subscribers of one each: give one of the two")
    only_number = str(fields.given.get("subscribers", "")).replace("_", "").lstrip("-").isdecimal()
    hosts = fields.number("subscribers", 1) if only_number else 1
    each = () if only_number else fields.addresses("subscribers")
    opening, behind = _opening(fields, openings), fields.text("behind")
    wanted, share = fields.number("connections"), fields.share("ipv6_share")
    fields.finish()
    silence.of("clients", fields)
    if each:
        yield from (Client(f"{name} {a}", (a,), opening, 1, behind, wanted, share) for a in each)
    else:
        yield Client(name, addresses, opening, hosts or 1, behind, wanted, share)


def _nat(fields: Fields) -> NatPool:
    """Return a pool: what its preset says, and over it what the file says."""
    preset = fields.text("preset")
    if preset and preset not in PRESETS:
        raise fields.fail("preset", f"'{preset}' is not one of {', '.join(PRESETS)}")
    settings = dict(PRESETS[preset].settings) if preset else {}
    pool = settings | {
        "name": fields.required("name"),
        "addresses": fields.addresses("addresses"),
        "ports": fields.ports("ports", settings.get("ports", NatPool.ports)),
        "reserved": fields.port_ranges("reserved_ports"),
        "mapping": fields.choice("mapping", settings.get("mapping", MappingBehaviour.ADDRESS_AND_PORT_DEPENDENT)),
        "choice": fields.choice("choice", settings.get("choice", AddressChoice.LINUX_HASH)),
        "hold_down_s": float(fields.number("hold_down_s") or 0),
        "conntrack_max": fields.number("conntrack_max"),
        "preset": preset,
    }
    if fields.given.get("block_ports") == "deterministic":
        pool |= {"deterministic": bool(fields.has("block_ports")), "block_ports": None}
    else:
        pool["block_ports"] = fields.number("block_ports", 1, 65535) or settings.get("block_ports")
    pool["per_destination"] = fields.number("per_destination", 1, 65535) or settings.get("per_destination")
    fields.finish()
    try:
        return NatPool(**pool)
    except LbcheckError as error:
        raise LbcheckError(f"{fields.where}: {str(error).partition(': ')[2]}") from None


def _vips(fields: Fields) -> Iterator[Vip]:
    """Give the VIPs: an address alone, or an address and its home."""
    given = fields.given.get("vips") or []
    fields.known.append("vips")
    if not isinstance(given, list):
        raise fields.fail("vips", "has to be a list")
    for item in given:
        section = Fields(
            item if isinstance(item, Mapping) else {"address": item}, f"{fields.where}: vips", fields.names
        )
        section.required("address")
        yield from (Vip(address, section.text("home")) for address in section.addresses("address"))
        section.finish()


def _frontend(fields: Fields) -> Frontend:
    frontend = Frontend(
        fields.required("name"),
        fields.port_list("ports", (80,)),
        fields.text("backend"),
        fields.addresses("addresses"),
        fields.number("maxconn"),
        fields.text("mode", "http"),
    )
    fields.finish()
    return frontend


def _balancer(fields: Fields, silence: _Silence, openings: dict[Opening, Opening]) -> Balancer:
    name, sources = fields.required("name"), fields.addresses("sources")
    # A source has to be named on the server line, and HAProxy then binds to it with IP_BIND_ADDRESS_NO_PORT.
    opening = _opening(fields, openings, BindingMode.NO_PORT if sources else BindingMode.NONE)
    if sources and "binding" in fields.silent:
        fields.silent.remove("binding")
    balancer = Balancer(name, sources, opening, fields.number("maxconn"), _limits(fields))
    fields.finish()
    silence.of("balancers", fields)
    return balancer


def _backend(fields: Fields, silence: _Silence, names: Names) -> Backend:
    name = fields.required("name")
    servers = tuple(_server(section, silence) for section in fields.sections("servers", "server", names.get("servers")))
    backend = Backend(name, servers, fields.flag("redispatch"))
    fields.finish()
    if not servers:
        raise fields.fail("servers", "a backend needs at least one")
    silence.of("backends", fields)
    return backend


def _server(fields: Fields, silence: _Silence) -> Server:
    addresses, weight = fields.addresses("address"), fields.number("weight", 0, 256)
    server = Server(
        fields.required("name"),
        addresses[0] if addresses else "",
        fields.port_list("ports", (80,)),
        1 if weight is None else weight,
        fields.number("maxconn"),
        fields.number("worker_processes", 1),
        fields.number("worker_connections", 1),
        fields.number("queue"),
        _limits(fields),
    )
    fields.finish()
    silence.of("servers", fields)
    return server
