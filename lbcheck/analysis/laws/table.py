"""The table of laws: which law an algorithm keeps, by the product that runs it."""

from collections.abc import Mapping

from lbcheck.analysis.laws.cycle import CYCLE
from lbcheck.analysis.laws.no_server_starves import NoServerStarves
from lbcheck.analysis.laws.none_owed import NoneOwed
from lbcheck.analysis.laws.one_key import ONE_KEY
from lbcheck.analysis.laws.ring import RING
from lbcheck.analysis.laws.tally import Law

# HAProxy's names. Sources: its configuration manual, `balance`; docs/laws.md for what was measured.
HAPROXY: Mapping[str, Law] = {
    "roundrobin": CYCLE,
    "static-rr": CYCLE,
    "random": RING,
    "leastconn": NoServerStarves("leastconn"),
    "first": NoneOwed("first"),
    **dict.fromkeys(("source", "uri", "url_param", "hdr", "rdp-cookie", "hash"), ONE_KEY),
}


def normal_name(algorithm: str) -> str:
    """Return the name without arguments: hdr for `hdr(host)`, random for `random(2)`, uri for `uri depth 3`."""
    return algorithm.partition("(")[0].split()[0] if algorithm.strip() else ""


def law_of(algorithm: str) -> Law | None:
    """Return the law of an algorithm; None: there is none in the table."""
    return HAPROXY.get(normal_name(algorithm))
