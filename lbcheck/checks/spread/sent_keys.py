"""The keys that are sent to a hash: a few values of each header that the user names, and what came of them."""

import re
from collections import Counter
from collections.abc import Sequence

from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.question import Question
from lbcheck.model.verdict import Finding, Outcome

KEYS = 8  # over three servers, all of them meet one server in one run of 2,187
REQUESTS_A_KEY = 10  # if one of two servers were picked at random, all ten would agree in one run of 512

_HEADER = re.compile(r"header:[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2

Fields = tuple[tuple[str, str], ...]


def understood(hash_key: str) -> bool:
    """Return whether this says where a hash takes its key from."""
    return bool(_HEADER.fullmatch(hash_key))


def keys(question: Question, token: str) -> Sequence[tuple[str, Fields]]:
    """Return each key with the header fields that carry it; one empty key without fields if the user named none.

    Each of several headers carries the key: whichever of them is hashed, one key then owes one server.
    """
    names = [hash_key.removeprefix("header:") for hash_key in question.asked.hash_keys]
    if not names:
        return [("", ())]
    values = [f"{token or 'lbcheck'}-{number}" for number in range(1, KEYS + 1)]
    return [(value, tuple((name, value) for name in names)) for value in values]


def requests(question: Question) -> int:
    """Return how many requests tell whether one key meets one server; 0 if the user named no key."""
    return KEYS * REQUESTS_A_KEY if question.asked.hash_keys else 0


def findings(seen: Observations, known: Known) -> list[Finding]:
    """Say how many of the keys that were sent met which server: shares of a hash are no finer than that."""
    keys = _met(seen)
    if not keys or any(len(names) > 1 for names in keys.values()):
        return []
    servers = Counter(name for names in keys.values() for name in names)
    counts = ", ".join(f"{name} {number:,}" for name, number in sorted(servers.items()))
    unmet = [name for name, weight in known.weights.items() if weight and name not in servers]
    none = f"; none met {', '.join(unmet)}, which may be with so few" if unmet else ""
    return [Finding(Outcome.PASS, f"each of {len(keys):,} keys met one server ({counts}){none}")]


def _met(seen: Observations) -> dict[str, set[str]]:
    """Return each key that was sent and answered, with the servers that answered it."""
    found: dict[str, set[str]] = {}
    for answers in seen.answers:
        if answers.key and answers.counts:
            found.setdefault(answers.key, set()).update(count.server for count in answers.counts)
    return found
