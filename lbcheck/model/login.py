"""A password in a URL: refused before anything repeats it, for reports, samples, plans and logs repeat URLs."""

import re

from lbcheck.errors import LbcheckError

# `://`, a user or none, a colon, and an `@` behind it. What stands between a colon and `/` is a port where it is digits
# (RFC 3986, section 3.2), else a password whose slash nobody wrote as %2F. In brackets stands IPv6, colons and all.
_PASSWORD = re.compile(r"://(?:\[[^\]\s]*\]|[^\[/?#\s:][^/?#\s:]*|):(?!\d*(?:[/?#]|\Z))\S{0,1000}@")
_LOGIN = re.compile(rf"{_PASSWORD.pattern}|://[^/?#\s]*@")


def refuse_password(text: str) -> None:
    """Raise LbcheckError if a text has a URL with a password; its sentence says where that leads, and no more."""
    if found := _PASSWORD.search(text):
        place = re.split(r"\s", text[found.end() :], maxsplit=1)[0]
        raise LbcheckError(
            f"the URL at {place} has a password, and reports, samples and logs repeat URLs: "
            "the password of statistics goes into LBCHECK_STATS_PASSWORD, and lbcheck sends no other"
        )


def without_login(text: str) -> str:
    """Return a text whose URLs have neither user nor password: somebody else wrote them."""
    return _LOGIN.sub("://", text)


def shown(text: str) -> str:
    """Return what was given as a URL as a sentence may say it: nothing of what stands before an `@`."""
    _, at, rest = text.rpartition("@")
    return f"…@{rest}" if at else text
