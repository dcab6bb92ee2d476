"""Where counters and logs are read: one line for each scheme of a URI, which is the text before its first colon.

A further product is its words, a line here for each scheme, and the module that the line names.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    """A make of load balancer, and those of its own words that sentences repeat."""

    name: str
    no_free_port: str = ""  # what it logs at each attempt to connect that finds no source port; empty: not known
    failed_connections: str = ""  # what it calls its count of attempts to connect that failed; empty: not known


HAPROXY = Product("HAProxy", no_free_port="no free ports", failed_connections="econ")


@dataclass(frozen=True)
class Scheme:
    """How one kind of URI is written, whose counters are there, and what reads them.

    `module` is a module's full name, as text, for the model loads nothing that does anything. Its function
    `read(step: ReadCounters) -> Counters` reads.
    """

    product: Product
    form: str  # as it is written: for sentences, and `://` in it is asked for
    module: str
    on_host: bool = False  # the URI is a place on the balancer's own host: it is read there


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
    """Return the scheme of a URI of statistics; None where there is no such scheme, or the URI is not written so."""
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
    """Return the product of this name, with its words."""
    return next((scheme.product for scheme in COUNTERS.values() if scheme.product.name == name), Product(name))


def of_log(path: str) -> str:
    """Return the module that counts lines there."""
    return LOGS.get(path.partition(":")[0], LOG_FILE)
