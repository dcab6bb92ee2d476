"""What was written in a variable or a field → a value of its type; each refusal begins with what was written.

Text, true and false, and numbers may each come as text: all values of an INI inventory do.
"""

import ipaddress
import re
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeGuard, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model.address import PortRange, is_address, normal

Choice = TypeVar("Choice", bound=StrEnum)
Read = TypeVar("Read")
HIGHEST = 10**15  # of any number here; more is a slip of the keyboard
MANY_ADDRESSES = 1 << 17  # in one field
MANY_RANGES = 65535  # of ports: no host has more ports
SHOWN = 60  # characters of what was written that a sentence repeats
NULL = "is null; write its value, or leave it out"

# The words of ansible.module_utils.parsing.convert_bool, and its numbers.
_TRUE = frozenset({"y", "yes", "on", "1", "true", "t"})
_FALSE = frozenset({"n", "no", "off", "0", "false", "f"})
_WHOLE = re.compile(r"\s*-?[0-9][0-9_]*\s*")
_UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # NUL, of which no name is made, and half of a UTF-16 pair


class _Short(reprlib.Repr):
    """The beginning of any value, however large, and however often YAML refers to the same."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxstring = self.maxother = self.maxlong = SHOWN

    def repr_int(self, x: int, level: int) -> str:
        """Return a number; Python refuses to write thousands of digits, but for hexadecimal ones."""
        return super().repr_int(x, level) if abs(x) < 10**40 else f"{x:#x}"[:20] + "…"


_SHORT = _Short()


def shown(given: object) -> str:
    """Return what was written, in quotes; of what is long its beginning, and no character that moves the cursor."""
    text = given[: SHOWN + 1] if isinstance(given, str) else _SHORT.repr(given)
    text = text if text.isprintable() else repr(text)[1:-1]
    return f"'{text}'" if len(text) <= SHOWN else f"'{text[:SHOWN]}…'"


def mapping(given: object) -> Mapping[str, object]:
    """Return a mapping of fields to values."""
    if not isinstance(given, Mapping):
        raise LbcheckError(f"{shown(given)} is no mapping of fields to values")
    return given


def items(given: object) -> list[object]:
    """Return a list; a text or a number is one item, whatever it is made of."""
    if isinstance(given, Mapping):
        raise LbcheckError(f"{shown(given)} is no list")
    found = list(given) if isinstance(given, list | tuple) else [given]
    if None in found:
        raise LbcheckError(f"{shown(given)} has an item that is null")
    return found


def each(read: Callable[[object], Read]) -> Callable[[object], tuple[Read, ...]]:
    """Return what reads one, or a list."""
    return lambda given: tuple(read(item) for item in items(given))


def text(given: object) -> str:
    """Return a text; a whole number is one, too: YAML reads the name `7` so. What YAML changed (1.10) is none."""
    if isinstance(given, int) and not isinstance(given, bool):
        return str(number(given, -HIGHEST))
    if not isinstance(given, str):
        quotes = "" if isinstance(given, list | Mapping) else "; if one is meant, write it in quotes"
        raise LbcheckError(f"{shown(given)} is no text{quotes}")
    if not given.strip() or _UNWRITABLE.search(given):
        raise LbcheckError(f"{shown(given)} is no text")
    return given


def text_or_nothing(given: object) -> str:
    """Return a text, which may be empty."""
    return "" if given == "" else text(given)


def is_number(given: object) -> TypeGuard[int | str]:
    """Return whether a whole number is meant, if perhaps one out of bounds."""
    return isinstance(given, int) or (isinstance(given, str) and bool(_WHOLE.fullmatch(given)))


def number(given: object, low: int = 0, high: int = HIGHEST) -> int:
    """Return a whole number within bounds."""
    if isinstance(given, bool) or not is_number(given):
        raise LbcheckError(f"{shown(given)} is not a whole number")
    if isinstance(given, str) and len(given) > SHOWN:  # Python refuses to read thousands of digits
        raise LbcheckError(f"{shown(given)} is not between {low:,} and {high:,}")
    found = int(given)
    if not low <= found <= high:
        raise LbcheckError(f"{shown(given)[1:-1]} is not between {low:,} and {high:,}")
    return found


def share(given: object) -> float:
    """Return a number from 0 to 1."""
    try:
        found = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else -1.0
    except (ValueError, OverflowError):
        found = -1.0
    if not 0 <= found <= 1:  # NaN neither
        raise LbcheckError(f"{shown(given)} is not a share from 0 to 1")
    return found


def flag(given: object) -> bool:
    """Return true or false, of what Ansible takes for such; anything else is an error, for any text would be true."""
    word = str(given).strip().lower() if isinstance(given, str | bool) or given in (0, 1) else ""
    if word not in _TRUE | _FALSE:
        raise LbcheckError(f"{shown(given)} is neither true nor false")
    return word in _TRUE


def choice(given: object, kind: type[Choice]) -> Choice:
    """Return one of a kind's words."""
    word = given if isinstance(given, str) else shown(given)[1:-1]
    try:
        return kind(word)
    except ValueError:
        near = get_close_matches(word[:SHOWN], list(kind), 1, cutoff=0.0)[0]
        raise LbcheckError(f"{shown(given)} is not one of {', '.join(kind)}; the nearest is '{near}'") from None


