"""From what was written to a value of its type, or a sentence that repeats it."""

from collections.abc import Callable
from typing import Any

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.loaders import values

NAN, HUGE = float("nan"), "9" * 5000


@pytest.mark.parametrize("given", [True, "true", "True", " YES ", "on", "y", "t", "1", 1])
def test_what_ansible_takes_for_true_is_true(given: object) -> None:
    """Also as text: every value in an INI inventory's :vars is one."""
    assert values.flag(given) is True


@pytest.mark.parametrize("given", [False, "false", "FALSE", "no", "off", "n", "f", "0", 0])
def test_what_ansible_takes_for_false_is_false(given: object) -> None:
    """A text is not true for being there."""
    assert values.flag(given) is False


@pytest.mark.parametrize("given", ["", "maybe", "falsch", 2, -1, 0.5, NAN, None, [], ["no"], {}, "{{ lab }}"])
def test_any_other_flag_is_an_error(given: object) -> None:
    """No guess: one of the two would switch every limit off."""
    with pytest.raises(LbcheckError, match="is neither true nor false"):
        values.flag(given)


def test_a_text_where_a_list_belongs_is_one_item() -> None:
    """It is never its characters."""
    assert values.each(values.address)("198.18.0.1") == ("198.18.0.1",)
    assert values.each(values.text)("unix:/run/s.sock") == ("unix:/run/s.sock",)
    assert values.each(values.port)(8080) == (8080,)


@pytest.mark.parametrize(
    ("read", "given", "sentence"),
    [
        (values.text, 1.10, "'1.1' is no text; if one is meant, write it in quotes"),
        (values.text, True, "'True' is no text"),
        (values.text, ["a"], "'['a']' is no text"),
        (values.text, "\ud800", r"'\ud800' is no text"),
        (values.text, "a\0b", r"'a\x00b' is no text"),
        (values.text, " ", "' ' is no text"),
        (values.each(values.text), {"a": 1}, "'{'a': 1}' is no list"),
        (values.each(values.text), ["a", None], "'['a', None]' has an item that is null"),
        (values.number, HUGE, "…' is not between 0 and"),
        (values.number, NAN, "'nan' is not a whole number"),
        (values.number, "٣", "'٣' is not a whole number"),
        (values.share, 10**400, "is not a share from 0 to 1"),
        (values.share, "nan", "'nan' is not a share from 0 to 1"),
        (values.address, "1", "'1' is not an IP address"),
        (values.address, 16909060, "'16909060' is not an IP address"),
        (
            values.addresses,
            ["10.0.0.0/15", "10.2.0.1-10.2.0.9"],
            "'10.2.0.1-10.2.0.9' are 9 addresses; with the others 131,079,",
        ),
        (values.port_ranges, "8080,x", "'x' is not a whole number"),
        (values.port_ranges, ",".join(["1"] * 70_000), "70,000 ranges are more than there are ports"),
        (values.port_range, "1-" + HUGE, "is not a port range"),
        (values.mapping, ["a"], "'['a']' is no mapping"),
    ],
)
def test_what_has_another_type_is_a_sentence(read: Callable[[object], Any], given: object, sentence: str) -> None:
    """It begins with what was written, and says what was expected."""
    with pytest.raises(LbcheckError) as caught:
        read(given)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_number_that_python_does_not_write_is_a_sentence() -> None:
    """YAML's hexadecimal numbers have no limit, and Python's decimal ones 4,300 digits."""
    with pytest.raises(LbcheckError, match=r"^0x100000000000000000… is not between 0 and"):
        values.number(1 << 200_000)


def test_a_whole_number_may_be_a_name() -> None:
    """YAML, and INI beside a host, read a server called 7 as a number."""
    assert values.text(7) == "7"


def test_what_is_shown_is_short_and_harmless() -> None:
    """Of what is large its beginning; no character that moves a cursor; what refers to itself ends."""
    unfolding: object = "x"
    for _ in range(30):
        unfolding = [unfolding] * 9
    circle: list[object] = []
    circle.append(circle)
    for given in (unfolding, circle, "x" * 10**6, {str(n): n for n in range(10**5)}, "\x1b[2J\n\u202e", 1 << 10**6):
        assert len(values.shown(given)) < 80
        assert values.shown(given).isprintable()
