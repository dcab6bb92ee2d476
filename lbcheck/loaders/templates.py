"""Values of an inventory that are templates: Ansible evaluates them, for `ansible-inventory` leaves them as they are.

One play does it, over those hosts alone that have such a value, and by Ansible's own rules of what is trusted: nothing
runs that a playbook with this inventory would not run. Only variables that lbcheck reads are evaluated. Names of hosts,
groups and variables never are, and what Ansible gives back is text, whatever it looks like.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lbcheck import ansible_cli
from lbcheck.model.address import is_address

_OPENS = re.compile(r"\{[{%]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a variable; anything else Ansible could take for an expression
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # that is itself and no pattern of hosts
_OWN_NAME = re.compile(r"\{\{\s*inventory_hostname\s*\}\}")  # the one expression that needs no Ansible
_BEFORE = re.compile(r"^.*(Error while resolving value for 'msg': |The error was: )")  # in Ansible's sentences
_UNSAFE = "__ansible_unsafe"  # how `ansible-inventory --list` marks what must never be evaluated

# Variables of the whole cluster, of which one host is asked for each value that they have.
COMMON = frozenset(
    (
        "cluster_backends",
        "cluster_frontends",
        "cluster_names",
        "cluster_networks",
        "cluster_public_network",
        "cluster_ttl_s",
        "cluster_zone",
        "lbcheck_cacert",
        "lbcheck_identify",
        "lbcheck_identify_balancer",
        "lbcheck_lab",
        "lbcheck_names",
    )
)
# Variables of a host.
OF_A_HOST = frozenset(
    (
        "cluster_addresses",
        "cluster_behind",
        "cluster_binding",
        "cluster_closes_first",
        "cluster_connections",
        "cluster_conntrack_max",
        "cluster_ephemeral_ports",
        "cluster_file_descriptors",
        "cluster_ipv6_share",
        "cluster_listening_ports",
        "cluster_maxconn",
        "cluster_memory_bytes",
        "cluster_nat",
        "cluster_reserved_ports",
        "cluster_server_maxconn",
        "cluster_sources",
        "cluster_tw_reuse",
        "cluster_vips",
        "cluster_weight",
        "cluster_worker_connections",
        "cluster_worker_processes",
        "lbcheck_access_log",
        "lbcheck_haproxy_config",
        "lbcheck_haproxy_log",
        "lbcheck_name",
        "lbcheck_stats",
        "lbcheck_stub_status",
    )
)


class Text(str):
    """Text that is no template, whatever it looks like."""

    __slots__ = ()


class Refused(str):
    """A template that could not be evaluated, and `why`."""

    why: str

    def __new__(cls, template: str, why: str) -> "Refused":
        """Return the template with the reason beside it."""
        made = super().__new__(cls, template)
        made.why = why
        return made


def template_in(value: object) -> str:
    """Return the first template in a value, however deep; empty: there is none."""
    if isinstance(value, str):
        return value if "{" in value and not isinstance(value, Text) and _OPENS.search(value) else ""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if found := template_in(part):
            return found
    return ""


def with_own_name(value: Any, host: str) -> Any:
    """Return a value with the host's own name put in for `{{ inventory_hostname }}`."""
    if isinstance(value, str):
        return value if isinstance(value, Text | Refused) else _OWN_NAME.sub(lambda _: host, value)
    if isinstance(value, Mapping):
        return {key: with_own_name(part, host) for key, part in value.items()}
    return [with_own_name(part, host) for part in value] if isinstance(value, list) else value


def unwrapped(value: Any) -> Any:
    """Return what `ansible-inventory --list` says with texts that are marked as unsafe as such."""
    if isinstance(value, Mapping):
        return Text(value[_UNSAFE]) if set(value) == {_UNSAFE} else {k: unwrapped(part) for k, part in value.items()}
    return [unwrapped(part) for part in value] if isinstance(value, list) else value


def _text(value: Any) -> Any:
    """Return what Ansible has evaluated, all of whose text is text."""
    if isinstance(value, str):
        return Text(value) if _OPENS.search(value) else value
    if isinstance(value, Mapping):
        return {key: _text(part) for key, part in value.items()}
    return [_text(part) for part in value] if isinstance(value, list) else value


Place = tuple[str, str]  # a host, and the name of one of its variables


