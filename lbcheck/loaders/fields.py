"""A mapping from a file, read field by field: each with its type and its bounds, and none that nobody knows."""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.loaders import values
from lbcheck.loaders.values import Choice, shown
from lbcheck.model.address import PortRange

Read = TypeVar("Read")


class Fields:
    """One mapping; `where` names it in sentences, `names` say what a field is called where it was really written.

    `error` makes the error of a sentence.
    """

    def __init__(
        self,
        given: object,
        where: str,
        names: Mapping[str, str] | None = None,
        error: Callable[[str], LbcheckError] = LbcheckError,
    ) -> None:
        if not isinstance(given, Mapping):
            raise error(f"{where}: {shown(given)} is no mapping of fields to values")
        self.given, self.where, self.names, self.error = given, where, names or {}, error
        self.known: list[str] = []
        self.silent: list[str] = []  # fields that were asked for and are not there

    def fail(self, name: str, sentence: str) -> LbcheckError:
        """Return the error that says so of one field."""
        return self.error(f"{self.where}: {self.names.get(name, name)}: {sentence}")

    def has(self, name: str) -> bool:
        """Return whether a field is there; one without a value is an error."""
        self.known.append(name)
        if name not in self.given:
            return False
        if self.given[name] is None:
            raise self.fail(name, values.NULL)
        return True

    def read(self, name: str, read: Callable[[object], Read], default: Read) -> Read:
        """Return a field as one of the types of values.py, or the default where it is not there."""
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
                near = get_close_matches(str(name)[: values.SHOWN], self.known, 1, cutoff=0.0)
                raise self.error(f"{self.where}: field {shown(name)} is not known; the nearest is '{near[0]}'")

    def required(self, name: str) -> str:
        """Return a text that has to be there."""
        if not self.has(name):
            raise self.fail(name, "is missing")
        return self.text(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return self.read(name, values.text, default)

    def number(self, name: str, low: int = 0, high: int = values.HIGHEST) -> int | None:
        """Return a whole number within bounds; None where it is not there."""
        return self.read(name, lambda given: values.number(given, low, high), None)

    def share(self, name: str) -> float:
        """Return a number from 0 to 1; 0 where it is not there."""
        return self.read(name, values.share, 0.0)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return true or false."""
        return self.read(name, values.flag, default)

    def choice(self, name: str, default: Choice) -> Choice:
        """Return one of a kind's words."""
        return self.read(name, lambda given: values.choice(given, type(default)), default)

    def ports(self, name: str, default: PortRange) -> PortRange:
        """Return a range of ports, LO-HI."""
        return self.read(name, values.port_range, default)

    def port_ranges(self, name: str) -> tuple[PortRange, ...]:
        """Return ports and ranges of them."""
        return self.read(name, values.port_ranges, ())

    def port_list(self, name: str, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Return one port, or a list of them, each once; a list without any only where that is the default."""
        found = tuple(dict.fromkeys(self.read(name, values.each(values.port), default)))
        if default and not found:
            raise self.fail(name, "a list without any port")
        return found

    def addresses(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return addresses: one or a list, each an address, a range A1-A2 or a prefix."""
        return self.read(name, values.addresses, default)

    def sections(self, name: str, title: str, names: Mapping[str, str] | None = None) -> "Iterator[Fields]":
        """Give each mapping of a list; it is called by its own name, or else by its place."""
        for place, item in enumerate(self.listed(name), 1):
            called = item.get("name", place) if isinstance(item, Mapping) else place
            yield Fields(item, f"{self.where}: {title} {shown(called)}", names, self.error)

    def listed(self, name: str) -> list[object]:
        """Return a list as it was written; nothing where it is not there."""
        given = self.given[name] if self.has(name) else []
        if not isinstance(given, list):
            raise self.fail(name, "has to be a list")
        return given
