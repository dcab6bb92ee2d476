"""Numbers as bars."""

LONGEST = 32  # characters
_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(value: int, most: int) -> str:
    """Return a bar of LONGEST characters, blanks included. A full bar stands for `most`; only 0 has none at all."""
    eighths = round(value * LONGEST * 8 / most) if most else 0
    if value and not eighths:
        eighths = 1
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[rest].strip()).ljust(LONGEST)
