"""An inventory's listing, asked by the names that lbcheck uses, through the fleet's own names for them.

What is wrong is said of a host and a variable, by the name that the fleet has for it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.loaders import reference, templates, values
from lbcheck.loaders.fields import Fields
from lbcheck.loaders.groups import members
from lbcheck.loaders.values import shown
from lbcheck.model.address import is_address
from lbcheck.model.login import refuse_password

Read = TypeVar("Read")


class InventoryReader:
    """What `ansible-inventory --list` gave; `notes` gathers what is odd about it."""

    def __init__(self, listing: Mapping[str, Any], where: str) -> None:
        self.listing, self.where = listing, where
        # A host without variables stands in its groups only.
        members = [host for body in listing.values() if isinstance(body, dict) for host in body.get("hosts", ())]
        known: Mapping[str, dict[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
        self.hostvars: Mapping[str, dict[str, Any]] = {host: known.get(host, {}) for host in (*known, *members)}
        self.vars: Mapping[str, str] = {}
        self.vars = self._names("lbcheck_vars", values.text)
        self.groups: Mapping[str, tuple[str, ...]] = self._names("lbcheck_groups", values.each(values.text))
        self.notes: list[str] = list(listing.get("_meta", {}).get("passed_over", ()))
        self.is_reference = reference.spoken(self.hostvars)

    def _names(self, variable: str, read: Callable[[object], Read]) -> dict[str, Read]:
        """Return what the fleet calls each thing that lbcheck has a word for."""
        host = next((host for host, said in self.hostvars.items() if variable in said), "")
        given = self.hostvars.get(host, {}).get(variable, {})
        if template := templates.template_in(given):
            never = "and names are never evaluated: write the name"
            raise self.fail(f"{variable} has a template ({shown(template)}), {never}")
        if given is not None and not isinstance(given, dict):
            raise self.fail(f"host '{host}': {variable} is no mapping of lbcheck's words to yours: {shown(given)}")
        fields = self.fields(host, variable)
        return {word: name for word in fields.given if (name := fields.read(word, read, None))}

    def fail(self, sentence: str) -> InventoryError:
        """Return the error that says so of this inventory."""
        return InventoryError(f"{sentence} ({self.where})")

    def hosts(self, group: str) -> list[str]:
        """Return the hosts of one of lbcheck's groups, children included, each once."""
        names = self.groups.get(group, (group,))
        for name in names:
            if name not in self.listing and group in self.groups:
                raise self.fail(
                    f"lbcheck_groups maps {group} to {shown(name)}, a group that the inventory does not have"
                )
        found = members(self.listing, names)
        if not found and any(name in self.listing for name in names):
            self.notes.append(f"group {names[0]} has no hosts")
        return found

    def called(self, name: str) -> str:
        """Return what the fleet calls a variable."""
        return self.vars.get(name, name)

    def var(self, host: str, name: str, default: Any = None) -> Any:
        """Return a variable of one host as it was written, or as Ansible evaluated it."""
        key = self.called(name)
        value = self.hostvars.get(host, {}).get(key, default)
        self._refuse_passwords(f"host '{host}': {key}", value)
        return self._plain(host, name, key, value)

    def _plain(self, host: str, name: str, key: str, value: Any) -> Any:
        """Return the value of one of lbcheck's variables; InventoryError if it is a template that nobody evaluated."""
        # A role's variable may be a template: then nothing is known of it.
        if not isinstance(value, str | list | dict) or not name.startswith(("cluster_", "lbcheck_")):
            return value
        if not templates.template_in(value):
            return value
        value = templates.with_own_name(value, host)
        if not (template := templates.template_in(value)):
            return value
        why = f"cannot be evaluated: {template.why}" if isinstance(template, templates.Refused) else "is a template"
        raise self.fail(f"host '{host}': {key} {shown(template)} {why}; write the value")

    def _refuse_passwords(self, key: str, value: object) -> None:
        """Raise InventoryError if any text of a variable's value is a URL with a password."""
        if isinstance(value, str):
            try:
                refuse_password(value)
            except LbcheckError as error:
                raise self.fail(f"{key}: {error}") from None
        elif isinstance(value, Mapping | list):
            for part in value.values() if isinstance(value, Mapping) else value:
                self._refuse_passwords(key, part)

    def has(self, host: str, name: str) -> bool:
        """Return whether a host has a variable."""
        return self.called(name) in self.hostvars.get(host, {})

    def read(self, host: str, name: str, read: Callable[[object], Read], default: Read) -> Read:
        """Return a variable of one host as one of the types of values.py."""
        if not self.has(host, name):
            return default
        given = self.var(host, name)
        if given is None:
            raise self.fail(f"host '{host}': {self.called(name)} {values.NULL}")
        try:
            return read(given)
        except LbcheckError as error:
            raise self.fail(f"host '{host}': {self.called(name)} {error}") from None

    def text(self, host: str, name: str) -> str:
        """Return a text; empty where it is not there."""
        return self.read(host, name, values.text_or_nothing, "")

    def fields(self, host: str, name: str) -> Fields:
        """Return a variable that is a mapping, to be read field by field."""
        nothing: Mapping[str, object] = {}
        given = self.read(host, name, values.mapping, nothing)
        return Fields(given, f"host '{host}': {self.called(name)}", error=self.fail)

    def strings(self, host: str, name: str) -> tuple[str, ...]:
        """Return a variable that is a text or a list of them."""
        return self.read(host, name, values.each(values.text), ())

    def _saying(self, name: str) -> list[str]:
        """Return the hosts that have a variable of the whole cluster; if they differ, that is noted."""
        key = self.called(name)
        found = {host: variables[key] for host, variables in self.hostvars.items() if key in variables}
        self._refuse_passwords(key, list(found.values()))
        first = next(iter(found.values()), None)
        if any(value != first for value in found.values()):
            self.notes.append(f"{key} differs between hosts; the first host's is used")
        return list(found)

    def common(self, name: str, read: Callable[[object], Read], default: Read) -> Read:
        """Return a variable of the whole cluster: any host that has it says it."""
        return next((self.read(host, name, read, default) for host in self._saying(name)), default)

    def flag(self, name: str) -> bool:
        """Return a flag of the whole cluster: true where a host says so, and no other denies it."""
        said = [self.read(host, name, values.flag, False) for host in self.hostvars if self.has(host, name)]
        if len(set(said)) > 1:
            self.notes.append(f"{self.called(name)} differs between hosts; it is taken as false")
        return bool(said) and all(said)

    def addresses(self, host: str, network: str = "") -> tuple[str, ...]:
        """Return a host's addresses: cluster_addresses, a list or by network, else where Ansible reaches it."""
        if not self.has(host, "cluster_addresses"):
            reached = (self.var(host, "ansible_host"), self.var(host, "ansible_ssh_host"), host)
            return tuple(values.address(name) for name in reached if isinstance(name, str) and is_address(name))[:1]
        networks = self.networks(host)
        if networks is None:
            return self.address_list(host, "cluster_addresses")
        return tuple(address for name, those in networks.items() if network in ("", name) for address in those)

    def public(self, host: str) -> str:
        """Return the network in which a host is reached from outside."""
        return reference.public_network(self.hostvars.get(host, {}))

    def published(self, host: str) -> tuple[str, ...]:
        """Return a host's addresses in the public network; all where it has none there."""
        return self.addresses(host, self.public(host)) or self.addresses(host)

    def inner(self, hosts: Iterable[str]) -> str:
        """Return the network by which balancers reach servers, of these hosts: `backend` in a fleet of another kind."""
        if not self.is_reference:
            return "backend"
        members = list(hosts)
        return (
            reference.inner_network(self.public(members[0]), (self.networks(host) or {} for host in members))
            if members
            else ""
        )

    def networks(self, host: str) -> Mapping[str, tuple[str, ...]] | None:
        """Return a host's addresses by network; None where it has no addresses, or only a list."""
        if not isinstance(self.var(host, "cluster_addresses"), dict):
            return None
        fields = self.fields(host, "cluster_addresses")
        return {network: fields.read(network, values.each(values.address), ()) for network in fields.given}

    def address_list(self, host: str, name: str, read: Callable[[object], str] = values.address) -> tuple[str, ...]:
        """Return a variable that is an address or a list of them."""
        found = []
        for item in self.read(host, name, values.items, list[object]()):
            try:
                found.append(read(item))
            except LbcheckError:
                where = self.called(name)
                raise self.fail(f"host '{host}': {shown(item)} in {where} is not an IP address") from None
        return tuple(found)

    def entries(self, name: str, needed: tuple[str, ...]) -> list[Fields]:
        """Return a list of mappings of the whole cluster, each with the fields that it must have."""
        host = next(iter(self._saying(name)), "")
        entries = []
        for place, given in enumerate(self.read(host, name, _list, list[object]()), 1):
            said = given if isinstance(given, dict) else {}
            if missing := [field for field in needed if field not in said]:
                raise self.fail(f"host '{host}': an entry of {self.called(name)} has no '{missing[0]}': {shown(given)}")
            where = f"host '{host}': {self.called(name)}: {shown(said.get('name', place))}"
            entries.append(Fields(given, where, error=self.fail))
        return entries


def _list(given: object) -> list[object]:
    if not isinstance(given, list):
        raise LbcheckError(f"{shown(given)} is no list")
    return given


def known(value: object) -> Any:
    """Return a variable's value; None where it is a template or `auto`, for only the host can tell."""
    return None if value == "auto" or "{{" in str(value) else value
