"""Steps, samples and questions ↔ JSON: one object a line, its class in `class`."""

import collections.abc
import dataclasses
import enum
import inspect
import json
import types
import typing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import repeat
from typing import Any, Literal, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model.ended import Ended
from lbcheck.model.evidence import LARGEST, Record, fields_by_key, required
from lbcheck.model.kinds import SAMPLES, STEPS
from lbcheck.model.plan import Stage
from lbcheck.model.question import Question, Topology
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Report, Verdict
from lbcheck.plain import in_json

_T = TypeVar("_T")
Reader = Callable[[Any], Any]  # from what json.loads gave to an object of one type
_CLASS = "class"  # the key that no dataclass can have as a field
_REPORTED = (Report, Verdict, Finding, Record)  # may come from a later version: what it says besides is passed over
_WORDS: Mapping[Any, str] = {
    int: "a whole number below 2^53",
    float: "a number below 2^53",
    str: "text",
    bool: "true or false",
    tuple: "a list",
    types.NoneType: "null",
}


class WireError(LbcheckError):
    """What is not as it should be; `place` says which part of the whole that is, as in `.counts[0].requests`."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place.removeprefix('.')}: {reason}" if place else reason)
        self.reason, self.place = reason, place

    def inside(self, key: str | int) -> "WireError":
        """Return the same error, of what holds this part under `key`."""
        if isinstance(key, str) and key.isidentifier():
            return WireError(self.reason, f".{key}{self.place}")
        return WireError(self.reason, f"[{json.dumps(key)}]{self.place}")


_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*STEPS, *SAMPLES, Stage, Question, Topology, Ended)}


def to_json(value: object) -> Any:
    """Return `value`, a dataclass of the model or made of such, as what json.dumps takes. Defaults are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind, named = type(value), ((name, getattr(value, name), default) for name, default in _defaults(type(value)))
        fields = {name: to_json(item) for name, item, default in named if item != default}
        return {_CLASS: kind.__name__, **fields} if kind.__name__ in _KINDS else fields
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


@cache
def _defaults(kind: Any) -> Sequence[tuple[str, object]]:
    """Return the fields of a dataclass with their defaults, in their order."""
    return [(field.name, _default(field)) for field in dataclasses.fields(kind)]


def _default(field: "dataclasses.Field[Any]") -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def from_json(hint: Any, value: Any) -> Any:
    """Return `value`, as json.loads gave it, as an object of type `hint`; WireError says which part does not fit."""
    return _reader(hint)(value)


def part(key: str | int, hint: Any, value: Any) -> Any:
    """Read what stands under `key`; an error then says so."""
    try:
        return from_json(hint, value)
    except WireError as error:
        raise error.inside(key) from None


@cache  # a file has millions of values of few types
def _reader(hint: Any) -> Reader:
    """Return what reads values of a type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _reader_of_one_of(arguments)
    if origin is tuple:
        return _reader_of_list(arguments)
    if origin in (dict, collections.abc.Mapping):
        return _reader_of_mapping(_reader(arguments[1]))
    if origin is Literal:
        return partial(_word, arguments)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        words = [str(member) for member in hint]
        return lambda value: hint(_word(words, value))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _reader_of_object(hint)
    return _anything if hint is Any else _PLAIN.get(hint) or partial(_plain, origin or hint)


def _reader_of_list(hints: Sequence[Any]) -> Reader:
    """A list of any length has one type, any other one for each item."""
    length = None if hints[-1] is ... else len(hints)
    readers = repeat(_reader(hints[0])) if length is None else [_reader(hint) for hint in hints]

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return _plain(tuple, value)
        if length not in (None, len(value)):
            raise WireError(f"{_shown(value)} has not {length} items")
        items: list[Any] = []
        try:
            for item, reader in zip(value, readers, strict=False):
                items.append(reader(item))
        except WireError as error:
            raise error.inside(len(items)) from None
        return tuple(items)

    return read


def _reader_of_mapping(reader: Reader) -> Reader:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return _plain(dict, value)
        items, key = {}, ""
        try:
            for key, item in value.items():
                items[_text(key)] = reader(item)
        except WireError as error:
            raise error.inside(key) from None
        return items

    return read


def _reader_of_one_of(hints: Sequence[Any]) -> Reader:
    """What may be null, or one of several records or plain types."""
    kinds = [kind for kind in hints if kind is not types.NoneType]
    if len(kinds) == 1:
        reader = _reader(kinds[0])
    elif issubclass(kinds[0], Record):
        reader = partial(record_of, kinds)
    else:
        reader = partial(_one_of, kinds)
    if len(kinds) == len(hints):
        return reader
    return lambda value: None if value is None else reader(value)


def _one_of(kinds: Sequence[Any], value: Any) -> Any:
    return _plain(type(value) if type(value) in kinds else kinds[0], value)


def _anything(value: Any) -> Any:
    """Read what has no type here, as evidence: nothing in it may be unwritable."""
    if isinstance(value, dict):
        return from_json(Mapping[str, Any], value)
    if isinstance(value, list):
        return list(from_json(tuple[Any, ...], value))
    return value if value is None or type(value) is int else _plain(type(value), value)


def _word(words: Iterable[Any], value: Any) -> Any:
    for word in words:
        if type(value) is type(word) and value == word:
            return value
    raise WireError(f"{_shown(value)} is none of {', '.join(map(str, words))}")


def _plain(kind: Any, value: Any) -> Any:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST  # NaN is not
    if kind is float and number:
        return float(value)
    if type(value) is kind and (kind in (bool, types.NoneType, str) or number):
        return value
    raise WireError(f"{_shown(value)} is not {_WORDS.get(kind, 'an object')}")


def _text(value: Any) -> Any:
    return value if type(value) is str and value.isascii() else _plain(str, value)


def _number(value: Any) -> Any:
    return value if type(value) is int and -LARGEST <= value <= LARGEST else _plain(int, value)


_PLAIN: Mapping[Any, Reader] = {str: _text, int: _number}  # most values of a file


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _reader_of_object(hint: type) -> Reader:
    named = inspect.isabstract(hint) or hint is Sample  # what it is has to be said

    def read(value: Any) -> Any:
        if type(value) is not dict:
            return _plain(hint, value)
        return _object(_class_of(hint, value) if named or _CLASS in value else hint, value)

    return read


def _object(kind: type, value: Mapping[str, Any]) -> Any:
    fields, needed = _fields(kind)
    if not value.keys() <= fields.keys():
        value = _known_part(kind, value, fields)
    if not needed <= value.keys():
        missing = [key for key in _required_keys(kind) if key not in value]
        raise WireError(f"{kind.__name__} lacks {', '.join(missing)}")
    parts, key = {}, ""
    try:
        for key, item in value.items():
            name, reader = fields[key]
            parts[name] = reader(item)
    except WireError as error:
        raise error.inside(key) from None
    try:
        return kind(**parts)
    except (LbcheckError, ValueError) as error:
        raise WireError(f"{kind.__name__}: {error}") from None


def _known_part(kind: type, value: Mapping[str, Any], fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what is known of an object; WireError where there is more, and no later version may have written it."""
    unknown = [key for key in value if key not in fields and key != _CLASS]
    if unknown and not issubclass(kind, _REPORTED):
        raise WireError(f"{kind.__name__} has no '{_shown(unknown[0])[1:-1]}'")
    return {key: item for key, item in value.items() if key in fields}


