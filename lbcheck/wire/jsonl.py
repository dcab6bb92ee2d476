"""Steps, samples and questions ↔ JSON: one object a line, its class in `class`."""

import collections.abc
import dataclasses
import enum
import inspect
import json
import re
import types
import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model.evidence import LARGEST, Record, fields_by_key, required
from lbcheck.model.kinds import SAMPLES, STEPS
from lbcheck.model.plan import Stage
from lbcheck.model.question import Question, Topology
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Report, Verdict

_T = TypeVar("_T")
_CLASS = "class"  # the key that no dataclass can have as a field
_REPORTED = (Report, Verdict, Finding, Record)  # may come from a later version: what it says besides is passed over
_HALF = re.compile("[\ud800-\udfff]")  # half of a UTF-16 pair: JSON can escape it, and nobody can write it
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


_KINDS: Mapping[str, type] = {kind.__name__: kind for kind in (*STEPS, *SAMPLES, Stage, Question, Topology)}


def to_json(value: object) -> Any:
    """Return `value`, a dataclass of the model or made of such, as what json.dumps takes. Defaults are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != _default(field)
        }
        kind = type(value).__name__
        return {_CLASS: kind, **fields} if kind in _KINDS else fields
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value


def _default(field: "dataclasses.Field[Any]") -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def from_json(hint: Any, value: Any) -> Any:
    """Return `value`, as json.loads gave it, as an object of type `hint`; WireError says which part does not fit."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(arguments, value)
    if origin is tuple and isinstance(value, list):
        return tuple(part(number, kind, item) for number, (kind, item) in enumerate(_items(arguments, value)))
    if origin in (dict, collections.abc.Mapping) and isinstance(value, dict):
        return {_plain(str, key): part(key, arguments[1], item) for key, item in value.items()}
    if hint is Any:
        return _anything(value)
    if origin is Literal:
        return _word(arguments, value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(_word([str(member) for member in hint], value))
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _object(hint, value)
    return _plain(origin or hint, value)


def part(key: str | int, hint: Any, value: Any) -> Any:
    """Read what stands under `key`; an error then says so."""
    try:
        return from_json(hint, value)
    except WireError as error:
        raise error.inside(key) from None


def _items(hints: Sequence[Any], values: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    """Return the items of a list with their types: a list of any length has one type, any other one for each item."""
    if hints[-1] is ...:
        return ((hints[0], value) for value in values)
    if len(values) != len(hints):
        raise WireError(f"{_shown(values)} has not {len(hints)} items")
    return zip(hints, values, strict=True)


def _one_of(hints: Sequence[Any], value: Any) -> Any:
    """Read what may be null, or one of several records or plain types."""
    kinds = [kind for kind in hints if kind is not type(None)]
    if value is None and len(kinds) < len(hints):
        return None
    if len(kinds) == 1:
        return from_json(kinds[0], value)
    if issubclass(kinds[0], Record):
        return record_of(kinds, value)
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
    if type(value) is kind and (kind in (bool, types.NoneType) or number or (kind is str and not _HALF.search(value))):
        return value
    raise WireError(f"{_shown(value)} is not {_WORDS.get(kind, 'an object')}")


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _object(hint: type, value: dict[str, Any]) -> Any:
    kind = _class_of(hint, value)
    hints, names = typing.get_type_hints(kind), _names(kind)
    if unknown := [key for key in value if key not in names and key != _CLASS and not issubclass(kind, _REPORTED)]:
        raise WireError(f"{kind.__name__} has no '{_shown(unknown[0])[1:-1]}'")
    if missing := [key for key in _required_keys(kind) if key not in value]:
        raise WireError(f"{kind.__name__} lacks {', '.join(missing)}")
    parts = {names[key]: part(key, hints[names[key]], item) for key, item in value.items() if key in names}
    try:
        return kind(**parts)
    except (LbcheckError, ValueError) as error:
        raise WireError(f"{kind.__name__}: {error}") from None


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
    return json.dumps(to_json(value), separators=(",", ":"), ensure_ascii=False)


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
