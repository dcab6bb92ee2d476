"""A mapping from a file, read field by field: each with its type and its bounds, and none that nobody knows."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model.address import PortRange, is_address

Choice = TypeVar("Choice", bound=StrEnum)
Read = TypeVar("Read")
HIGHEST = 10**15  # of any number here; more is a slip of the keyboard
MANY_ADDRESSES = 1 << 17  # from one prefix or range


class Fields:
    """One mapping; `where` names it in sentences, `names` say what a field is called where it was really written."""

    def __init__(self, given: object, where: str, names: Mapping[str, str] | None = None) -> None:
        if not isinstance(given, Mapping):
            raise LbcheckError(f"{where}: '{given}' is no mapping of fields to values")
        self.given, self.where, self.names = given, where, names or {}
        self.known: list[str] = []
        self.silent: list[str] = []  # fields that were asked for and are not there

    def fail(self, name: str, sentence: str) -> LbcheckError:
        """Return the error that says so of one field."""
        return LbcheckError(f"{self.where}: {self.names.get(name, name)}: {sentence}")

    def has(self, name: str) -> bool:
        """Return whether a field is there."""
        self.known.append(name)
        return self.given.get(name) is not None

    def _take(self, name: str, read: Callable[[Any], Read], default: Read) -> Read:
        if not self.has(name):
            self.silent.append(name)
            return default
        try:
            return read(self.given[name])
        except LbcheckError as error:
            raise self.fail(name, str(error)) from None

    def finish(self) -> None:
        """Refuse fields that were never asked for, each with the nearest that is known."""
        for name in self.given:
            if name not in self.known:
                near = get_close_matches(str(name), self.known, 1, cutoff=0.0)
                raise LbcheckError(f"{self.where}: field '{name}' is not known; the nearest is '{near[0]}'")

    def required(self, name: str) -> str:
        """Return a text that has to be there."""
        if not self.has(name):
            raise self.fail(name, "is missing")
        return self.text(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return self._take(name, _text, default)

    def number(self, name: str, low: int = 0, high: int = HIGHEST) -> int | None:
        """Return a whole number within bounds; None where it is not there."""
        return self._take(name, lambda given: _number(given, low, high), None)

    def share(self, name: str) -> float:
        """Return a number from 0 to 1; 0 where it is not there."""
        return self._take(name, _share, 0.0)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        return self._take(name, _flag, default)

    def choice(self, name: str, default: Choice) -> Choice:
        """Return one of a kind's words."""
        return self._take(name, lambda given: _choice(given, type(default)), default)

    def ports(self, name: str, default: PortRange) -> PortRange:
        """Return a range of ports, LO-HI."""
        return self._take(name, lambda given: PortRange.parse(str(given)), default)

    def port_ranges(self, name: str) -> tuple[PortRange, ...]:
        """Return ports and ranges of them, as ip_local_reserved_ports has them: `8080,9000-9100`, or a list."""
        return self._take(name, lambda given: tuple(_port_ranges(given)), ())

    def port_list(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return one port, or a list of them, each once; a list without any only where that is the default."""
        found = self._take(name, lambda given: tuple(dict.fromkeys(_port(item) for item in _items(given))), default)
        if default and not found:
            raise self.fail(name, "a list without any port")
        return found

    def addresses(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return addresses: one or a list, each an address, a range A1-A2 or a prefix."""
        return self._take(name, lambda given: tuple(a for item in _items(given) for a in _addresses(item)), default)

    def sections(self, name: str, title: str, names: Mapping[str, str] | None = None) -> "Iterator[Fields]":
        """Give each mapping of a list; it is called by its own name, or else by its place."""
        given = self.given.get(name)
        self.known.append(name)
        if given is not None and not isinstance(given, list):
            raise self.fail(name, "has to be a list")
        for place, item in enumerate(given or (), 1):
            called = item.get("name", place) if isinstance(item, Mapping) else place
            yield Fields(item, f"{self.where}: {title} '{called}'", names)


def _items(given: object) -> list[object]:
    return list(given) if isinstance(given, list | tuple) else [given]


def _text(given: object) -> str:
    if isinstance(given, Mapping | list | bool) or not str(given).strip():
        raise LbcheckError(f"'{given}' is no text")
    return str(given)


def _number(given: object, low: int, high: int) -> int:
    text = str(given).replace("_", "").strip()
    if isinstance(given, bool | float) or not text.removeprefix("-").isdecimal():
        raise LbcheckError(f"'{given}' is not a whole number")
    if not low <= int(text) <= high:
        raise LbcheckError(f"{given} is not between {low:,} and {high:,}")
    return int(text)


def _share(given: object) -> float:
    try:
        share = -1.0 if isinstance(given, bool) else float(str(given))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise LbcheckError(f"'{given}' is not a share from 0 to 1")
    return share


def _flag(given: object) -> bool:
    if not isinstance(given, bool):
        raise LbcheckError(f"'{given}' is neither true nor false")
    return given


def _choice(given: object, kind: type[Choice]) -> Choice:
    try:
        return kind(str(given))
    except ValueError:
        near = get_close_matches(str(given), list(kind), 1, cutoff=0.0)[0]
        raise LbcheckError(f"'{given}' is not one of {', '.join(kind)}; the nearest is '{near}'") from None


def _port(given: object) -> int:
    return _number(given, 1, 65535)


def _port_ranges(given: object) -> Iterator[PortRange]:
    for item in _items(given):
        for part in str(item).split(","):
            yield PortRange.parse(part.strip() if "-" in part else f"{part.strip()}-{part.strip()}")


def _addresses(given: object) -> Iterator[str]:
    first, dash, last = str(given).partition("-")
    if "/" in first:
        try:
            network = ipaddress.ip_network(first)
        except ValueError as error:
            raise LbcheckError(f"'{given}' is no prefix: {error}") from None
        # Not the network and broadcast addresses, where there are such.
        yield from _counted(given, network.num_addresses, map(str, network.hosts()))
    elif not is_address(first) or (dash and not is_address(last)):
        raise LbcheckError(f"'{given}' is not an IP address, a range A1-A2 or a prefix")
    elif not dash:
        yield str(ipaddress.ip_address(first))
    else:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        count = int(high) - int(low) + 1
        if low.version != high.version or count < 1:
            raise LbcheckError(f"'{given}' ends before it begins; write A1-A2 with A1 <= A2")
        yield from _counted(given, count, (str(low + step) for step in range(count)))


def _counted(given: object, count: int, addresses: Iterator[str]) -> Iterator[str]:
    if count > MANY_ADDRESSES:
        raise LbcheckError(f"'{given}' are {count:,} addresses; {MANY_ADDRESSES:,} at most, or give their number")
    return addresses
