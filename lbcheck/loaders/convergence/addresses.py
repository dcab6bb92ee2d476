"""Complaints about networks, names of hosts, and their addresses: each is in its network, and one host's."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from lbcheck.errors import LbcheckError
from lbcheck.loaders import reference, values
from lbcheck.loaders.convergence.gathering import Complaints
from lbcheck.loaders.values import shown
from lbcheck.model.address import is_address

Prefix = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ADDRESS_LIST = "has to be a list of addresses"
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")  # IFNAMSIZ is 16, with the final NUL
_NO_INTERFACE = ("lo", "all", "default")  # the loopback's; and what the kernel's settings have for every interface
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # of a name (RFC 1123)
HOST_NAME = re.compile(rf"(?=.{{1,64}}$){_LABEL}(\.{_LABEL})*")  # Linux takes 64 characters (HOST_NAME_MAX)


def look(found: Complaints) -> bool:
    """Complain of networks and addresses; return whether every host is where it can be."""
    before = len(found)
    looking = _Addresses(found)
    looking.networks()
    for host in found.members:
        looking.host(host)
    return len(found) == before


class _Addresses:
    """The prefixes of each network, and whose each address is."""

    def __init__(self, found: Complaints) -> None:
        self.found = found
        self.prefixes: dict[str, list[Prefix]] = {}
        self.owners: dict[Address, str] = {}

    def networks(self) -> None:
        """Complain of what cannot be a network, or an interface."""
        declared: Mapping[str, object] = {}
        for host in self.found.members:
            own = self.found.hostvars[host].get("cluster_networks", declared)
            if not isinstance(own, dict) or not own:
                self.found.say(
                    "cluster_networks has to be a mapping of networks to their prefixes, ipv4 and ipv6", host
                )
            elif declared and own != declared:
                self.found.say("cluster_networks is another one than the hosts before it have", host)
            else:
                declared = own
        for name, families in declared.items():
            self.prefixes[name] = list(self._prefixes(name, families))
        public = {reference.public_network(self.found.hostvars[host]) for host in self.found.members}
        if declared and not public <= {*declared}:
            named = "cluster_public_network: names one of them; without it there has to be one called 'public'"
            self.found.say(f"{named} ({', '.join(map(shown, declared))})")

    def _prefixes(self, name: str, families: object) -> Iterator[Prefix]:
        if not _INTERFACE.fullmatch(str(name)) or name in _NO_INTERFACE:
            self.found.say(
                f"cluster_networks: {shown(name)} cannot name an interface: 15 letters, digits, '.', '_' or '-'"
            )
        if not isinstance(families, dict) or not families or not {*families} <= {"ipv4", "ipv6"}:
            self.found.say(f"cluster_networks: {name}: has to say ipv4, ipv6 or both")
            return
        for family, prefix in families.items():
            try:
                network = ipaddress.ip_network(values.text(prefix))
            except (ValueError, LbcheckError) as error:
                self.found.say(f"cluster_networks: {name}: {family}: {error}")
                continue
            if f"ipv{network.version}" != family:
                self.found.say(f"cluster_networks: {name}: {family}: {network} is of IPv{network.version}")
            yield network

    def host(self, host: str) -> None:
        """Complain of a host's name and addresses."""
        own = self.found.hostvars[host]
        if not HOST_NAME.fullmatch(host):
            self.found.say("is no host name: labels of lower case letters, digits and '-', 64 characters in all", host)
        if "cluster_addresses" not in own:
            self.found.say(
                "cluster_addresses is missing: a mapping of each of its networks to its addresses there", host
            )
            return
        networks = own["cluster_addresses"]
        if not isinstance(networks, dict) or not networks:
            self.found.say("cluster_addresses has to be a mapping of its networks to its addresses there", host)
            return
        for network, addresses in networks.items():
            if network not in self.prefixes:
                self.found.say(f"cluster_addresses: {shown(network)} is not one of cluster_networks", host)
            elif not isinstance(addresses, list) or not addresses:
                self.found.say(f"cluster_addresses: {network}: {ADDRESS_LIST}", host)
            else:
                self._placed(host, f"cluster_addresses: {network}", network, addresses)
        public = reference.public_network(own)
        vips, nat = own.get("cluster_vips", []), own.get("cluster_nat", {})
        self._placed(host, "cluster_vips", public, vips if isinstance(vips, list) else [vips])
        outside = nat.get("addresses", []) if isinstance(nat, dict) else []
        self._placed(host, "cluster_nat: addresses", public, outside if isinstance(outside, list) else [outside])

    def _placed(self, host: str, variable: str, network: str, addresses: Iterable[object]) -> None:
        for text in addresses:
            if not isinstance(text, str) or not is_address(text):
                self.found.say(f"{variable}: {shown(text)} is not an address", host)
                continue
            address = ipaddress.ip_address(text)
            if (owner := self.owners.setdefault(address, host)) != host:
                self.found.say(f"{variable}: {address} is an address of host '{owner}', too", host)
            self._inside(host, variable, address, network)

    def _inside(self, host: str, variable: str, address: Address, network: str) -> None:
        prefixes = self.prefixes.get(network, [])
        around = next((prefix for prefix in prefixes if address in prefix), None)
        if around is None:
            which = " and ".join(map(str, prefixes)) or "which has no prefix"
            self.found.say(f"{variable}: {address} lies outside of network {network}, {which}", host)
        elif _no_host(address, around):
            self.found.say(f"{variable}: {address} is the network or broadcast address of {around}", host)


def _no_host(address: Address, prefix: Prefix) -> bool:
    """Return whether an address is its network's own or its broadcast; a /31 has neither (RFC 3021)."""
    ends = (prefix.network_address, prefix.broadcast_address)
    return prefix.version == 4 and prefix.prefixlen < 31 and address in ends
