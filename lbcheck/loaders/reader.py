"""An inventory's listing, asked by the names that lbcheck uses, through the fleet's own names for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.loaders import templates
from lbcheck.model.address import is_address, normal
from lbcheck.model.login import refuse_password


class InventoryReader:
    """What `ansible-inventory --list` gave; `notes` gathers what is odd about it."""

    def __init__(self, listing: Mapping[str, Any], where: str) -> None:
        self.listing, self.where = listing, where
        # A host without variables stands in its groups only.
        members = [host for body in listing.values() if isinstance(body, dict) for host in body.get("hosts", ())]
        known: Mapping[str, dict[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
        self.hostvars: Mapping[str, dict[str, Any]] = {host: known.get(host, {}) for host in (*known, *members)}
        self.groups: Mapping[str, str | list[str]] = self._mapping("lbcheck_groups")
        self.vars: Mapping[str, str] = self._mapping("lbcheck_vars")
        self.notes: list[str] = list(listing.get("_meta", {}).get("passed_over", ()))

    def _mapping(self, name: str) -> dict[str, Any]:
        found: Any = next((v[name] for v in self.hostvars.values() if name in v), {})
        if template := templates.template_in(found):
            raise self.fail(f"{name} has a template ('{template}'), and names are never evaluated: write the name")
        if not isinstance(found, dict):
            raise InventoryError(f"{name} is no mapping ({self.where})")
        return found

    def fail(self, sentence: str) -> InventoryError:
        """Return the error that says so of this inventory."""
        return InventoryError(f"{sentence} ({self.where})")

    def hosts(self, group: str) -> list[str]:
        """Return the hosts of one of lbcheck's groups, children included, each once."""
        named = self.groups.get(group, group)
        names = [named] if isinstance(named, str) else named
        for name in names:
            if name not in self.listing and group in self.groups:
                raise self.fail(f"lbcheck_groups maps {group} to '{name}', a group that the inventory does not have")
        found = self._members(names)
        if not found and any(name in self.listing for name in names):
            self.notes.append(f"group {names[0]} has no hosts")
        return found

    def _members(self, groups: Sequence[str]) -> list[str]:
        """Return the hosts of some groups and of all below them, each once: a group's own before its children's.

        Each group is entered once, however many ways lead to it.
        """
        found: dict[str, None] = {}
        seen: set[str] = set()
        ahead = [*reversed(groups)]
        while ahead:
            group = ahead.pop()
            if group not in seen:
                seen.add(group)
                body = self.listing.get(group, {})
                found |= dict.fromkeys(body.get("hosts", ()))
                ahead += reversed(body.get("children", ()))
        return list(found)

    def var(self, host: str, name: str, default: Any = None) -> Any:
        """Return a variable of one host."""
        key = self.vars.get(name, name)
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
        raise self.fail(f"host '{host}': {key} '{template}' {why}; write the value")

    def common(self, name: str, default: Any) -> Any:
        """Return a variable of the whole cluster: any host that has it says it."""
        key = self.vars.get(name, name)
        found = {host: v[key] for host, v in self.hostvars.items() if key in v}
        if not found:
            return default
        self._refuse_passwords(key, list(found.values()))
        first, value = next(iter(found.items()))
        if any(other != value for other in found.values()):
            self.notes.append(f"{key} differs between hosts; the first host's is used")
        return self._plain(first, name, key, value)

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

    def addresses(self, host: str, network: str = "") -> tuple[str, ...]:
        """Return a host's addresses: cluster_addresses, a list or by network, else where Ansible reaches it."""
        given = self.var(host, "cluster_addresses")
        if isinstance(given, dict):
            chosen = given.get(network, ()) if network else [a for group in given.values() for a in group]
        elif given is None:
            reached = (self.var(host, "ansible_host"), self.var(host, "ansible_ssh_host"), host)
            chosen = [name for name in reached if isinstance(name, str) and is_address(name)][:1]
        else:
            chosen = [given] if isinstance(given, str) else given
        for address in chosen:
            if not is_address(address):
                raise self.fail(f"host '{host}': '{address}' in cluster_addresses is not an IP address")
        return tuple(map(normal, chosen))

    def strings(self, host: str, name: str) -> tuple[str, ...]:
        """Return a variable that is a string or a list of them."""
        given = self.var(host, name, ())
        return (given,) if isinstance(given, str) else tuple(str(item) for item in given)

    def specs(self, name: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return a list of mappings, each with the fields that it must have."""
        specs = self.common(name, [])
        if not isinstance(specs, list):
            raise self.fail(f"{name} is no list")
        for spec in specs:
            missing = [field for field in fields if not isinstance(spec, dict) or field not in spec]
            if missing:
                raise self.fail(f"an entry of {name} has no '{missing[0]}': {spec}")
        return specs


def known(value: object) -> Any:
    """Return a variable's value; None where it is a template or `auto`, for only the host can tell."""
    return None if value == "auto" or "{{" in str(value) else value