def evaluate(
    hostvars: Mapping[str, dict[str, Any]], called: Mapping[str, str], hosts: Sequence[str], inventories: Sequence[str]
) -> None:
    """Put their values in place of templates; what cannot be evaluated is `Refused`, to be said if it is asked for.

    `called`: lbcheck's name of a variable → the inventory's, where that differs. `hosts`: those that lbcheck asks for
    variables of a host.
    """
    common = {called.get(name, name) for name in COMMON}
    own = {called.get(name, name) for name in OF_A_HOST}
    wanted = list(_wanted(hostvars, common, own, hosts))
    for (host, name), given in _values(wanted, inventories).items():
        raw = hostvars[host][name]
        value = Refused(template_in(raw), given.why) if isinstance(given, Refused) else _text(given)
        others = [v for v in hostvars.values() if v.get(name) == raw] if name in common else []
        for variables in (hostvars[host], *others):
            variables[name] = value


def _wanted(
    hostvars: Mapping[str, dict[str, Any]], common: set[str], own: set[str], hosts: Sequence[str]
) -> Iterator[Place]:
    """Give what is to be evaluated: each host's own, and each value of the whole cluster on the first that has it."""
    seen: dict[str, list[object]] = {}
    asking = set(hosts)
    # Those that lbcheck asks come first: they have what a value of the whole cluster may need.
    for host in dict.fromkeys((*hosts, *hostvars)):
        for name, value in hostvars[host].items():
            asked = name in common or (name in own and host in asking)
            if not asked or not _NAME.fullmatch(name) or not template_in(with_own_name(value, host)):
                continue
            if name not in common or value not in seen.setdefault(name, []):
                seen.setdefault(name, []).append(value)
                yield host, name


def _values(wanted: Sequence[Place], inventories: Sequence[str]) -> dict[Place, Any]:
    """Return what Ansible says of each; `Refused` where it cannot be asked, or says nothing."""
    found: dict[Place, Any] = dict.fromkeys(wanted, Refused("", "its host's name may be a pattern of Ansible's"))
    able = [place for place in wanted if _HOST.fullmatch(place[0]) or is_address(place[0])]
    if able:
        events, diagnostics = _played(able, inventories)
        found |= dict.fromkeys(able, Refused("", diagnostics))
        found |= {place: value for place, value in _said(events) if place in found}
    return found


def _played(wanted: Sequence[Place], inventories: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Run the play; return its events, and why there is none for a variable."""
    with tempfile.TemporaryDirectory(prefix="lbcheck-") as folder:
        playbook = Path(folder, "evaluate.json")
        playbook.write_text(json.dumps([_play(wanted)]))
        command = ansible_cli.command("ansible-playbook", inventories, str(playbook))
        environment = ansible_cli.environment(inventories, **ansible_cli.EVENTS)
        try:
            done = ansible_cli.run(command, environment)
        except FileNotFoundError:
            return [], str(ansible_cli.not_installed("ansible-playbook"))
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return events, ansible_cli.last_words_of(done)


def _said(events: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Place, Any]]:
    """Give each value that Ansible says, or `Refused` with its reason."""
    for event in (event for event in events if event["event"] in ("ok", "failed")):
        value = event.get("said") if event["event"] == "ok" else Refused("", _reason(str(event.get("msg"))))
        yield (event["host"], event["task"]), value


def _play(wanted: Sequence[Place]) -> dict[str, Any]:
    """Return a play that connects to nobody: a task for each variable, over the hosts that have it."""
    where: dict[str, list[str]] = {}
    for host, name in wanted:
        where.setdefault(name, []).append(host)
    tasks = [
        {
            "name": name,
            "ansible.builtin.debug": {"msg": f"{{{{ {name} }}}}"},
            "when": f"inventory_hostname in lbcheck_hosts['{name}']",
            "ignore_errors": True,  # each variable for itself
        }
        for name in where
    ]
    hosts = list(dict.fromkeys(host for host, _ in wanted))
    return {"name": "evaluate", "hosts": hosts, "gather_facts": False, "vars": {"lbcheck_hosts": where}, "tasks": tasks}


def _reason(said: str) -> str:
    """Return what matters of Ansible's sentence: it comes last."""
    return _BEFORE.sub("", " ".join(said.split()))[:300]
