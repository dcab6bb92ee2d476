"""Documents that somebody changed, and values that nobody expects."""

import copy
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import currently_in_test_context, event
from hypothesis import strategies as st

from lbcheck.errors import LbcheckError
from lbcheck.model.verdict import Report
from lbcheck.pipeline import read_report

from ..unit.shown import as_json, as_text

CORPUS = Path(__file__).parent / "corpus"
MOST_S = 10.0  # of the processor for one document: most take a thousandth of it
MOST_SAID = 12_000  # characters of a sentence, which may repeat a name or two as long as any here

# Pieces of JSON, in places where nobody expects them.
JSON_MARKS = ("\n", "{", "}", "[", '"', "\\", "\\ud800", "\u2028", "\x85", "NaN", "9" * 5000, "1e999")

# What has broken something, here or elsewhere.
SPECIAL: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 10**15, 10**30, -0.5, 1.5, 1e308, float("nan"), float("inf")),
    *(
        "",
        " ",
        "0",
        "no",
        "false",
        "auto",
        "{{ x }}",
        "\ud800",
        "\0",
        "\u2028",
        "\x85",
        "\x1b[2J",
        "a\nb",
        "é",
        "9" * 5000,
    ),
    *("127.0.0.1", "::1", "fe80::1%eth0", "255.255.255.255", "198.18.0.0/8", "198.18.0.1-198.18.0.9", "1"),
    *(
        "1-2",
        "65535",
        "65536",
        "1-65535",
        "http://[",
        "http://x:y/",
        "http://x:99999/",
        "tcp://x:0",
        "unix:/s",
        "body:(",
    ),
    *("pass", "fail", "explicit", "roundrobin", "web", "lb1", "here", "localhost", "before"),
    *([], {}, [[]], [None], {"": None}, {"class": "Answers"}, {"class": []}, {"name": "x"}, [{"name": "x"}]),
)
KEYS = ("name", "class", "schema", "address", "addresses", "ports", "at", "outcome", "public", "backend", "servers", "")

_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
    | st.sampled_from(SPECIAL).map(copy.deepcopy)
)  # fmt: skip
values = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give every place in a document that may be changed."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*place, key)
        yield from places(item, (*place, key))


def inside(document: Any, place: tuple[str | int, ...]) -> Any:
    """Return what holds a place."""
    for key in place[:-1]:
        document = document[key]
    return document


def _odd(value: Any) -> st.SearchStrategy[Any]:
    """Return values of the same type, which so go further than others."""
    match value:
        case bool():
            return st.just(not value)
        case int():
            return st.sampled_from((0, 1, -1, value + 1, value * 2, 65535, 2**31, 10**15, 2**53 - 1)) | st.integers()
        case float():
            return st.sampled_from((0.0, -1.0, 1e-9, 1e-300, 1e15)) | st.floats()
        case str():
            return st.sampled_from(tuple(word for word in SPECIAL if isinstance(word, str))) | st.just(value * 2)
        case list():
            return st.sampled_from(([], value * 2, value[:1], value[::-1])).map(copy.deepcopy)
        case dict():
            return st.sampled_from(({}, dict(reversed(value.items())), dict(list(value.items())[:1]))).map(
                copy.deepcopy
            )
    return values


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """Return a copy of a document with a few changes: things taken away, repeated, renamed, or put elsewhere."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        all_places = list(places(changed))
        if not all_places:
            break
        place = draw(st.sampled_from(all_places))
        holder, key = inside(changed, place), place[-1]
        match draw(st.sampled_from(("take", "repeat", "move", "replace", "replace", "odd", "odd", "odd"))):
            case "take":
                del holder[key]
            case "repeat" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case "repeat":
                holder[draw(st.sampled_from(KEYS))] = copy.deepcopy(holder[key])
            case "move":
                other = draw(st.sampled_from(all_places))
                holder[key] = copy.deepcopy(inside(changed, other)[other[-1]])
            case "odd":
                holder[key] = draw(_odd(holder[key]))
            case _:
                holder[key] = draw(values)
    return changed


@st.composite
def scribbled(draw: st.DrawFn, text: str, words: tuple[str, ...]) -> str:
    """Return a text of which a few stretches are cut, doubled, or written over."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        new = draw(st.sampled_from(("", text[start:end] * 2, *words)) | st.text(max_size=6))
        text = text[:start] + new + text[end:]
    return text


@cache
def lines(path: Path) -> tuple[Any, ...]:
    """Return the lines of a file of samples; a report is one line."""
    text = path.read_text(encoding="utf-8")
    return (json.loads(text),) if path.suffix == ".json" else tuple(json.loads(line) for line in text.splitlines())


@contextmanager
def in_time() -> Iterator[None]:
    """Fail where what is inside takes too much time of the processor."""
    began = time.process_time()
    yield
    assert time.process_time() - began < MOST_S


def written(report: Report) -> None:
    """Write a report in every way; fail where that is not possible, or nobody could read it again."""
    assert as_text(report, verbose=True).encode()
    try:
        assert read_report(as_json(report)).verdicts == report.verdicts
    except LbcheckError as error:
        raise AssertionError(error) from None


def sentence(error: Exception) -> str:
    """Return an error's words; fail where they are not fit for a user."""
    said = str(error)
    if currently_in_test_context():
        event("refused")  # --hypothesis-show-statistics counts them
    assert said
    assert len(said) < MOST_SAID, said
    return said