def address(given: object) -> str:
    """Return one IP address, as it is usually written."""
    if not isinstance(given, str) or not is_address(given):
        raise LbcheckError(f"{shown(given)} is not an IP address")
    return normal(given)


def vip(given: object) -> str:
    """Return an IP address without the prefix length that it may have, as keepalived writes it; empty for no text."""
    if given == "":
        return ""
    written, _, length = given.partition("/") if isinstance(given, str) else ("", "", "")
    if length and not length.isdecimal():
        raise LbcheckError(f"{shown(given)} is not an IP address")
    return address(written)


def addresses(given: object) -> tuple[str, ...]:
    """Return addresses: one or a list, each an address, a range A1-A2 or a prefix; MANY_ADDRESSES at most."""
    found: list[str] = []
    for item in items(given):
        count, those = _addresses(item)
        if len(found) + count > MANY_ADDRESSES:
            whole = f" with the others {len(found) + count:,}," if found else ""
            few = f"{MANY_ADDRESSES:,} at most, or give their number"
            raise LbcheckError(f"{shown(item)} are {count:,} addresses;{whole} {few}")
        found += those
    return tuple(found)


def _addresses(given: object) -> tuple[int, Iterable[str]]:
    """Return how many addresses an item is, and which."""
    written = given if isinstance(given, str) else ""
    first, dash, last = written.partition("-")
    if "/" in first:
        return _prefix(first)
    if not is_address(first) or (dash and not is_address(last)):
        raise LbcheckError(f"{shown(given)} is not an IP address, a range A1-A2 or a prefix")
    low, high = ipaddress.ip_address(first), ipaddress.ip_address(last or first)
    count = int(high) - int(low) + 1
    if low.version != high.version or count < 1:
        raise LbcheckError(f"{shown(given)} ends before it begins; write A1-A2 with A1 <= A2")
    return count, (str(low + step) if step else str(low) for step in range(count))


def _prefix(written: str) -> tuple[int, Iterator[str]]:
    try:
        network = ipaddress.ip_network(written)
    except ValueError as error:
        raise LbcheckError(f"{shown(written)} is no prefix: {_said(error)}") from None
    return network.num_addresses, map(str, network.hosts())  # without network and broadcast address, where it has them


def _said(error: Exception) -> str:
    return shown(str(error))[1:-1]


def port(given: object) -> int:
    """Return a port, from 1."""
    return number(given, 1, 65535)


def port_range(given: object) -> PortRange:
    """Return a range of ports, LO-HI."""
    if not isinstance(given, str) or len(given) > SHOWN:
        raise LbcheckError(f"{shown(given)} is not a port range; write LO-HI, like 40000-40063")
    return PortRange.parse(given)


def port_ranges(given: object) -> tuple[PortRange, ...]:
    """Return ports and ranges of them, as ip_local_reserved_ports has them: `8080,9000-9100`, or a list of such."""
    parts = [part.strip() for item in items(given) for part in text(item).split(",")]
    if len(parts) > MANY_RANGES:
        raise LbcheckError(f"{len(parts):,} ranges are more than there are ports")
    return tuple(port_range(part) if "-" in part else PortRange(port(part), port(part)) for part in parts)
