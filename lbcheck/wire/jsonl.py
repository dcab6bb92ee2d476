"""Steps, samples and topologies ↔ JSON: one object a line, its class in `class`."""

import collections.abc
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar

from lbcheck.errors import LbcheckError
from lbcheck.model import fill, plan, sample, watch
from lbcheck.model.plan import Stage, Step
from lbcheck.model.sample import Sample
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Report

_T = TypeVar("_T")
_CLASS = "class"  # the key that no dataclass can have as a field


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
        return None if value is None else from_json(inner[0], value)
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
    hints = typing.get_type_hints(kind)
    try:
        return kind(**{name: from_json(hints[name], item) for name, item in value.items() if name != _CLASS})
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"{kind.__name__}: {error}") from None


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


def report(text: str) -> Report:
    """Read a report of schema lbcheck.report/1; WireError where it is none."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise WireError(f"it is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != "lbcheck.report/1":
        raise WireError("its schema is not lbcheck.report/1")
    known = {field.name for field in dataclasses.fields(Report)}
    return typing.cast("Report", from_json(Report, {k: v for k, v in document.items() if k in known}))
