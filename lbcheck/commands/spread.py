"""`lbcheck spread URL`: who answers, held to what the algorithm owes."""

import argparse
from urllib.parse import SplitResult

from lbcheck import pipeline
from lbcheck.analysis.laws import table
from lbcheck.checks.spread import sent_keys
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.loaders.command_line import of_url
from lbcheck.model import schemes
from lbcheck.model.address import URL_PORTS, is_address, is_loopback
from lbcheck.model.asked import Asked
from lbcheck.model.login import shown
from lbcheck.model.plan import Options
from lbcheck.model.url import taken_apart
from lbcheck.probing.dns.addresses import addresses_of
from lbcheck.wire.http.request import OURS


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--stats", action="append", default=[], metavar="URI", help=f"{schemes.forms()}; one a process")
    parser.add_argument(
        "--identify", default="header:x-served-by", metavar="HOW", help="header:NAME, cookie:NAME or body:REGEX"
    )
    parser.add_argument("--identify-balancer", default="", metavar="HOW", help="the same, for the balancer's name")
    parser.add_argument("--weights", type=take.weights, default={}, metavar="s1=1,s2=2")
    parser.add_argument("--servers", type=take.servers, default=(), metavar="N|a,b", help="how many, or which")
    parser.add_argument(
        "--names", type=take.names, default={}, metavar="A=B,…", help="server A of the balancer calls itself B"
    )
    parser.add_argument("--backend", default="", metavar="NAME", help="the balancer's name for it")
    parser.add_argument("--algorithm", default="", metavar="NAME", help="the product's name for it")
    parser.add_argument("--product", default="", metavar="NAME", help="who balances: HAProxy, nginx, Envoy, …")
    parser.add_argument(
        "--unit", choices=("request", "connection"), default="", help="what a server is chosen for (as it is seen)"
    )
    parser.add_argument(
        "--expect", type=take.statuses, default=(), metavar="2xx,301", help="right statuses (all but 5xx)"
    )
    parser.add_argument(
        "--detect",
        type=take.fault,
        default=0.5,
        metavar="PERCENT",
        help="the smallest fault, of a weight (50)",
    )
    parser.add_argument(
        "--power", type=take.percent, default=0.99, metavar="PERCENT", help="how surely that fault is found (99)"
    )
    parser.add_argument(
        "--hash-key", action="append", default=[], metavar="header:NAME", help="what a hash is taken of; repeatable"
    )
    parser.add_argument(
        "--haproxy-config",
        action="append",
        default=[],
        metavar="FILE",
        help="a configuration file of HAProxy, or a directory of such, on this machine; repeatable, in HAProxy's order",
    )
    take.requests(parser)
    parser.add_argument("--concurrency", type=take.count, default=4, metavar="C")
    parser.add_argument("--keep-alive", action="store_true", help="many requests a connection")
    parser.add_argument(
        "--resolve", action="append", default=[], metavar="HOST:PORT:ADDR", help="connect there; several in turn"
    )
    parser.add_argument(
        "--source", action="append", default=[], metavar="ADDR", help="send from this address; repeatable"
    )
    take.probe(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    if options.haproxy_config and (wrong := pipeline.fault_of_configuration(options.haproxy_config)):
        raise LbcheckError(f"--haproxy-config {wrong}")
    addresses = _targets(options)
    loopback = bool(addresses) and all(is_loopback(address) for address in addresses)
    question = of_url(
        options.url,
        stats=options.stats,
        weights=options.weights,
        servers=() if isinstance(options.servers, int) else options.servers,
        backend=options.backend,
        algorithm=_known(options.algorithm, options.product),
        configuration=options.haproxy_config,
        addresses=addresses,
        identify=take.tells("--identify", options.identify),
        identify_balancer=take.tells("--identify-balancer", options.identify_balancer),
        asked=_asked(options),
    )
    asked = Options(
        requests=options.requests,
        concurrency=options.concurrency,
        keep_alive=options.keep_alive,
        sources=tuple(options.source),
        silence_s=options.within,
        ca=take.trusted(options),
        **output.asked(options, lab=False, loopback=loopback),
    )
    return output.measure(options, question, asked, checks=["spread"])


def _asked(options: argparse.Namespace) -> Asked:
    number = options.servers if isinstance(options.servers, int) else 0
    if options.weights and options.servers:
        raise LbcheckError("--weights and --servers both say which servers there are: give one of them")
    return Asked(
        detect=options.detect,
        power=options.power,
        expect=options.expect,
        servers=number,
        names=options.names,
        unit=options.unit,
        product=options.product,
        hash_keys=tuple(_sendable(hash_key) for hash_key in options.hash_key),
    )


def _sendable(hash_key: str) -> str:
    """Return what a hash takes its key from; refuse what lbcheck cannot send a key in."""
    if not sent_keys.understood(hash_key):
        raise LbcheckError(f"--hash-key '{hash_key}' is not of the form header:NAME")
    name = hash_key.removeprefix("header:")
    if name.lower() in (*OURS, "host"):
        raise LbcheckError(f"--hash-key: lbcheck sends {name} itself, and no other value of it")
    return hash_key


def _known(algorithm: str, product: str) -> str:
    if product and not table.product_called(product):
        raise LbcheckError(f"--product '{product}' is not one of {', '.join(table.LAWS)}")
    if algorithm and not table.law_of(algorithm, product):
        whose = f"{table.product_called(product)}'s" if product else "those that lbcheck knows"
        raise LbcheckError(f"--algorithm '{algorithm}' is not one of {whose}: {', '.join(table.algorithms(product))}")
    return algorithm


def _targets(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the addresses to connect to: those of --resolve, else every address that the URL's host has here."""
    url = _http_url(options.url)
    host, port = url.hostname or "", url.port or URL_PORTS[url.scheme]
    for source in options.source:
        take.address("--source", source)
    given = [_resolve(text) for text in options.resolve]
    chosen = tuple(address for name, number, address in given if (name, number) == (host.lower(), port))
    if given and not chosen:
        raise LbcheckError(f"--resolve names no address for {host}:{port}, where {options.url} goes")
    if chosen or is_address(host):
        return chosen or (host,)
    return () if options.plan else addresses_of(host)


def _http_url(text: str) -> SplitResult:
    try:
        url = taken_apart(text)
    except LbcheckError as error:
        raise LbcheckError(f"URL '{shown(text)}': {error}") from None
    if "@" in url.netloc:
        raise LbcheckError(f"URL '{shown(text)}' has a user, and lbcheck sends none: leave it out")
    return url


def _resolve(text: str) -> tuple[str, int, str]:
    host, _, rest = text.partition(":")
    port, _, address = rest.partition(":")
    address = address.strip("[]")
    if not (host and port.isascii() and port.isdecimal() and len(port) <= 5 and address):
        raise LbcheckError(f"--resolve '{text}' is not of the form HOST:PORT:ADDR")
    return host.lower(), int(port), take.address("--resolve", address)
