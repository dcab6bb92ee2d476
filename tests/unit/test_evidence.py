"""Evidence: its classes and the schema, and how reports are read again."""

import json
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from importlib.resources import files
from typing import Any

import pytest

from lbcheck.checks.capacity.evidence import BindingLimit, CapacityEvidence
from lbcheck.checks.failover.evidence import NOTHING, CommandEvidence, CommandRun
from lbcheck.model.evidence import Record, fields_by_key, required
from lbcheck.model.verdict import Finding, Outcome, Report, Verdict
from lbcheck.pipeline import CHECKS, OTHERS
from lbcheck.wire.jsonl import WireError

from .shown import as_json, as_text, reread

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
JUDGES = {**CHECKS, **OTHERS}
COMMAND = CommandEvidence(command=CommandRun(words=("stop", "lb1"), status=0, began_s=5.5, seconds=0.25))

# What both sides say of a part of a report: a leaf's types, [what a list has], {key: what is there}; "*" is any key.
Shape = Any
LEAVES = {int: "integer", float: "number", str: "string", bool: "boolean", types.NoneType: "null"}


def shape_of_class(hint: Any) -> Shape:
    """Return the shape of what a field of this type is in JSON."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return merged([shape_of_class(kind) for kind in arguments])
    if origin is typing.Literal:
        return {LEAVES[type(value)] for value in arguments}
    if origin is tuple:
        return [shape_of_class(arguments[0])]
    if origin is Mapping:
        return {"*": shape_of_class(arguments[1])}
    if issubclass(hint, Record):
        hints = typing.get_type_hints(hint)
        # A field that is None by default is left out then, and never null.
        never = {key: {"null"} if known.default is None else set() for key, known in fields_by_key(hint).items()}
        shapes = {key: shape_of_class(hints[known.name]) for key, known in fields_by_key(hint).items()}
        return {key: shape - never[key] if isinstance(shape, set) else shape for key, shape in shapes.items()}
    return {"string"} if issubclass(hint, StrEnum) else {LEAVES[hint]}


def merged(shapes: Sequence[Shape]) -> Shape:
    """Return one shape for what may have any of several: all keys of records, all types of leaves."""
    whole, *others = [shape for shape in shapes if shape != {"null"}] or shapes
    for other in others:
        if isinstance(whole, dict):
            whole |= {key: merged([whole[key], shape]) if key in whole else shape for key, shape in other.items()}
        else:
            assert isinstance(whole, set) or whole == other
            whole = whole | other if isinstance(whole, set) else whole
    return whole | {"null"} if isinstance(whole, set) and {"null"} in shapes else whole


def shape_of_schema(node: Mapping[str, Any]) -> Shape:
    """Return the shape that a part of the schema asks for."""
    if "$ref" in node:
        return shape_of_schema(SCHEMA["$defs"][node["$ref"].rpartition("/")[2]])
    if "enum" in node:
        return {LEAVES[type(value)] for value in node["enum"]}
    if node["type"] == "array":
        return [shape_of_schema(node["items"])]
    if node["type"] == "object" and "additionalProperties" in node:
        return {"*": shape_of_schema(node["additionalProperties"])}
    if node["type"] == "object":
        return {key: shape_of_schema(part) for key, part in node["properties"].items()}
    return {node["type"]} if isinstance(node["type"], str) else set(node["type"])


def schema_of(check: str) -> Mapping[str, Any]:
    """Return what the schema says of a check's evidence."""
    rules = SCHEMA["$defs"]["verdict"]["allOf"]
    found = [rule for rule in rules if rule["if"]["properties"]["check"] == {"const": check}]
    assert found, f"report.schema.json has no part for the evidence of '{check}': see $defs/verdict/allOf"
    [rule] = found
    name = rule["then"]["properties"]["evidence"]["$ref"].rpartition("/")[2]
    definition: Mapping[str, Any] = SCHEMA["$defs"][name]
    return definition


def records(hint: Any) -> set[type[Record]]:
    """Return every class of record in a type, those of its fields included."""
    found = {hint} if isinstance(hint, type) and issubclass(hint, Record) else set()
    inner = typing.get_type_hints(hint).values() if found else typing.get_args(hint)
    return found.union(*(records(part) for part in inner))


EVERY = sorted(set().union(*(records(kind) for judge in JUDGES.values() for kind in judge.EVIDENCE)), key=str)


