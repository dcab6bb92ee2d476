"""The format `outline`: a line a verdict, and the kinds of its exhibits."""

from lbcheck.model.exhibit import Shown, Style


def render(shown: Shown, style: Style) -> str:
    """Return the outline."""
    lines = (
        f"{verdict.check} {verdict.outcome} {' '.join(type(exhibit).__name__ for exhibit in exhibits)}".rstrip()
        for verdict, exhibits in shown.verdicts
    )
    return "".join(f"{line}\n" for line in lines)
