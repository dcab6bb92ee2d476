"""Any Ansible inventory → its cluster and how it may be asked.

It is read through `ansible-inventory --list`, the public interface to every format and vault.

A fleet that names its groups or variables otherwise says so in its group_vars:

    lbcheck_groups: {load_balancers: edge, backends: app}
    lbcheck_vars: {cluster_weight: haproxy_weight}
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lbcheck import ansible_cli
from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.loaders import authorities, reference, templates, unparsed, values
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.fields import Fields
from lbcheck.loaders.reader import InventoryReader, known
from lbcheck.loaders.values import shown
from lbcheck.model import login
from lbcheck.model.address import URL_PORTS, is_address, normal
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import (
    HEAVIEST,
    Backend,
    Balancer,
    Client,
    Cluster,
    DnsName,
    Frontend,
    Host,
    NatGateway,
    Server,
    Vip,
)
from lbcheck.model.nat import ALL_PORTS
from lbcheck.model.question import Question
from lbcheck.model.url import refuse_no_name, taken_apart

MOST_BYTES = 100_000_000  # of one file that is no program; 10,000 hosts take a tenth of it
# What a host says that is a client of the cluster.
_OF_CLIENTS = ("cluster_addresses", "cluster_behind", "cluster_connections")

_NO_WEIGHTS: Mapping[str, object] = {}

# Each group, and what its hosts' absence means: it may well be meant.
GROUPS = {
    "dns_servers": "no name servers: no authoritative server is asked",
    "resolvers": "no resolvers: each host asks its own",
    "load_balancers": "no load balancers: no counters are read",
    "backends": "no servers: cluster_backends may name other groups of them",
    "nat_gateways": "no NAT gateways: no client is behind one",
    "clients": "no clients: probes run on this machine",
}
NO_RESOLVERS_IN_A_LAB = "no resolvers, and a lab has no way out to others: neither they nor getaddrinfo are checked"


def load(inventories: Sequence[str], limit: str = "", *, capacity: bool = False) -> Question:
    """Read the inventories, as Ansible would; steps may run on the hosts of the pattern `limit`.

    With `capacity` also what is known of how many connections each thing holds; nobody else needs it, so that a slip in
    there stops nobody else.
    """
    found, where = listing(inventories), ", ".join(inventories)
    question = understand(found, where, _matching(inventories, limit) if limit else None)
    reader = InventoryReader(found, where)
    if name := reader.common("lbcheck_cacert", values.text_or_nothing, ""):
        ca = authorities.read(authorities.beside(inventories, name), said_by="lbcheck_cacert")
        question = replace(question, ca=ca)
    return replace(question, cluster=with_capacity(question.cluster, reader)) if capacity else question


def _matching(inventories: Sequence[str], limit: str) -> list[str]:
    """Return the hosts of a pattern. A second call: Ansible says what matches, and then lists nobody else."""
    hosts = sorted(InventoryReader(_list(inventories, limit), limit).hostvars)
    if not hosts:
        raise InventoryError(f"--limit '{limit}' matches no host of {', '.join(inventories)}")
    return hosts


def listing(inventories: Sequence[str]) -> dict[str, Any]:
    """Return what `ansible-inventory --list` says of inventories that exist, with lbcheck's own templates evaluated.

    Of the reference cluster's inventories, with what its playbooks add.
    """
    return reference.completed(written(inventories))


def written(inventories: Sequence[str]) -> dict[str, Any]:
    """Return the same as it was written, with nothing added."""
    for inventory in inventories:
        if "," not in inventory and (why := _why_not_read(Path(inventory))):
            raise InventoryError(f"inventory '{inventory}' {why}")
    found = _list(inventories)
    reader = InventoryReader(found, ", ".join(inventories))
    templates.evaluate(reader.hostvars, reader.vars, list(_asked_of(reader)), inventories)
    return found


def _why_not_read(path: Path) -> str:
    """Return what Ansible would wait for without end, or would take for an inventory though it is none."""
    if not path.exists():
        return "does not exist"
    if path.is_dir():
        everything = path.resolve() == Path("/")
        return "is the whole file system, and Ansible would run every program in it" if everything else ""
    if not path.is_file():
        return "is neither a file nor a directory; Ansible reads an inventory several times: write it into a file"
    large = path.stat().st_size > MOST_BYTES and not os.access(path, os.X_OK)
    return f"has more than {MOST_BYTES / 1e6:,.0f} MB; Ansible would read it for hours" if large else ""


def _asked_of(reader: InventoryReader) -> Iterator[str]:
    """Give the hosts whose own variables are read; all of them where it takes a template to know."""
    for group in GROUPS:
        yield from reader.hosts(group)
    key = reader.vars.get("cluster_backends", "cluster_backends")
    given = next((variables[key] for variables in reader.hostvars.values() if key in variables), ())
    for spec in given if isinstance(given, list) else ():
        own = spec.get("group") if isinstance(spec, dict) else None
        yield from reader.hosts(own) if isinstance(own, str) and not templates.template_in(own) else ()
    if templates.template_in(given):
        yield from reader.hostvars


def _list(inventories: Sequence[str], limit: str = "") -> dict[str, Any]:
    command = ansible_cli.command("ansible-inventory", inventories, "--list", *(["--limit", limit] if limit else []))
    # A file that cannot be parsed is an error, not an empty inventory with a warning; in a folder Ansible goes on.
    folders = [inventory for inventory in inventories if Path(inventory).is_dir()]
    strict = "ANSIBLE_INVENTORY_UNPARSED_FAILED" if folders else "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"
    environment = ansible_cli.environment(inventories, **{strict: "true"})
    try:
        done = ansible_cli.run(command, environment)
    except FileNotFoundError:
        raise ansible_cli.not_installed("ansible-inventory") from None
    if done.returncode:
        said = unparsed.reasons(done.stderr) or ansible_cli.last_words_of(done)
        raise InventoryError(f"inventory {', '.join(inventories)} cannot be read: {said}")
    try:
        found: dict[str, Any] = templates.unwrapped(json.loads(done.stdout))
    except (ValueError, RecursionError) as error:
        raise InventoryError(f"inventory {', '.join(inventories)}: what ansible-inventory says: {error}") from None
    found.setdefault("_meta", {})["passed_over"] = list(_passed_over(done.stderr, inventories))
    return found


def _passed_over(warnings: str, inventories: Sequence[str]) -> Iterator[str]:
    """Give a sentence for each file of a folder that Ansible could not parse; InventoryError if it was named itself."""
    words = "".join(warnings.split())  # Ansible breaks lines within paths
    for inventory in inventories:
        source = "".join(os.path.normpath(Path(inventory).absolute()).split())
        if f"Unabletoparse{source}asaninventorysource" in words:
            said = unparsed.reasons(warnings) or ansible_cli.last_words(warnings)
            raise InventoryError(f"inventory {inventory} cannot be read: {said}")
        names = re.findall(rf"Unabletoparse{re.escape(source)}/(.+?)asaninventorysource", words)
        files = (name for name in names if not Path(inventory, name).is_dir())
        yield from (f"Ansible could not parse {name} in {inventory}, and passed over it" for name in files)


def understand(listing: Mapping[str, Any], where: str, reachable: Sequence[str] | None = None) -> Question:
    """Return what may be asked of the cluster in an `ansible-inventory --list`; `where` names it in sentences."""
    reader = InventoryReader(listing, where)
    if not reader.hostvars:
        raise reader.fail("the inventory has no hosts")
    service = _service(reader)
    lab = reader.flag("lbcheck_lab")
    cluster = _with_surroundings(reader, service)
    identify = reader.common("lbcheck_identify", values.text_or_nothing, Question.identify)
    identify_balancer = reader.common("lbcheck_identify_balancer", values.text_or_nothing, Question.identify_balancer)
    names = _server_names(reader, cluster)
    _refuse_contradictions(reader, cluster)
    return Question(
        cluster=replace(cluster, notes=tuple(_notes(reader, cluster, lab))),
        lab=lab,
        identify=identify,
        identify_balancer=identify_balancer,
        reachable=tuple(reader.hostvars if reachable is None else reachable),
        asked=Asked(names=names),
    )


def _server_names(reader: InventoryReader, cluster: Cluster) -> dict[str, str]:
    """Return a server's name at the balancers → its name in answers: lbcheck_names, and lbcheck_name of each host."""
    found = reader.common("lbcheck_names", _names_by_name, dict[str, str]())
    for host in dict.fromkeys(server.name for backend in cluster.backends for server in backend.servers):
        for name in reader.strings(host, "lbcheck_name"):
            found.setdefault(name, host)
    return found


