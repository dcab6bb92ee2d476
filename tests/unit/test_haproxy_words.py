"""How a line of HAProxy's configuration falls into words (configuration manual, 2.2)."""

import pytest

from lbcheck.wire.haproxy_words import LineError, words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("   \t ", []),
        ("# a comment", []),
        ("\tbalance\troundrobin \r", ["balance", "roundrobin"]),
        ("balance roundrobin# a comment", ["balance", "roundrobin"]),
        (r"a\#b \# c", ["a#b", "#", "c"]),
        (r"a\ b c", ["a b", "c"]),
        (r"\\ \' \"", ["\\", "'", '"']),
        (r"a\nb a\x41b \t", ["a\nb", "aAb", "\t"]),
        ('a"b c"d "" e', ["ab cd", "", "e"]),
        (r'"a \"b\" #c" "\x41"', ['a "b" #c', "A"]),
        (r"'a \n \" #' b", [r'a \n \" #', "b"]),
        ("""'it'"'"'s'""", ["it's"]),
        ('bind "${ADDRESS}:80"', ["bind", "${ADDRESS}:80"]),
        ("hdr(X),lower", ["hdr(X),lower"]),
        ("end\\", ["end\\"]),
        (r"path_reg ^/a\.b\1 x\$", ["path_reg", r"^/a\.b\1", r"x\$"]),
        (r'"\$HOME \."', [r"$HOME \."]),
        ("a b\rc", ["a", "b"]),
    ],
)  # fmt: skip
def test_a_line_falls_into_words(line: str, expected: list[str]) -> None:
    """Quotes, escapes and comments are as in a shell; variables of the environment stay as they are."""
    assert words(line) == expected


@pytest.mark.parametrize("line", ["a 'b", 'a "b', r'"a\"', """'a'"b""", "a'"])
def test_an_open_quote_is_told(line: str) -> None:
    """HAProxy refuses such a line, too."""
    with pytest.raises(LineError, match="is not closed"):
        words(line)


@pytest.mark.parametrize("line", [r"a\xg1", r"a\x4", r'"\x"'])
def test_an_escape_that_is_none_is_told(line: str) -> None:
    """As HAProxy refuses it."""
    with pytest.raises(LineError, match="two hexadecimal digits"):
        words(line)
