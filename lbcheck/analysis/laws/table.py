"""The table of laws: which law an algorithm keeps, by the product that runs it.

Sources: the products' manuals, and what docs/laws.md says was measured. A further algorithm is a further row.
"""

from collections.abc import Callable, Iterator, Mapping

from lbcheck.analysis.laws.draws import DRAWS, Draws, equally, second_of_two
from lbcheck.analysis.laws.exact_cycle import ExactCycle
from lbcheck.analysis.laws.namesakes import Namesakes
from lbcheck.analysis.laws.no_server_starves import NoServerStarves
from lbcheck.analysis.laws.none_owed import NoneOwed
from lbcheck.analysis.laws.one_key import ONE_KEY
from lbcheck.analysis.laws.ring import Ring
from lbcheck.analysis.laws.tally import Law
from lbcheck.analysis.wheels.blocks import BLOCKS, BLOCKS_FROM_SECOND
from lbcheck.analysis.wheels.edf import EDF, EDF_IF_UNEQUAL
from lbcheck.analysis.wheels.fast_weighted import FAST_WEIGHTED
from lbcheck.analysis.wheels.smooth import SMOOTH
from lbcheck.analysis.wheels.weighted_map import WEIGHTED_MAP

LAWS: Mapping[str, Mapping[str, Law]] = {
    "HAProxy": {
        "roundrobin": ExactCycle(FAST_WEIGHTED),
        "static-rr": ExactCycle(WEIGHTED_MAP),
        "random": Ring(0.05),  # the ring alone was measured up to 0.039 off
        "leastconn": NoServerStarves("leastconn"),
        "first": NoneOwed("first"),
        **dict.fromkeys(("source", "uri", "url_param", "hdr", "rdp-cookie", "hash"), ONE_KEY),
    },
    "nginx": {
        "round_robin": ExactCycle(SMOOTH),
        "least_conn": NoServerStarves("least_conn"),
        "random": DRAWS,
        "random two": Draws(second_of_two),
        "ip_hash": ONE_KEY,
        "hash": ONE_KEY,
    },
    "Envoy": {
        "ROUND_ROBIN": ExactCycle(EDF_IF_UNEQUAL),
        "LEAST_REQUEST": NoServerStarves("LEAST_REQUEST"),
        "RANDOM": Draws(equally),
        "RING_HASH": ONE_KEY,
        "MAGLEV": ONE_KEY,
    },
    "Traefik": {
        "wrr": ExactCycle(EDF),
        "p2c": Draws(equally),
        "hrw": ONE_KEY,
        "leasttime": NoneOwed("leasttime"),  # averages are whole milliseconds: a fast server may keep everything
    },
    "Caddy": {
        "round_robin": ExactCycle(BLOCKS_FROM_SECOND),
        "weighted_round_robin": ExactCycle(BLOCKS_FROM_SECOND),
        "random": Draws(equally),
        "random_choose": Draws(equally),
        "least_conn": Draws(equally),
        "first": NoneOwed("first"),
        **dict.fromkeys(("ip_hash", "client_ip_hash", "uri_hash", "header", "cookie", "query"), ONE_KEY),
    },
    "Apache": {
        "byrequests": DRAWS,  # a cycle whose processes race: what they lose is not made good
        "bytraffic": NoServerStarves("bytraffic"),
        "bybusyness": NoServerStarves("bybusyness"),
    },
    "iptables": {"random": DRAWS, "nth": ExactCycle(BLOCKS)},
    "nftables": {"random": DRAWS, "inc": ExactCycle(BLOCKS), "jhash": ONE_KEY},
}

# Where each connection may meet another worker and nobody told the algorithm: draws, or a cycle of each worker.
WORKERS = ExactCycle(SMOOTH)

# What a hash does with a request that lacks its key. HAProxy and nginx take turns (their manuals: `balance url_param`,
# `hash`); others draw, whatever the weight in Caddy (docs/laws.md).
WITHOUT_KEY: Mapping[str, Law] = {
    "HAProxy": ExactCycle(WEIGHTED_MAP),
    "nginx": ExactCycle(SMOOTH),
    "Caddy": Draws(equally),
}


def law_of(algorithm: str, product: str = "") -> Law | None:
    """Return the law of an algorithm of a product; if the product is empty or unknown, what all namesakes owe.

    If nobody told a product, those that write the name exactly so come first: `leastconn` is HAProxy's, `least_conn` is
    nginx's and Caddy's.
    Arguments are passed over: hdr for `hdr(host)`, random for `random(2)`, uri for `uri depth 3`. None: no such row.
    """
    called = product_called(product)
    tables = [LAWS[called]] if called else LAWS.values()
    for same in (_normal,) if product else (str, _normal):
        found = dict.fromkeys(law for rows in tables if (law := _row(rows, algorithm, same)))
        if found:
            return next(iter(found)) if len(found) == 1 else Namesakes(tuple(found))
    return None


def law_applied(algorithm: str, product: str = "") -> Law | None:
    """Return the law that counts are held to: that of the algorithm, or draws by weight if nobody told one (empty)."""
    return law_of(algorithm, product) if algorithm else DRAWS


def product_called(name: str) -> str:
    """Return a product's name as the table writes it; empty: it has none of that name."""
    return next((product for product in LAWS if _normal(product) == _normal(name)), "")


def algorithms(product: str = "") -> tuple[str, ...]:
    """Return the names of a product's algorithms, or of all products'."""
    rows = [LAWS[product_called(product)]] if product_called(product) else LAWS.values()
    return tuple(dict.fromkeys(name for laws in rows for name in laws))


def _row(rows: Mapping[str, Law], algorithm: str, same: Callable[[str], str]) -> Law | None:
    named = {same(name): law for name, law in rows.items()}
    return next((named[same(name)] for name in _names(algorithm) if same(name) in named), None)


def _names(algorithm: str) -> Iterator[str]:
    """Give the names under which an algorithm may be found, without its arguments, the longest first."""
    words = algorithm.partition("(")[0].split()
    yield from (" ".join(words[:length]) for length in range(len(words), 0, -1))


def _normal(name: str) -> str:
    """Return a name without what products write differently: case, hyphens, underscores."""
    return name.lower().replace("-", "").replace("_", "")


def law_without_key(product: str) -> Law:
    """Return the law of a hash whose key a request lacks; of draws, which cycles keep, too, if it is not known."""
    return WITHOUT_KEY.get(product_called(product), DRAWS)
