"""The command line: the only place that prints or exits."""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn, TextIO
from urllib.parse import SplitResult, urlsplit

from lbcheck import __version__
from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint, family
from lbcheck.model.plan import Options, Plan, RecordType
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Report

EXIT_STATUS = """exit status: 0 pass, 1 fail, 2 usage or unreadable input, 3 inconclusive, 4 could not measure"""
TYPES: dict[str, tuple[RecordType, ...]] = {"A": ("A",), "AAAA": ("AAAA",), "both": ("A", "AAAA")}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LbcheckError(f"{message} ({self.prog} --help says more)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parser().parse_args(given)
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except LbcheckError as error:
        return _complain(str(error), error.exit_status, given)
    except KeyboardInterrupt:
        return _complain("interrupted", 130, [])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: do not complain at exit
        return 141
    except OSError as error:
        return _complain(f"{error.filename or 'system'}: {error.strerror}", 2, given)
    except Exception as error:  # never a traceback, unless it is asked for
        return _complain(f"internal error: {type(error).__name__}: {error}; -vv shows where", 4, given)


def _complain(sentence: str, status: int, given: Sequence[str]) -> int:
    if "-vv" in given:
        traceback.print_exc()
    sys.stderr.write(f"lbcheck: {sentence}\n")
    return status


# --- arguments ---


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="lbcheck", description="Verifies how load balancers and DNS spread traffic.", epilog=EXIT_STATUS
    )
    parser.add_argument("--version", action="version", version=f"lbcheck {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _run_arguments(_command(commands, "run", _run, "every check that this topology supports"))
    _topology_arguments(_command(commands, "topology", _topology, "what lbcheck understood of an inventory"))
    _dns_arguments(_command(commands, "dns", _dns, "whether a name's addresses rotate, at each layer"))
    _spread_arguments(_command(commands, "spread", _spread, "who answers a URL, held to what the algorithm owes"))
    _report_arguments(_command(commands, "report", _report, "a kept report or kept samples, in another format"))
    _command(commands, "probe", _probe, "run a stage from standard input (what a vantage calls)")
    return parser


def _command(
    commands: "argparse._SubParsersAction[_Parser]", name: str, run: Callable[[argparse.Namespace], int], about: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about.capitalize() + ".", epilog=EXIT_STATUS)
    parser.set_defaults(run=run)
    return parser


def _inventory_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-i", "--inventory", action="append", required=True, help="as Ansible's; repeatable")
    parser.add_argument("--limit", default="", metavar="HOSTS", help="an Ansible pattern: the hosts where probes run")


def _output_arguments(parser: argparse.ArgumentParser, formats: Sequence[str] = ("text", "json")) -> None:
    parser.add_argument("--format", choices=formats, default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the result there")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more words; -vv shows tracebacks")
    parser.add_argument("--no-color", action="store_true")


def _probe_arguments(parser: argparse.ArgumentParser) -> None:
    _output_arguments(parser)
    parser.add_argument("--samples", metavar="FILE", help="keep the raw samples there, as JSON Lines")
    parser.add_argument(
        "--rate", type=_rate, metavar="R", help="a second, over all hosts; 0: no limit (labs, loopback); else 50"
    )
    parser.add_argument("--timeout", type=_seconds, default=5.0, metavar="S", help="for one operation (5)")
    parser.add_argument("--plan", action="store_true", help="print what would be sent, send nothing")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    _inventory_arguments(parser)
    parser.add_argument("--check", action="append", default=[], metavar="NAME", help="only this check; repeatable")
    parser.add_argument("--requests", type=_count, metavar="N", help="in all (as many as settle the question)")
    parser.add_argument("--queries", type=_count, metavar="N", help="a name, type and server")
    _probe_arguments(parser)


def _topology_arguments(parser: argparse.ArgumentParser) -> None:
    _inventory_arguments(parser)
    _output_arguments(parser)


def _dns_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--server", action="append", default=[], metavar="ADDR[:PORT]", help="ask this one; repeatable")
    parser.add_argument("--type", choices=TYPES, default="both")
    parser.add_argument("--queries", type=_count, metavar="N", help="to each server, for each type")
    _probe_arguments(parser)


def _spread_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "--stats", action="append", default=[], metavar="URI", help="unix:PATH, tcp://…, http[s]://…; one a process"
    )
    parser.add_argument(
        "--identify", default="header:x-served-by", metavar="HOW", help="header:NAME, cookie:NAME or body:REGEX"
    )
    parser.add_argument("--identify-balancer", default="", metavar="HOW", help="the same, for the balancer's name")
    parser.add_argument("--weights", type=_weights, default={}, metavar="s1=1,s2=2")
    parser.add_argument("--algorithm", default="", metavar="NAME", help="HAProxy's name for it")
    parser.add_argument("--requests", type=_count, metavar="N", help="in all (as many as settle the question)")
    parser.add_argument("--concurrency", type=_count, default=4, metavar="C")
    parser.add_argument("--keep-alive", action="store_true", help="many requests a connection")
    parser.add_argument(
        "--resolve", action="append", default=[], metavar="HOST:PORT:ADDR", help="connect there; several in turn"
    )
    parser.add_argument(
        "--source", action="append", default=[], metavar="ADDR", help="send from this address; repeatable"
    )
    _probe_arguments(parser)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.json|FILE.jsonl", help="a report, or samples to judge again")
    _output_arguments(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of 1 or more")
    return int(text)


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1e9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate; write a number a second, 0 for no limit")
    return rate


def _seconds(text: str) -> float:
    seconds = _rate(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time of 0 to 3600 seconds")
    return seconds


def _weights(text: str) -> dict[str, int]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and weight.isdecimal() for name, _, weight in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form s1=1,s2=2")
    return {name: int(weight) for name, _, weight in pairs}


# --- commands ---


def _run(options: argparse.Namespace) -> int:
    from lbcheck.loaders.ansible_inventory import load

    topology = load(options.inventory, options.limit)
    for note in topology.notes if options.verbose else ():
        sys.stderr.write(f"lbcheck: not understood: {note}\n")
    asked = Options(requests=options.requests, queries=options.queries, **_common(options))
    return _measure(options, topology, asked, checks=options.check, inventories=options.inventory)


def _topology(options: argparse.Namespace) -> int:
    from lbcheck.loaders.ansible_inventory import load
    from lbcheck.reporters import topology as as_text
    from lbcheck.wire import jsonl

    understood = load(options.inventory, options.limit)
    if options.format == "json":
        _write(options, _json(jsonl.to_json(understood)))
    else:
        _write(options, as_text.render(understood))
    return 0


def _dns(options: argparse.Namespace) -> int:
    from lbcheck.loaders.command_line import of_name

    servers = tuple(Endpoint.parse(server, 53) for server in options.server)
    local = bool(servers) and all(_is_loopback(server.address) for server in servers)
    topology = of_name(options.name, lab=local)
    asked = Options(queries=options.queries, servers=servers, types=TYPES[options.type], **_common(options))
    return _measure(options, topology, asked, checks=["dns"])


def _spread(options: argparse.Namespace) -> int:
    from lbcheck.loaders.command_line import of_url

    addresses = _targets(options)
    topology = of_url(
        options.url,
        stats=options.stats,
        weights=options.weights,
        algorithm=_known(options.algorithm),
        addresses=addresses,
        identify=options.identify,
        identify_balancer=options.identify_balancer,
        lab=bool(addresses) and all(_is_loopback(address) for address in addresses),
    )
    asked = Options(
        requests=options.requests,
        concurrency=options.concurrency,
        keep_alive=options.keep_alive,
        sources=tuple(options.source),
        **_common(options),
    )
    return _measure(options, topology, asked, checks=["spread"])


def _known(algorithm: str) -> str:
    from lbcheck.analysis.algorithms import LAWS, normal_name

    if algorithm and normal_name(algorithm) not in LAWS:
        raise LbcheckError(f"--algorithm '{algorithm}' is not one of HAProxy's: {', '.join(LAWS)}")
    return algorithm


def _targets(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the addresses to connect to: those of --resolve, else every address that the URL's host has here."""
    from lbcheck.probing.addresses import addresses_of

    url = _http_url(options.url)
    host, port = url.hostname or "", url.port or {"http": 80, "https": 443}[url.scheme]
    for source in options.source:
        family(source)
    given = [_resolve(text) for text in options.resolve]
    chosen = tuple(address for name, number, address in given if (name, number) == (host.lower(), port))
    if given and not chosen:
        raise LbcheckError(f"--resolve names no address for {host}:{port}, where {options.url} goes")
    if chosen or options.plan:
        return chosen
    return addresses_of(host)


def _http_url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port  # raises where it is none
    except ValueError as error:
        raise LbcheckError(f"URL '{text}': {error}") from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise LbcheckError(f"URL '{text}' is not of the form http[s]://HOST[:PORT]/PATH")
    return url


def _resolve(text: str) -> tuple[str, int, str]:
    host, _, rest = text.partition(":")
    port, _, address = rest.partition(":")
    address = address.strip("[]")
    if not (host and port.isdecimal() and address):
        raise LbcheckError(f"--resolve '{text}' is not of the form HOST:PORT:ADDR")
    family(address)
    return host.lower(), int(port), address


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _report(options: argparse.Namespace) -> int:
    from lbcheck.run import reread

    report = reread(Path(options.file))
    _render(options, report)
    return report.outcome.exit_status


def _probe(_options: argparse.Namespace) -> int:
    from lbcheck.probe import main as probe

    return probe()


# --- what commands share ---


def _common(options: argparse.Namespace) -> dict[str, Any]:
    from lbcheck.run import new_token

    return {"rate": options.rate, "timeout_s": options.timeout, "token": new_token()}


def _measure(
    options: argparse.Namespace,
    topology: Topology,
    asked: Options,
    *,
    checks: Sequence[str],
    inventories: Sequence[str] = (),
) -> int:
    from lbcheck import run

    if options.plan:
        _write(options, _plan_text(run.plan(run.chosen(topology, checks), topology, asked), options.format))
        return 0
    with ExitStack() as stack:
        keep = stack.enter_context(_new_file(options.samples)) if options.samples else None
        report = run.run(topology, asked, checks=checks, inventories=inventories, keep=keep)
    _render(options, report)
    return report.outcome.exit_status


def _new_file(name: str) -> TextIO:
    try:
        return Path(name).open("x", encoding="utf-8")
    except FileExistsError:
        raise LbcheckError(
            f"--samples {name} exists already; samples are only ever added to a file of their own"
        ) from None


def _plan_text(plan: Plan, form: str) -> str:
    from lbcheck.reporters import plan as as_text
    from lbcheck.wire import jsonl

    return as_text.render(plan) if form == "text" else _json(jsonl.to_json(plan))


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _render(options: argparse.Namespace, report: Report) -> None:
    from lbcheck.reporters import json as as_json
    from lbcheck.reporters import text as as_text

    if options.format == "json":
        _write(options, as_json.render(report))
    else:
        colour = not (options.no_color or options.output or "NO_COLOR" in os.environ) and sys.stdout.isatty()
        _write(options, as_text.render(report, colour=colour, verbose=bool(options.verbose)))


def _write(options: argparse.Namespace, text: str) -> None:
    if options.output:
        target = Path(options.output)
        # Beside it first, then in its place: a full disk leaves the old file whole.
        beside = target.with_name(target.name + ".part")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