def test_each_check_stands_in_the_table_by_its_name() -> None:
    """The name that its verdicts have is the one by which their evidence is read and drawn."""
    assert {name: judge.NAME for name, judge in JUDGES.items()} == {name: name for name in JUDGES}


@pytest.mark.parametrize("check", JUDGES)
def test_classes_and_schema_say_the_same(check: str) -> None:
    """Every field of a check's evidence stands in the schema with its type, and nothing more does."""
    shapes = [shape_of_class(kind) for kind in JUDGES[check].EVIDENCE]
    assert merged(shapes) == shape_of_schema(schema_of(check))


@pytest.mark.parametrize("check", JUDGES)
def test_what_the_schema_requires_is_always_there(check: str) -> None:
    """A key that the schema requires of a check's evidence is in every class of it."""
    always = frozenset.intersection(*(required(kind) for kind in JUDGES[check].EVIDENCE))
    assert set(schema_of(check).get("required", ())) <= always


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_the_order_of_a_record_has_each_of_its_keys(kind: type[Record]) -> None:
    """A class that orders its keys forgets none, and can be compared with what was read from JSON."""
    assert len(fields_by_key(kind)) == len(fields(kind))
    assert kind.__eq__ is Mapping.__eq__


def report(check: str, evidence: Mapping[str, Any]) -> Report:
    """Return a report of one verdict with this evidence."""
    verdict = Verdict(check, "it", Outcome.PASS, "fine", (Finding(Outcome.PASS, "a remark"),), evidence)
    return Report("2026-01-02T03:04:05Z", 1.5, "0.1.0", (verdict,))


def changed(evidence: Mapping[str, Any], check: str = "failover") -> Mapping[str, Any]:
    """Return evidence as it is read from a report."""
    return reread(as_json(report(check, evidence))).verdicts[0].evidence


def test_evidence_is_read_by_the_keys_of_the_report() -> None:
    """Whoever read dicts reads records in the same words."""
    assert COMMAND["command"]["words"] == ["stop", "lb1"]
    assert COMMAND == {"command": {"words": ["stop", "lb1"], "status": 0, "began_s": 5.5, "seconds": 0.25}}
    with pytest.raises(KeyError):
        COMMAND["attempts"]


@pytest.mark.parametrize("evidence", [COMMAND, NOTHING])
def test_the_keys_tell_which_class_of_a_checks_evidence_it_is(evidence: Record) -> None:
    """A check whose verdicts rest on different things has a class for each."""
    assert type(changed(evidence)) is type(evidence)
    assert changed(evidence) == evidence


def test_what_a_later_version_says_besides_is_passed_over() -> None:
    """A field that is not known, anywhere in a report, does not keep it from being read."""
    document = json.loads(as_json(report("failover", COMMAND)))
    [verdict] = document["verdicts"]
    for part in (document, verdict, verdict["findings"][0], verdict["evidence"], verdict["evidence"]["command"]):
        part["colour"] = "red"
    assert reread(json.dumps(document)).verdicts[0].evidence == COMMAND


@pytest.mark.parametrize(("check", "evidence"), [("tomorrow", {"depth": {"m": 3}}), ("failover", {}), ("compare", {})])
def test_evidence_that_is_not_known_is_kept(check: str, evidence: Mapping[str, Any]) -> None:
    """The evidence of a check that is not known here is written as it was read, and drawn as its sentences."""
    assert changed(evidence, check) == evidence
    assert "pass          it: fine" in as_text(report(check, evidence))


@pytest.mark.parametrize("evidence", [{"steps": 3}, {"command": {"words": "stop"}}, {"command": None}])
def test_evidence_of_a_known_check_that_is_none_is_refused(evidence: Mapping[str, Any]) -> None:
    """What is not of the check's classes is no report, and it is said which verdict has it."""
    with pytest.raises(WireError, match=r"^verdicts\[0\]\.evidence"):
        changed(evidence)


def test_a_field_with_a_default_is_written_only_where_it_has_another_value() -> None:
    """So reports of before a field was added stay as they are."""
    limit = BindingLimit(hop="balancer", limit="memory", value=1)
    path = CapacityEvidence(holds=1, wanted=None, binding_limit=limit, gains=(), hops=(), steps=(), assumed=())
    assert "grown" not in changed(path, "capacity")
    assert changed(replace(path, grown={"vip": 1}), "capacity")["grown"] == {"vip": 1}