@cache
def _fields(kind: type) -> tuple[Mapping[str, tuple[str, Reader]], frozenset[str]]:
    """Return a dataclass's fields by their keys in JSON, each with what reads it; and the keys that must be there."""
    hints = typing.get_type_hints(kind)
    return {key: (name, _reader(hints[name])) for key, name in _names(kind).items()}, frozenset(_required_keys(kind))


def _names(kind: type) -> Mapping[str, str]:
    """Return a dataclass's fields by their keys in JSON."""
    if issubclass(kind, Record):
        return {key: known.name for key, known in fields_by_key(kind).items()}
    return {known.name: known.name for known in dataclasses.fields(typing.cast("Any", kind))}


def _required_keys(kind: type) -> Iterable[str]:
    """Return the keys that must be there."""
    if issubclass(kind, Record):
        return sorted(required(kind))
    fields = dataclasses.fields(typing.cast("Any", kind))
    return [field.name for field in fields if _default(field) is dataclasses.MISSING]


def record_of(kinds: Sequence[type[Record]], value: Any) -> Record:
    """Return a part of a report as the first of some kinds of record whose keys are all there; WireError: as none."""
    kind = next((kind for kind in kinds if isinstance(value, dict) and required(kind) <= set(value)), None)
    if kind is None:
        raise WireError(f"{_shown(value)} is no {' or '.join(kind.__name__ for kind in kinds)}")
    return typing.cast("Record", _object(kind, value))


def _class_of(hint: type, value: Mapping[str, Any]) -> type:
    """Return the class that an object names, or the one that is expected where it names none."""
    if _CLASS not in value:
        if inspect.isabstract(hint) or hint is Sample:
            raise WireError(f"{_shown(value)} does not say which {hint.__name__} it is")
        return hint
    kind = _KINDS.get(str(value[_CLASS]))
    if kind is None or not issubclass(kind, hint):
        raise WireError(f"{_shown(value[_CLASS])} stands where {hint.__name__} should")
    return kind


def line(value: object) -> str:
    """Return one dataclass of the model as one line of JSON, without the newline."""
    return dumped(to_json(value), separators=(",", ":"))


def dumped(value: object, **layout: Any) -> str:
    """Return what json.dumps makes of a value: every letter as it is, and what is not printable as an escape."""
    return in_json(json.dumps(value, ensure_ascii=False, **layout))


def parse(hint: type[_T], text: str) -> _T:
    """Read one line back; WireError where it is no such thing."""
    with reading(text):
        return typing.cast("_T", from_json(hint, loads(text)))


def loads(text: str) -> Any:
    """Return the value of a JSON text. No key may stand twice in an object: each reader would take another."""
    return json.loads(text, object_pairs_hook=_object_of)


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise WireError(f"{_shown(Counter(key for key, _ in pairs).most_common(1)[0][0])} is there twice")
    return found


@contextmanager
def reading(text: str) -> Iterator[None]:
    """Say in a sentence what no JSON is."""
    try:
        yield
    except ValueError as error:
        raise WireError(f"{text[:60]!r} is not JSON: {error}") from None
    except RecursionError:
        raise WireError("it is nested too deeply") from None


def samples(lines: Iterable[str]) -> list[Sample]:
    """Read samples, a line each; blank lines are passed over."""
    return [parse(Sample, text) for text in lines if text.strip()]
