"""A host's name as Ansible is told it. The `hosts` of a play are a template, and then patterns; a name is neither."""

import base64
import re
import secrets

from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Failure

# What Ansible calls this machine for a run: no host of any inventory, for one may be called `localhost`, or `here`.
ITSELF = f"lbcheck-{secrets.token_hex(8)}"
_LITERAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # Ansible takes it for a host of that name before all else
_TEMPLATES = ("{{", "{%", "{#")


def called(host: str) -> str:
    """Return the name by which Ansible knows where a step runs."""
    return ITSELF if host == HERE else host


def refusal(host: str) -> Failure | None:
    """Return why a host cannot be reached for its name; None where it can.

    Before 2.19 Ansible runs a template in a host's name wherever that is a variable's value, as for each ssh.
    """
    if any(mark in host for mark in _TEMPLATES):
        sentence = f"host '{host}': its name is a template, which Ansible might run here; it has to have another"
        return Failure(ErrorKind.UNREACHABLE, sentence)
    return None


def pattern(name: str) -> str:
    """Return the pattern of one host: its name, or a regular expression without any letter that has a meaning."""
    if _LITERAL.fullmatch(name):
        return name
    return "~" + "".join(rf"\U{ord(letter):08x}" for letter in name) + r"\Z"


def key(name: str) -> str:
    """Return what stands for a name in a play's variables: `inventory_hostname | b64encode`."""
    return base64.b64encode(name.encode(errors="surrogatepass")).decode()
