"""A line of HAProxy's configuration → its words, without quotes, escapes and comment (configuration manual, 2.2)."""

import re

_GAP = re.compile(r"[ \t\f\v]+")
_PIECE = re.compile(
    r"""'(?P<strong>[^']*)' | "(?P<weak>(?:[^"\\]|\\.)*)" | (?P<plain>\\x[0-9a-fA-F]{2} | \\.? | [^\s'"\\#]+)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", " ": " ", "\\": "\\", "#": "#", "'": "'", '"': '"'}


class LineError(ValueError):
    """A line that HAProxy refuses: a quote that is not closed, an escape that is none."""


def words(line: str) -> list[str]:
    """Return the words of a line, which ends at a CR; variables of the environment stay as they are written."""
    line = line.partition("\r")[0]
    found: list[str] = []
    place, within = 0, False  # within: the next piece belongs to the last word
    while place < len(line) and line[place] != "#":
        if gap := _GAP.match(line, place):
            place, within = gap.end(), False
            continue
        text, place = _piece(line, place)
        if within:
            found[-1] += text
        else:
            found.append(text)
        within = True
    return found


def _piece(line: str, place: int) -> tuple[str, int]:
    """Return a quoted part, an escape or some plain text at a place, as it is meant, and where it ends."""
    piece = _PIECE.match(line, place)
    if not piece:
        raise LineError(f"the quote {line[place]} is not closed")
    if piece["strong"] is not None:
        return piece["strong"], piece.end()
    weak = piece["weak"]
    return _plain(piece["plain"]) if weak is None else _plain(weak).replace("\\$", "$"), piece.end()


def _plain(text: str) -> str:
    return _ESCAPE.sub(_meant, text)


def _meant(escape: "re.Match[str]") -> str:
    """Return what a backslash and what follows it mean; most of them are themselves, as in a regular expression."""
    letter = escape[1]
    if letter == "x":
        raise LineError("after \\x stand two hexadecimal digits")
    return chr(int(letter[1:], 16)) if len(letter) == 3 else _NAMED.get(letter, escape[0])
