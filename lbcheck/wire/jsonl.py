"""Steps, samples and topologies ↔ JSON: one object a line, its class in `class`."""

import collections.abc
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model import fill, plan, sample, watch
from lbcheck.model.evidence import Record, fields_by_key, required
from lbcheck.model.plan import Stage, Step
from lbcheck.model.sample import Sample
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Finding, Report, Verdict

_T = TypeVar("_T")
_CLASS = "class"  # the key that no dataclass can have as a field
_REPORTED = (Report, Verdict, Finding, Record)  # may come from a later version: what it says besides is passed over


class WireError(LbcheckError):
    """A line that is not what it should be."""


def _subclasses(module: types.ModuleType, base: type) -> dict[str, type]:
    return {name: kind for name, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, base)}


_KINDS: Mapping[str, type] = {
    **_subclasses(plan, Step),
    **_subclasses(sample, Sample),
    **_subclasses(watch, Step),
    **_subclasses(watch, Sample),
    "Fill": fill.Fill,
    "Filled": fill.Filled,
    "Stage": Stage,
    "Topology": Topology,
}


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
    return value


def _default(field: "dataclasses.Field[Any]") -> object:
    return field.default_factory() if callable(field.default_factory) else field.default


def from_json(hint: Any, value: Any) -> Any:
    """Return `value`, as json.loads gave it, as an object of type `hint`; WireError says which part does not fit."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        inner = [kind for kind in arguments if kind is not type(None)]
        if value is None and len(inner) < len(arguments):
            return None
        return from_json(inner[0], value) if len(inner) == 1 else record_of(inner, value)
    if origin is tuple and isinstance(value, list):
        return tuple(from_json(arguments[0], item) for item in value)
    if origin in (dict, collections.abc.Mapping) and isinstance(value, dict):
        return {key: from_json(arguments[1], item) for key, item in value.items()}
    return _plain(hint, origin, arguments, value)


def _plain(hint: Any, origin: Any, arguments: tuple[Any, ...], value: Any) -> Any:
    if hint is Any or (origin is Literal and value in arguments):
        return value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _object(hint, value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if hint is float and isinstance(value, (int, float)):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise WireError(f"{value!r:.80} is no {hint}")


def _object(hint: type, value: dict[str, Any]) -> Any:
    kind = _KINDS.get(value.get(_CLASS, ""), hint)
    if not issubclass(kind, hint):
        raise WireError(f"a {kind.__name__} stands where a {hint.__name__} should")
    hints, names = typing.get_type_hints(kind), _names(kind)
    given = {key: item for key, item in value.items() if key in names or not issubclass(kind, _REPORTED)}
    given.pop(_CLASS, None)
    try:
        return kind(**{names[key]: from_json(hints[names[key]], item) for key, item in given.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"{kind.__name__}: {error}") from None


def _names(kind: type) -> Mapping[str, str]:
    """Return a dataclass's fields by their keys in JSON."""
    if issubclass(kind, Record):
        return {key: known.name for key, known in fields_by_key(kind).items()}
    return {known.name: known.name for known in dataclasses.fields(typing.cast("Any", kind))}


def record_of(kinds: Sequence[type[Record]], value: Any) -> Record:
    """Return a part of a report as the first of some kinds of record whose keys are all there; WireError: as none."""
    kind = next((kind for kind in kinds if isinstance(value, dict) and required(kind) <= set(value)), None)
    if kind is None:
        raise WireError(f"{value!r:.80} is no {' or '.join(kind.__name__ for kind in kinds)}")
    return typing.cast("Record", _object(kind, value))


def line(value: object) -> str:
    """Return one dataclass of the model as one line of JSON, without the newline."""
    return json.dumps(to_json(value), separators=(",", ":"), ensure_ascii=False)


def parse(hint: type[_T], text: str) -> _T:
    """Read one line back; WireError where it is no such thing."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise WireError(f"{text[:60]!r} is not JSON: {error}") from None
    return typing.cast("_T", from_json(hint, value))


def samples(lines: Iterable[str]) -> list[Sample]:
    """Read samples, a line each; blank lines are passed over."""
    return [parse(Sample, text) for text in lines if text.strip()]
