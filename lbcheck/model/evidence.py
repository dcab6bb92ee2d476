"""The parts of evidence: records that are read by their keys in JSON, and the row for sources × ports × endpoints."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass
from functools import cache
from typing import Any, ClassVar

_KEY = "key"
# The largest number of a report: beyond it JSON's are not the same everywhere (RFC 8259, section 6).
LARGEST = 2**53 - 1


@dataclass(frozen=True, eq=False)
class Record(Mapping[str, Any]):
    """A dataclass that is also read by the keys of the JSON report: `evidence.holds` is `evidence["holds"]`.

    The report contains a field with a default only if it has another value. So a later version can add fields, and it
    writes an earlier version's report exactly as it read it.
    """

    ORDER: ClassVar[tuple[str, ...]] = ()  # the keys as they follow each other in JSON; empty: as the fields do

    def __getitem__(self, key: str) -> Any:
        known = fields_by_key(type(self)).get(key)
        if known is None or self._left_out(known):
            raise KeyError(key)
        value = getattr(self, known.name)
        return list(value) if isinstance(value, tuple) else value

    def __iter__(self) -> Iterator[str]:
        return (key for key, known in fields_by_key(type(self)).items() if not self._left_out(known))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _left_out(self, known: "dataclasses.Field[Any]") -> bool:
        return _optional(known) and bool(getattr(self, known.name) == _default(known))


def _optional(known: "dataclasses.Field[Any]") -> bool:
    return known.default is not MISSING or known.default_factory is not MISSING


def _default(known: "dataclasses.Field[Any]") -> object:
    return known.default if known.default_factory is MISSING else known.default_factory()


@cache
def fields_by_key(kind: type[Record]) -> "Mapping[str, dataclasses.Field[Any]]":
    """Return the fields of a record by their keys in JSON, in its order."""
    found = {known.metadata.get(_KEY, known.name): known for known in dataclasses.fields(kind)}
    return {key: found[key] for key in kind.ORDER or found}


def required(kind: type[Record]) -> frozenset[str]:
    """Return the keys that every report contains."""
    return frozenset(key for key, known in fields_by_key(kind).items() if not _optional(known))


def called(key: str) -> Mapping[str, str]:
    """Return the metadata of a field that JSON calls `key`: its own name says which of the key's meanings it has."""
    return {_KEY: key}


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductRow(Record):
    """How many connections `sources` addresses with `ports` ports each hold to `endpoints`: predicted and measured.

    Each check decides what a row is: hosts of one shape on one hop, one fill, one claim, one report.
    """

    sources: int
    endpoints: int
    ports: int  # of each source
    predicted: int  # connections
    measured: int | None  # connections; None: it was not measured
    stopped_by: str | None  # what refused further connections; None: nothing did
    seconds: float  # that the opening took

    @property
    def exact(self) -> bool:
        """Whether the measured number equals the predicted one."""
        return self.measured == self.predicted


@dataclass(frozen=True, kw_only=True, eq=False)
class Gain(Record):
    """How many more connections one more thing adds."""

    add: str  # in words
    what: str = ""  # as --grow calls it
    tuples: int
