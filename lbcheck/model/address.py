"""Addresses, ports and the 4-tuple."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Self
from urllib.parse import urlsplit

from lbcheck.errors import LbcheckError

Family = Literal[4, 6]  # IPv4 or IPv6
FAMILIES: tuple[Family, Family] = (4, 6)
_PORT = re.compile("[0-9]{1,5}")
URL_PORTS = {"http": 80, "https": 443}  # where a URL names no port (RFC 9110, section 4.2)


def parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Parse an IP address; LbcheckError if the text is none."""
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        raise LbcheckError(f"'{address}' is not an IP address") from None


@lru_cache(maxsize=1 << 17)  # large clusters are walked many times, and parsing would dominate
def family(address: str) -> Family:
    """Return 4 or 6, the IP version of `address`; LbcheckError if it is no IP address."""
    return 4 if parsed(address).version == 4 else 6


def of_family(addresses: Iterable[str], wanted: Family) -> tuple[str, ...]:
    """Return the addresses of one family, in their given order."""
    return tuple(address for address in addresses if family(address) == wanted)


def is_address(text: object) -> bool:
    """Return whether it is an IPv4 or IPv6 address."""
    return bool(_normal(str(text)))


def normal(address: str) -> str:
    """Return an IP address in its usual form; LbcheckError if the text is none."""
    return _normal(str(address)) or str(parsed(address))


@lru_cache(maxsize=1 << 17)  # as above
def _normal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def is_loopback(address: str) -> bool:
    """Return whether `address` never leaves the machine."""
    return parsed(address).is_loopback


def host_of(address: str) -> str:
    """Return the host of HOST:PORT, an IPv6 address without its brackets; what has no port is a host."""
    host, colon, _ = address.rpartition(":")
    return (host if colon else address).strip("[]")


def port_of(url: str) -> int:
    """Return the port of an http or https URL, given or default; LbcheckError for any other URL."""
    try:
        parts = urlsplit(url)
        return parts.port or URL_PORTS[parts.scheme]
    except (KeyError, ValueError):
        raise LbcheckError(f"'{url}' is no URL of http or https") from None


@dataclass(frozen=True, order=True)
class Endpoint:
    """An address and a port: one end of a connection. IPv6 is written in brackets (RFC 3986)."""

    address: str
    port: int

    def __post_init__(self) -> None:
        family(self.address)
        if not 0 <= self.port <= 65535:
            raise LbcheckError(f"port {self.port} of {self.address} is not between 0 and 65535")

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if family(self.address) == 6 else f"{self.address}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int) -> Self:
        """Parse `ADDR`, `ADDR:PORT`, `[V6]:PORT` or a bare IPv6 address; the port defaults to `default_port`."""
        address, port = text, str(default_port)
        if text.startswith("["):
            address, bracket, rest = text[1:].partition("]")
            port = (rest.removeprefix(":") or port) if bracket else ""
        elif text.count(":") == 1:
            address, _, port = text.partition(":")
        if not _PORT.fullmatch(port):
            raise LbcheckError(f"'{text}' does not end in a port number; write ADDR:PORT, IPv6 in brackets")
        return cls(address, int(port))


@dataclass(frozen=True)
class PortRange:
    """Ports from `low` to `high`, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 1 <= self.low <= self.high <= 65535:
            raise LbcheckError(f"port range {self.low}-{self.high}: write LO-HI with 1 <= LO <= HI <= 65535")

    def __len__(self) -> int:
        return self.high - self.low + 1

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"

    def taken_by(self, others: Iterable["PortRange"]) -> int:
        """Return how many of these ports are in any of the others, which may overlap."""
        count, next_free = 0, self.low
        for other in sorted(others, key=lambda other: other.low):
            first, last = max(other.low, next_free), min(other.high, self.high)
            if first <= last:
                count, next_free = count + last - first + 1, last + 1
        return count

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `LO-HI`."""
        low, dash, high = text.partition("-")
        if not (dash and _PORT.fullmatch(low) and _PORT.fullmatch(high)):
            raise LbcheckError(f"'{text}' is not a port range; write LO-HI, like 40000-40063")
        return cls(int(low), int(high))
