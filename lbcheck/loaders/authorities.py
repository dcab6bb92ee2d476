"""A file of certificates of authorities, in PEM → its text, to be carried to the hosts that ask."""

import re
import ssl
from collections.abc import Sequence
from pathlib import Path

from lbcheck import documents
from lbcheck.errors import LbcheckError

# Nothing else of the file goes anywhere: it may hold a private key, too.
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
SIZE_LIMIT = 4 * 1024 * 1024  # bytes; a system's whole store is about 220 kB


def read(name: str, *, said_by: str) -> str:
    """Return the certificates of a file, in PEM; LbcheckError where there are none, or it cannot be read."""
    try:
        text = documents.read(Path(name), SIZE_LIMIT).decode("ascii", "replace")
    except LbcheckError as error:
        raise LbcheckError(f"{said_by} {error}") from None
    except OSError as error:
        raise LbcheckError(f"{said_by} {name}: {error.strerror}") from None
    certificates = "".join(f"{found}\n" for found in _CERTIFICATE.findall(text))
    if not certificates:
        raise LbcheckError(f"{said_by} {name}: no certificate in PEM (-----BEGIN CERTIFICATE-----) is in it")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError) as error:
        raise LbcheckError(f"{said_by} {name}: a certificate in it cannot be read: {error}") from None
    return certificates


def beside(inventories: Sequence[str], name: str) -> str:
    """Return the path of a file that an inventory names: relative to the first inventory that has it beside it."""
    folders = [Path(inventory) if Path(inventory).is_dir() else Path(inventory).parent for inventory in inventories]
    return str(next((folder / name for folder in folders if (folder / name).exists()), name))
