"""The groups of `ansible-inventory --list`."""

from collections.abc import Mapping, Sequence
from typing import Any


def members(listing: Mapping[str, Any], groups: Sequence[str]) -> list[str]:
    """Return the hosts of some groups and of all below them, each once: a group's own before its children's.

    Each group is entered once, however many ways lead to it.
    """
    found: dict[str, None] = {}
    seen: set[str] = set()
    ahead = [*reversed(groups)]
    while ahead:
        group = ahead.pop()
        if group not in seen:
            seen.add(group)
            body = listing.get(group)
            body = body if isinstance(body, Mapping) else {}
            found |= dict.fromkeys(body.get("hosts", ()))
            ahead += reversed(body.get("children", ()))
    return list(found)
