"""Where to read counters and logs: one line for each scheme of a URI (the text before its first colon).

A further product is its words, a line here for each scheme, and the module that the line names.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A make of load balancer, and its own terms that sentences quote."""

    name: str
    no_free_port: str = ""  # what it logs at each attempt to connect that finds no source port; empty: not known
    failed_connections: str = ""  # what it calls its count of attempts to connect that failed; empty: not known
    heaviest: int | None = None  # the largest weight that it takes; None: not known


HAPROXY = Product("HAProxy", no_free_port="no free ports", failed_connections="econ", heaviest=256)


@dataclass(frozen=True)
class Scheme:
    """The form of one kind of URI, the product that writes counters there, and the module that reads them.

    `module`: the full name of a module, as text, because the model must not import code that does I/O. The module's
    function `read(step: ReadCounters) -> Counters` reads.
    """

    product: Product
    form: str  # the form of the URI, for sentences; a URI needs `://` if the form has it
    module: str
    on_host: bool = False  # the URI is local to the balancer's host, so it must be read there


COUNTERS: dict[str, Scheme] = {
    "unix": Scheme(HAPROXY, "unix:PATH", "lbcheck.sources.haproxy_socket", on_host=True),
    "tcp": Scheme(HAPROXY, "tcp://HOST:PORT", "lbcheck.sources.haproxy_socket"),
    "http": Scheme(HAPROXY, "http[s]://[USER@]HOST/PATH", "lbcheck.sources.haproxy_page"),
    "https": Scheme(HAPROXY, "http[s]://[USER@]HOST/PATH", "lbcheck.sources.haproxy_page"),
}
# Each module's function `count(step: CountLogLines) -> LogLines` counts; what has no scheme here is a file's path.
LOGS: dict[str, str] = {"journal": "lbcheck.sources.journal"}
LOG_FILE = "lbcheck.sources.access_log"


def of_counters(uri: str) -> Scheme | None:
    """Return the scheme of a URI of statistics; None if there is no such scheme, or the URI lacks its form."""
    name, _, rest = uri.partition(":")
    scheme = COUNTERS.get(name)
    return scheme if scheme and rest.startswith("//" if "://" in scheme.form else "") else None


def read_on_host(uri: str) -> bool:
    """Return whether the counters at a URI can be read on the balancer's own host alone."""
    scheme = of_counters(uri)
    return bool(scheme and scheme.on_host)


def forms() -> str:
    """Return how URIs of statistics are written, for a sentence."""
    *most, last = dict.fromkeys(scheme.form for scheme in COUNTERS.values())
    return f"{', '.join(most)} or {last}"


def product_at(uris: Iterable[str]) -> Product:
    """Return the product of a balancer with these statistics. Without any it is HAProxy: `lbcheck_haproxy_log`."""
    found = (scheme.product for scheme in map(of_counters, uris) if scheme)
    return next(found, HAPROXY)


def product_called(name: str) -> Product:
    """Return the product of this name, in upper or lower case, with its terms."""
    products = (scheme.product for scheme in COUNTERS.values())
    return next((product for product in products if product.name.casefold() == name.casefold()), Product(name))


def of_log(path: str) -> str:
    """Return the name of the module that counts the lines of a log."""
    return LOGS.get(path.partition(":")[0], LOG_FILE)
