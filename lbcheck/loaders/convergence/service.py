"""Complaints about what is served: frontends, backends, names, and who listens on which port."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.loaders import reference, values
from lbcheck.loaders.convergence.addresses import HOST_NAME
from lbcheck.loaders.convergence.gathering import Complaints
from lbcheck.loaders.values import shown
from lbcheck.model.address import URL_PORTS
from lbcheck.model.url import taken_apart

HEAVIEST = 256  # of a server at HAProxy
DNS_PORT, REDIRECTING_PORT, TLS_PORT = 53, 80, 443
_SECTION = re.compile(r"[A-Za-z0-9_.:-]+")  # the names that HAProxy takes
_HEADER = r"header:[A-Za-z0-9-]+"
_STATUS_PAGE = r"http://127\.0\.0\.1:[0-9]{1,5}/stub_status"
# What the playbooks make of a variable: by which group, its form, and the same in words.
WORDING = (
    ("load_balancers", "lbcheck_stats", r"unix:/\S+", "unix:/PATH, the socket that HAProxy makes"),
    ("load_balancers", "lbcheck_identify_balancer", _HEADER, "header:NAME"),
    ("backends", "lbcheck_identify", _HEADER, "header:NAME"),
    ("backends", "lbcheck_access_log", r"/\S+", "/PATH"),
    ("backends", "lbcheck_stub_status", _STATUS_PAGE, "http://127.0.0.1:PORT/stub_status"),
)


def groups(found: Complaints) -> None:
    """Complain of a balancer that is missing, and of two daemons that want one port."""
    if not found.hosts("load_balancers"):
        found.say("group load_balancers has no hosts: nobody would balance")
    for host in sorted({*found.hosts("dns_servers")} & {*found.hosts("resolvers")}):
        found.say(f"is in dns_servers and in resolvers: NSD and Unbound cannot both have port {DNS_PORT}", host)


def wording(found: Complaints) -> None:
    """Complain of what lbcheck may be told elsewhere, and the playbooks cannot do."""
    for group, name, form, words in WORDING:
        for host in found.hosts(group):
            value = found.hostvars[host].get(name)
            if not isinstance(value, str) or not re.fullmatch(form, value):
                found.say(f"{name}: {shown(value)} is not of the form {words}", host)


def frontends(found: Complaints) -> None:
    """Complain of what cannot be published."""
    published, balanced = found.entries("cluster_frontends"), found.entries("cluster_backends")
    modes = {backend.get("name"): backend.get("mode") for backend in balanced}
    for frontend in published:
        name, url = str(frontend.get("name")), _parsed(frontend.get("url"))
        what = f"cluster_frontends: {shown(name)}"
        if not _SECTION.fullmatch(name):
            found.say(f"{what}: HAProxy takes letters, digits and '_.:-' in a name")
        if url is None:
            found.say(f"{what}: url: {shown(frontend.get('url'))} is no http, https or tcp://HOST:PORT URL")
            continue
        if url.scheme == "https" and "certificate" not in frontend:
            found.say(f"{what}: certificate is missing: an https URL needs a PEM file on the balancers")
        if values.flag(frontend.get("redirect", False)) and (url.scheme, _port(url)) != ("https", TLS_PORT):
            found.say(f"{what}: redirect: only an https URL of port {TLS_PORT} can be redirected to")
        mode, backend = "tcp" if url.scheme == "tcp" else "http", frontend.get("backend")
        if backend not in modes:
            found.say(f"{what}: backend: {shown(backend)} is not in cluster_backends")
        elif modes[backend] != mode:
            found.say(f"{what}: backend: {shown(backend)} has mode {modes[backend]}, and this URL is {mode}")
    _once(found, "cluster_frontends", published)


def _once(found: Complaints, variable: str, entries: Sequence[Mapping[str, Any]]) -> None:
    for name, number in Counter(str(entry.get("name")) for entry in entries).items():
        if number > 1:
            found.say(f"{variable}: {shown(name)} is there twice")


def backends(found: Complaints) -> None:
    """Complain of what cannot be balanced."""
    pools = found.entries("cluster_backends")
    for backend in pools:
        name, hosts = str(backend.get("name")), found.hosts(str(backend["group"]))
        what = f"cluster_backends: {shown(name)}"
        if not _SECTION.fullmatch(name):
            found.say(f"{what}: HAProxy takes letters, digits and '_.:-' in a name")
        if not hosts:
            found.say(f"{what}: group: {shown(backend['group'])} has no hosts")
        if backend["mode"] not in ("http", "tcp"):
            found.say(f"{what}: mode: {shown(backend['mode'])} is neither http nor tcp")
        weights = backend.get("weights", {})
        for host in weights:
            if host not in hosts:
                found.say(f"{what}: weights: {shown(host)} is no host of group {shown(backend['group'])}")
            found.attempt(f"{what}: weights: {host}", weights[host], _weight)
        _check(found, what, backend.get("check", {}))
    _once(found, "cluster_backends", pools)


def _check(found: Complaints, what: str, check: object) -> None:
    if not isinstance(check, dict) or not {*check} <= {"port", "path"}:
        found.say(f"{what}: check: has to be a mapping of port, path or both")
        return
    if "port" in check:
        found.attempt(f"{what}: check: port", check["port"], values.port)
    path = check.get("path", "/")
    if not isinstance(path, str) or not re.fullmatch(r"/[!-~]*", path):
        found.say(f"{what}: check: path: {shown(path)} does not begin with '/', or has spaces")


def names(found: Complaints) -> None:
    """Complain of names that the zone cannot have."""
    entries, frontends = found.entries("cluster_names"), found.entries("cluster_frontends")
    servers = found.hosts("dns_servers")
    if not servers:
        return
    zone = reference.zone(found.hostvars[servers[0]])
    if not zone or not HOST_NAME.fullmatch(zone):
        found.say("cluster_zone is missing, or no name: the zone that the name servers serve")
        return
    wanted = [str(entry.get("name")) for entry in entries] or reference.host_names(list(frontends))
    for name in wanted:
        if name != zone and not name.endswith(f".{zone}"):
            found.say(f"cluster_names: {shown(name)} is not in the zone {zone} (cluster_zone)")
    for entry in entries:
        gives = entry.get("gives", "vips")
        if gives != "vips" and "addresses" not in entry and not found.hosts(str(gives)):
            what = f"cluster_names: {shown(entry.get('name'))}: gives: {shown(gives)}"
            found.say(f"{what} is neither vips nor a group that has hosts")


def ports(found: Complaints) -> None:
    """Complain of what would listen twice on a host: HAProxy, nginx and its health checks."""
    published, pools = found.entries("cluster_frontends"), found.entries("cluster_backends")
    balanced = Counter(port for frontend in published for port in _listened(frontend))
    for port, number in balanced.items():
        if number > 1:
            found.say(f"cluster_frontends: port {port} is of {number} frontends")
    balancers, members = {*found.hosts("load_balancers")}, [{*found.hosts(str(pool["group"]))} for pool in pools]
    for host in found.hosts("backends"):
        served = [pool for pool, hosts in zip(pools, members, strict=True) if host in hosts]
        health = urlsplit(str(found.hostvars[host]["lbcheck_stub_status"])).port
        used = {backend["port"] for backend in served}
        for backend in served:
            if backend["port"] == health:
                what = f"cluster_backends: {shown(backend['name'])}: port {health}"
                found.say(f"{what} is the servers' health port (lbcheck_stub_status)")
        if len({values.flag(backend.get("send_proxy", False)) for backend in served}) > 1:
            found.say(
                "cluster_backends: its pools differ in send_proxy, and nginx expects it on all ports or none", host
            )
        if host in balancers and (both := sorted({*used, health} & {*balanced})):
            found.say(f"is balancer and server: HAProxy and nginx both want port {', '.join(map(str, both))}", host)


def _parsed(url: object) -> SplitResult | None:
    """Return the parts of a URL that can be published; None of anything else."""
    with suppress(LbcheckError):
        return taken_apart(url, (*URL_PORTS, "tcp")) if isinstance(url, str) else None
    return None


def _weight(given: object) -> int:
    return values.number(given, 0, HEAVIEST)


def _port(url: SplitResult) -> int:
    return url.port or URL_PORTS[url.scheme]


def _listened(frontend: Mapping[str, Any]) -> list[int]:
    """Return the ports on which HAProxy listens for a frontend."""
    url = _parsed(frontend.get("url"))
    if url is None:
        return []
    redirected = values.flag(frontend.get("redirect", False))
    return [_port(url), REDIRECTING_PORT] if redirected else [_port(url)]
