"""Whether the probe's requests carry what a hash takes its key from. Without it a balancer does not hash."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

_ALWAYS = ("source", "uri")  # every request has an address and a path
_SENT_HEADERS = ("host", "user-agent", "accept")  # of each request


def surely_sent(algorithm: str, url: str, hash_keys: Sequence[str]) -> bool:
    """Return whether each request carries the key of `algorithm`, so that one key must meet one server.

    A balancer may tell an algorithm without its argument (`hdr`): then only the user's word on the key is sure.
    """
    name, _, rest = algorithm.replace("(", " ", 1).partition(" ")
    argument = rest.strip().partition(")")[0].partition(" ")[0].partition(",")[0].lower()
    if name in _ALWAYS or (hash_keys and not argument):
        return True
    if name == "hdr":
        return argument in (*_SENT_HEADERS, *(key.partition(":")[2].lower() for key in hash_keys))
    if name == "url_param":
        return argument in map(str.lower, parse_qs(urlsplit(url).query, keep_blank_values=True))
    return bool(hash_keys)
