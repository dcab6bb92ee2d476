"""Other people's words as text: the one border before terminals, logs and documents.

A name comes from the network, a CSV, DNS, an inventory or a host, and may hold anything: an escape sequence, another
line of a report, a mark that turns the direction of reading. In samples and evidence it stays as it came; on its way
out everything that is not printable becomes an escape, as Python writes it. What is left is one line.
"""

import dataclasses
import enum
from collections.abc import Mapping
from typing import TypeVar, cast

T = TypeVar("T")


def plain(text: str) -> str:
    r"""Return text with all that is not printable as escapes: `\n`, `\x1b`, `\x85`, `\u2028`, `\u202e`, `\udcff`.

    Not printable is what Unicode calls control, format, surrogate, private or unassigned, and every separator but the
    blank (str.isprintable).
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def plainly(thing: T) -> T:
    """Return a thing of the model with every text in it plain: in dataclasses, tuples and mappings."""
    return cast(T, _plainly(thing))


def _plainly(thing: object) -> object:
    if isinstance(thing, enum.Enum):
        return thing
    if isinstance(thing, str):
        return plain(thing)
    if isinstance(thing, tuple):
        return tuple(map(_plainly, thing))
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = (field.name for field in dataclasses.fields(thing))
        return dataclasses.replace(thing, **{name: _plainly(getattr(thing, name)) for name in fields})
    if isinstance(thing, Mapping):
        return {_plainly(key): _plainly(value) for key, value in thing.items()}
    return list(map(_plainly, thing)) if isinstance(thing, list) else thing


def in_json(document: str) -> str:
    """Return a JSON document with JSON's escapes for what is not printable: it says the same, and is safe to show.

    Its own line ends stay; whoever splits it at other ones, as str.splitlines does, finds none.
    """
    return "\n".join(line if line.isprintable() else _in_json(line) for line in document.split("\n"))


def _in_json(line: str) -> str:
    return "".join(letter if letter.isprintable() else json_escape(letter) for letter in line)


def json_escape(text: str) -> str:
    r"""Return text as JSON's escapes alone, `\u2028`: a unit of UTF-16 each (RFC 8259, section 7)."""
    units = text.encode("utf-16-be", "surrogatepass").hex()
    return "".join(rf"\u{units[place : place + 4]}" for place in range(0, len(units), 4))
