"""What somebody wrote as a URL or as a host's name: taken apart, or refused by a sentence, before anything is sent."""

import re
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.model.address import URL_PORTS, is_address

LONGEST_NAME = 253  # letters, without the dot at its end: 255 bytes as DNS has it (RFC 1035, section 3.1)
LONGEST_LABEL = 63
_HOST = re.compile(r"[\w.:%~-]+", re.ASCII)
_NO_NAME = re.compile(r"[\s/:@]")
_PLACE = re.compile(r"(?:\[[^\[\]]*\]|[^\[\]:]*)(?::[0-9]*)?")  # nothing between the bracket and the port


def taken_apart(url: str, schemes: Collection[str] = tuple(URL_PORTS)) -> SplitResult:
    """Take a URL apart; LbcheckError says what is wrong, and repeats no more of it than its port.

    urlsplit passes over line ends and tabs, and over what follows a bracket; somebody else would ask for another URL.
    """
    if not url.isprintable() or url != url.strip():
        raise LbcheckError("it has blanks around it, or what cannot be seen; write that as %0A and the like")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError as error:
        raise LbcheckError(str(error)) from None
    if parts.scheme not in schemes:
        raise LbcheckError(f"it does not start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    host = in_ascii(parts.hostname or "")
    if ":" in host and "%25" in host:  # RFC 6874, as browsers never had it; getaddrinfo takes a plain %
        raise LbcheckError(f"write its interface with a plain %, as in [{host.replace('%25', '%', 1)}]")
    if not _HOST.fullmatch(host) or not _PLACE.fullmatch(parts.netloc.rpartition("@")[2]):
        raise LbcheckError(f"it names no host; write {parts.scheme}://HOST[:PORT]/PATH")
    if parts.port is None and parts.scheme not in URL_PORTS:
        raise LbcheckError(f"it has no port; write {parts.scheme}://HOST:PORT")
    if parts.port == 0:
        raise LbcheckError("it asks for port 0, where nobody listens")
    return parts


def in_ascii(host: str) -> str:
    """Return a host's name or address as it is asked for (IDNA); LbcheckError where DNS can have no such name."""
    with suppress(UnicodeError):
        name = host.encode("idna").decode()
        if len(name.removesuffix(".")) <= LONGEST_NAME:
            return name
    raise LbcheckError(f"a name of DNS has at most {LONGEST_NAME} letters, and 1 to {LONGEST_LABEL} between two dots")


def refuse_no_name(text: str) -> None:
    """Raise LbcheckError where DNS cannot be asked for the addresses of a name."""
    if is_address(text) or _NO_NAME.search(text) or not text.strip("."):
        raise LbcheckError(f"'{text}' is no domain name: write it as www.example.com, without http:// or a port")
    try:
        in_ascii(text)
    except LbcheckError as error:
        raise LbcheckError(f"'{text}' is no domain name: {error}") from None