def _names_by_name(given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise LbcheckError(f"{shown(given)} is no mapping of the balancer's names to those in answers")
    return {values.text(name): values.text(known) for name, known in given.items()}


def _service(reader: InventoryReader) -> Cluster:
    """Return what is balanced: where it is published, by whom, and among whom."""
    balancers = tuple(_balancer(reader, host) for host in reader.hosts("load_balancers"))
    vips = tuple(_homes(reader))
    backends = tuple(_backend(reader, entry) for entry in reader.entries("cluster_backends", ("name",)))
    frontends = _frontends(reader, vips)
    return Cluster(balancers=balancers, backends=backends, frontends=frontends, vips=vips)


def _with_surroundings(reader: InventoryReader, service: Cluster) -> Cluster:
    """Return the cluster: who gives the service's names, who asks for it, and what is in between."""
    return replace(
        service,
        dns_servers=_plain(reader, "dns_servers"),
        resolvers=_plain(reader, "resolvers"),
        names=_names(reader, service),
        nat_gateways=tuple(_nat(reader, host) for host in reader.hosts("nat_gateways")),
        clients=tuple(_clients(reader)),
    )


def _plain(reader: InventoryReader, group: str) -> tuple[Host, ...]:
    """Return the hosts of a group; the reference cluster's listen where they are published, and nowhere else."""
    addresses = reader.published if reader.is_reference else reader.addresses
    return tuple(Host(name, addresses(name)) for name in reader.hosts(group))


def _clients(reader: InventoryReader) -> Iterator[Client]:
    networks = dict(_networks_behind(reader))
    for host in reader.hosts("clients") if _probes_asked(reader) else ():
        said = known(reader.text(host, "cluster_behind")) if reader.has(host, "cluster_behind") else None
        yield Client(host, reader.addresses(host), _behind(reader, host, networks) if said is None else said)


def _probes_asked(reader: InventoryReader) -> bool:
    """Return whether the group of clients is meant for probes: others have a group of that name, too (Ceph's clients).

    It is where lbcheck_groups names it, where its hosts speak of their part in the cluster, and where the inventory has
    lbcheck's names for its groups, as they are.
    """
    if "clients" in reader.groups or any(
        reader.has(host, name) for host in reader.hosts("clients") for name in _OF_CLIENTS
    ):
        return True
    others = {*reader.listing} - {"_meta", "all", "ungrouped", "clients"}
    return not reader.groups and (not others or any(group in others for group in GROUPS))


def _networks_behind(reader: InventoryReader) -> Iterator[tuple[str, str]]:
    """Give each network that a NAT gateway has an inside in, and the gateway; of two the first."""
    for gateway in reversed(reader.hosts("nat_gateways")):
        public = reader.public(gateway)
        yield from ((name, gateway) for name in reader.networks(gateway) or () if name != public)


def _behind(reader: InventoryReader, host: str, gateways: Mapping[str, str]) -> str:
    """Return the gateway of a client that has no public address itself, but one in a gateway's network."""
    networks = reader.networks(host)
    if networks is None or reader.public(host) in networks:
        return ""
    return next((gateways[name] for name in networks if name in gateways), "")


def _balancer(reader: InventoryReader, host: str) -> Balancer:
    stats, configuration = (reader.strings(host, name) for name in ("lbcheck_stats", "lbcheck_haproxy_config"))
    try:
        return Balancer(host, reader.addresses(host), stats, reader.text(host, "lbcheck_haproxy_log"), configuration)
    except LbcheckError as error:  # of its statistics
        raise reader.fail(f"host '{host}': {reader.called('lbcheck_stats')}: {error}") from None


def _homes(reader: InventoryReader) -> Iterator[Vip]:
    """Give each VIP with the balancer that says it; what several say is theirs together, and at home on none of them.

    keepalived's usual form is one variable of the group, and each address then moves between all of its hosts.
    """
    said: dict[str, list[str]] = {}
    for host in reader.hosts("load_balancers"):
        for vip in dict.fromkeys(filter(None, reader.address_list(host, "cluster_vips", values.vip))):
            said.setdefault(vip, []).append(host)
    yield from (Vip(vip, hosts[0] if len(hosts) == 1 else "") for vip, hosts in said.items())


def _backend(reader: InventoryReader, entry: Fields) -> Backend:
    name, group = entry.required("name"), entry.text("group", "backends")
    hosts = reader.hosts(group)
    if not hosts:
        raise entry.fail("group", f"its group '{group}' has no hosts")
    weights = _weights(entry, hosts)
    servers = tuple(_server(reader, host, weights.get(host)) for host in hosts)
    given = bool(weights) or any(reader.has(host, "cluster_weight") for host in hosts)
    return Backend(name, entry.text("algorithm"), servers, entry.text("mode"), weights_given=given)


def _weights(entry: Fields, hosts: Sequence[str]) -> dict[str, int]:
    """Return the weights that a backend gives its servers over their own: a host of two backends may have two."""
    given = entry.read("weights", values.mapping, _NO_WEIGHTS)
    weights = Fields(given, f"{entry.where}: weights", error=entry.error)
    if strange := [name for name in given if name not in hosts]:
        raise entry.fail("weights", f"{shown(strange[0])} is no server of this backend")
    return {host: found for host in given if (found := weights.number(host, 0, HEAVIEST)) is not None}


def _server(reader: InventoryReader, host: str, weight: int | None) -> Server:
    own = reader.read(host, "cluster_weight", lambda given: values.number(given, 0, HEAVIEST), 1)
    log, status = (reader.text(host, name) for name in ("lbcheck_access_log", "lbcheck_stub_status"))
    return Server(host, own if weight is None else weight, reader.published(host), log, status)


def _frontends(reader: InventoryReader, vips: tuple[Vip, ...]) -> tuple[Frontend, ...]:
    """Return the frontends; without VIPs, they answer where their name leads, which is asked.

    The reference cluster's names lead to the balancers' own addresses then.
    """
    published = tuple(vip.address for vip in vips)
    if reader.is_reference and not published:
        published = tuple(a for host in reader.hosts("load_balancers") for a in reader.published(host))
    found = []
    for entry in reader.entries("cluster_frontends", ("name", "url", "backend")):
        name, url, backend = (entry.required(field) for field in ("name", "url", "backend"))
        host = _host(entry, url)
        own = (normal(host),) if is_address(host) else published
        found.append(Frontend(name, url, backend, entry.addresses("addresses", own)))
    return tuple(found)


def _host(entry: Fields, url: str) -> str:
    """Return the host of a frontend's URL."""
    try:
        return taken_apart(url, (*URL_PORTS, "tcp")).hostname or ""
    except LbcheckError as error:
        raise entry.fail("url", f"{shown(login.shown(url))} is no URL: {error}") from None


def _names(reader: InventoryReader, service: Cluster) -> tuple[DnsName, ...]:
    """Return what DNS should give: cluster_names, else each frontend's host name."""
    vips = tuple(vip.address for vip in service.vips)
    if reader.is_reference and not vips:
        vips = tuple(a for host in reader.hosts("load_balancers") for a in reader.published(host))
    groups = {
        "vips": vips,
        # A server of two backends is published once.
        "backends": tuple(
            dict.fromkeys(a for backend in service.backends for s in backend.servers for a in s.addresses)
        ),
    }
    entries = reader.entries("cluster_names", ("name",))
    if not entries:
        hosts = {urlsplit(f.url).hostname or "": f.addresses for f in service.frontends}
        return tuple(DnsName(host, groups["vips"] and found) for host, found in hosts.items() if not is_address(host))
    return tuple(_name(reader, entry, groups) for entry in entries)


def _name(reader: InventoryReader, entry: Fields, groups: Mapping[str, tuple[str, ...]]) -> DnsName:
    name, gives, addresses = entry.required("name"), entry.text("gives", "vips"), entry.addresses("addresses")
    if gives not in groups and not addresses:
        hosts = reader.hosts(gives) if gives in {*reader.groups, *reader.listing} - {"_meta"} else []
        if not hosts:
            raise entry.fail("gives", f"{shown(gives)} is neither: write vips, backends or a group that has hosts")
        addresses = tuple(dict.fromkeys(a for host in hosts for a in reader.published(host)))
    try:
        refuse_no_name(name)
    except LbcheckError as error:
        raise entry.fail("name", str(error)) from None
    return DnsName(name, addresses or groups[gives])


def _nat(reader: InventoryReader, host: str) -> NatGateway:
    fields = reader.fields(host, "cluster_nat")
    addresses, ports = fields.addresses("addresses"), fields.ports("ports", ALL_PORTS)
    return NatGateway(host, addresses or reader.addresses(host), ports)


def _refuse_contradictions(reader: InventoryReader, cluster: Cluster) -> None:
    if wrong := cluster.too_heavy():
        raise reader.fail(wrong)
    backends = {backend.name for backend in cluster.backends}
    for frontend in cluster.frontends:
        if frontend.backend not in backends:
            where = reader.called("cluster_backends")
            raise reader.fail(f"backend '{frontend.backend}' is not in {where}; frontend '{frontend.name}' names it")
    # Hosts that are nobody's here may be anything: a way to others, or the same machine by another name.
    owned = [(a, host) for host in _grouped(reader, cluster) for a in reader.addresses(host)]
    own = {(address, host) for address, host in owned}
    owned += [(v.address, f"{v.home} (VIP)".lstrip()) for v in cluster.vips if (v.address, v.home) not in own]
    twice = [address for address, n in Counter(address for address, _ in owned).items() if n > 1]
    if twice:
        who = " and ".join(host for address, host in owned if address == twice[0])
        raise reader.fail(f"address {twice[0]} is given twice, to {who}")
    for host in _grouped(reader, cluster):
        if not reader.addresses(host) and reader.has(host, "cluster_addresses"):
            raise reader.fail(f"host '{host}' has an empty {reader.called('cluster_addresses')}")


def _grouped(reader: InventoryReader, cluster: Cluster) -> list[str]:
    """Return the hosts that the cluster is made of."""
    hosts = [host for group in GROUPS if group != "clients" for host in reader.hosts(group)]
    hosts += [client.name for client in cluster.clients]
    return list(dict.fromkeys(hosts + [server.name for backend in cluster.backends for server in backend.servers]))


def _notes(reader: InventoryReader, cluster: Cluster, lab: bool) -> Iterator[str]:
    """Give a sentence for each thing that is not there, or was not understood, each once."""
    grouped = _grouped(reader, cluster)
    notes = list(reader.notes)
    if reader.hosts("clients") and not cluster.clients:
        how = "lbcheck_groups: {clients: clients} would ask its hosts to probe"
        notes.append(f"group clients may be meant for something else, and probes run on this machine: {how}")
    notes += [f"host {name} is in none of lbcheck's groups" for name in reader.hostvars if name not in grouped]
    absences = GROUPS | ({"resolvers": NO_RESOLVERS_IN_A_LAB} if lab else {})
    notes += [
        f"{absence} (group {', '.join(reader.groups.get(group, (group,)))})"
        for group, absence in absences.items()
        if not reader.hosts(group)
    ]
    without = [s for s in (*cluster.dns_servers, *cluster.resolvers) if not s.addresses]
    notes += [f"host {host.name} has no address: set cluster_addresses or ansible_host" for host in without]
    if not cluster.frontends:
        notes.append(f"no {reader.called('cluster_frontends')}: spread cannot be checked")
    yield from dict.fromkeys(notes)
