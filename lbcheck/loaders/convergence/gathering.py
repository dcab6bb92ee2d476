"""Complaints about one inventory, gathered: what is the same of many hosts is said once."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any

from lbcheck.errors import LbcheckError
from lbcheck.loaders import values
from lbcheck.loaders.ansible_inventory import GROUPS
from lbcheck.loaders.reader import InventoryReader

HOSTS_SHOWN = 3  # in one sentence


class Complaints:
    """What was found, and the inventory that it was found in, with the playbooks' defaults."""

    def __init__(self, listing: Mapping[str, Any], where: str) -> None:
        self.where, self.listing = where, listing
        self.reader = InventoryReader(listing, where)
        self.hostvars = self.reader.hostvars
        self._found: dict[str, dict[str, None]] = {}  # sentence → hosts of which it holds; none: of the inventory

    def __bool__(self) -> bool:
        return bool(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def say(self, said: str, host: str = "") -> None:
        """Complain, once of each host."""
        hosts = self._found.setdefault(said, {})
        if host:
            hosts[host] = None

    def attempt(self, what: str, given: object, read: Callable[[object], object], host: str = "") -> None:
        """Complain of a value that cannot be read."""
        try:
            read(given)
        except LbcheckError as error:
            self.say(f"{what}: {error}", host)

    def sentences(self) -> Iterator[str]:
        """Give the complaints, each with its hosts and the inventory."""
        for said, hosts in self._found.items():
            names = ", ".join(f"'{host}'" for host in [*hosts][:HOSTS_SHOWN])
            more = f" and {len(hosts) - HOSTS_SHOWN} more" if len(hosts) > HOSTS_SHOWN else ""
            who = f"host{'s' if len(hosts) > 1 else ''} {names}{more}: " if hosts else ""
            yield f"{who}{said} ({self.where})"

    @cached_property
    def members(self) -> list[str]:
        """The hosts that are converged: those with addresses, and those of the playbooks' groups and of the pools."""
        said = {id(own.get("cluster_backends")): own.get("cluster_backends") for own in self.hostvars.values()}
        pools = {str(pool.get("group")) for given in said.values() for pool in mappings(given)}
        grouped = {host for group in {*GROUPS, *pools} for host in self.hosts(group)}
        return [host for host, own in self.hostvars.items() if "cluster_addresses" in own or host in grouped]

    def hosts(self, group: str) -> list[str]:
        """Return the hosts of a group, and of those below it; none where there is no such group."""
        return self.reader.hosts(group) if group in self.listing and group != "_meta" else []

    def entries(self, variable: str) -> list[Mapping[str, Any]]:
        """Return the entries of a list that is the whole cluster's."""
        said = [own[variable] for host in self.members if variable in (own := self.hostvars[host])]
        if any(other != said[0] for other in said):
            self.say(f"{variable} differs between hosts; it is one of the whole cluster")
        return mappings(said[0]) if said else []


def mappings(given: object) -> list[Mapping[str, Any]]:
    """Return those items of a list that are mappings; none where it is no list."""
    return [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []


@lru_cache(maxsize=1024)  # a slip in a group's variable is one of all of its hosts
def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return the known name that is nearest to one that is not."""
    return get_close_matches(name[: values.SHOWN], known, 1, cutoff=0.0)[0]
