"""HAProxy's statistics → counters: the CSV of `show stat` and of the page, `show info`, the head of the HTML page."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain, islice, takewhile

from lbcheck.model import schemes
from lbcheck.model.address import is_address
from lbcheck.model.counters import (
    BackendCounters,
    Counters,
    FrontendCounters,
    ReadCounters,
    ServerCounters,
    ServerState,
    together,
)
from lbcheck.model.told_by import ToldBy

Row = Mapping[str, int | str]

# Values of the column `type` (HAProxy's management guide, 9.1).
FRONTEND, BACKEND, SERVER, LISTENER = range(4)

# The columns that are read. An empty cell is left out of its row: HAProxy writes nothing where a column has no meaning,
# and nothing is not zero.
NUMBERS = frozenset(
    (
        *("type", "iid", "sid", "weight", "uweight", "throttle", "act", "bck", "lastchg", "chkfail"),
        *("stot", "lbtot", "econ", "eresp", "wretr", "wredis", "req_tot", "dreq", "ereq", "cli_abrt", "srv_abrt"),
        *("qcur", "qmax", "smax", "slim"),
        *("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"),
    )
)
TEXTS = frozenset(("pxname", "svname", "status", "mode", "algo", "addr", "cookie", "check_status", "agent_status"))

# Of one connection, so that one process answers all, also while another takes over. `level user` is enough for each.
QUESTIONS = "show info;show stat;show servers state"

# Whatever answers in HAProxy's place: it costs no more than the largest fleet does, 3 s and 500 MB.
MOST_ROWS = 100_000  # frontends, backends and servers; 64 MiB, as much as is read, are the rows of 90,000 servers
MOST_COLUMNS = 1_000  # HAProxy 3.2 writes about 110
ROW_LIMIT = 2**16  # characters; a row is about 700
INFO_LIMIT = 2**16  # characters; `show info` has about 3,000

_NEEDED = ("pxname", "svname", "type")
_NUMBER = re.compile(r"-?[0-9]{1,15}")  # as many digits as a number in JSON holds exactly (RFC 8259, section 6)
# Not hrsp_1xx, and not a server's req_tot: an interim answer (100, 103) is followed by a final one, which counts again.
_FINAL_RESPONSES = ("hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
_UPTIME_UNITS_S = (86400, 3600, 60, 1)
# A server that is reached from several sources has a line for each (haproxy #1520), named so by the role haproxy.
_LINE = re.compile(r"\.source[0-9]+$")
# How each status begins: `UP 1/3` is on its way down and serves.
_STATES = {
    "UP": ServerState.SERVING,
    "no check": ServerState.UNCHECKED,
    "DRAIN": ServerState.DRAINING,
    "DOWN": ServerState.DOWN,
    "MAINT": ServerState.MAINTENANCE,
    "NOLB": ServerState.STOPPING,  # `http-check disable-on-404`: it keeps its persistent clients
}
_CLASSES = {"hrsp_1xx": "1xx", **{column: column.removeprefix("hrsp_") for column in _FINAL_RESPONSES}}
# What 2.6 and 2.8 write for `random`, which they do not name.
_NO_ALGORITHM = "unknown"
# A slow start goes in steps of a sixteenth of the weight; the column says them in per cent, rounded.
_SLOW_START_STEPS = 16
# The bits of srv_admin_state (HAProxy's management guide, `show servers state`) and why they are set, what says most
# first. Bit 4 alone says nothing: it stays when a server that is disabled in the configuration is enabled at run time.
_REASONS = {
    0x20: "its name does not resolve",
    0x02: "the server that it tracks is in maintenance",
    0x05: "disabled in the configuration",
    0x01: "set to maintenance at run time",
    0x10: "the server that it tracks is in drain",
    0x08: "set to drain at run time",
}
# From 3.3 on `random` is the default of `balance`, before it `roundrobin`.
_RANDOM_BY_DEFAULT = (3, 3)
_CYCLE_A_THREAD_GROUP = (3, 2)  # commit 3758eab71: before it, one cycle a process
MOST_THREAD_GROUPS = 16  # as it is built by default


class NotStatisticsError(ValueError):
    """What was read is not HAProxy's statistics, or not all of them; the message says what it is instead."""


@dataclass(frozen=True)
class Process:
    """Which HAProxy process counted. A reload starts another one, with counters at 0."""

    pid: int | None = None
    uptime_s: int | None = None
    version: str | None = None
    requests: int | None = None  # that it took; `clear counters` leaves this as it is
    maxconn: int | None = None  # connections that it accepts at once


def parse_runtime(text: str) -> tuple[Process, tuple[Row, ...]]:
    """Read the answer to QUESTIONS: three answers, each ended by an empty line.

    The third tells what a socket of `level user` hides in the second. A version or a level that refuses it, or says
    something else, costs no more than that.
    """
    info, _, rest = text.partition("\n\n")
    process = parse_info(info)
    if not rest.endswith("\n\n"):
        raise NotStatisticsError("the answer was cut before its end")
    lines = _lines(rest)
    rows = _parsed(takewhile(bool, _table(lines)))  # an empty line ends an answer, unless it stands in a quoted cell
    known = _servers_state(lines)
    return process, tuple({**row, **known.get((row.get("iid"), row.get("sid")), {})} for row in rows)


def _lines(text: str) -> Iterator[str]:
    """Give the lines, each with its end: what comes first is read, and may be refused, before all of it is split."""
    start = 0
    while end := text.find("\n", start) + 1:
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def _servers_state(lines: Iterator[str]) -> dict[tuple[int | str | None, ...], dict[str, int | str]]:
    """Read `show servers state` → the cells that it adds to the row of each server, by the ids of backend and server.

    Columns are found by name, and separated by single spaces: no name of HAProxy's may hold one. Empty where this is no
    such table; a line that does not fit is passed over.
    """
    version, header, *others = (line.rstrip("\n") for line in chain(islice(lines, MOST_ROWS), ("", "")))
    if not version.isdecimal() or not header.startswith("# be_id ") or len(header) > ROW_LIMIT:
        return {}
    names = header.removeprefix("# ").split(" ")
    found = (line.split(" ") for line in others if len(line) <= ROW_LIMIT)
    servers = (dict(zip(names, cells, strict=True)) for cells in found if len(cells) == len(names))
    return {
        (int(server["be_id"]), int(server["srv_id"])): _added(server)
        for server in servers
        if _NUMBER.fullmatch(server["be_id"]) and _NUMBER.fullmatch(server.get("srv_id", ""))
    }


def _added(server: Mapping[str, str]) -> dict[str, int | str]:
    cells: dict[str, int | str] = {}
    address, port = server.get("srv_addr", ""), server.get("srv_port", "")
    if (
        is_address(address) and _NUMBER.fullmatch(port) and port != "0"
    ):  # `-`: a unix socket, or a name without an address
        cells["addr"] = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    for column, name in (("srv_iweight", "iweight"), ("srv_admin_state", "admin")):
        if _NUMBER.fullmatch(server.get(column, "")):
            cells[name] = int(server[column])
    return cells


def parse_info(text: str) -> Process:
    """Read `show info`: lines of `Name: value`, of which `Pid` and `Uptime_sec` must be there."""
    fields = dict(line.split(": ", 1) for line in text[:INFO_LIMIT].splitlines() if ": " in line)
    pid, uptime = fields.get("Pid", ""), fields.get("Uptime_sec", "")
    if not (_NUMBER.fullmatch(pid) and _NUMBER.fullmatch(uptime)):
        raise NotStatisticsError(f"not HAProxy's runtime API: {beginning(text)}")
    requests, maxconn = (
        int(fields[name]) if _NUMBER.fullmatch(fields.get(name, "")) else None for name in ("CumReq", "Maxconn")
    )
    return Process(int(pid), int(uptime), fields.get("Version"), requests, maxconn)


def parse_page_head(html: str) -> Process:
    """Read pid, uptime and version from the head of the HTML statistics page; what is not there is not known."""
    pid = re.search(r"pid = </b> *([0-9]{1,10}) ", html)
    uptime = re.search(r"uptime = </b> *([0-9]{1,7})d ([0-9]{1,2})h([0-9]{2})m([0-9]{2})s", html)
    version = re.search(r"HAProxy version ([^,<\s]{1,80})", html)  # not there under `stats hide-version`
    return Process(
        pid=int(pid[1]) if pid else None,
        uptime_s=sum(int(n) * unit for n, unit in zip(uptime.groups(), _UPTIME_UNITS_S, strict=True))
        if uptime
        else None,
        version=version[1] if version else None,
    )


def parse_stat(text: str) -> tuple[Row, ...]:
    """Read the CSV. Columns are found by name: versions differ in number and, after `-`, in order.

    Cells may be quoted and hold commas, quotes and line ends. NotStatisticsError where this is no such CSV, where a
    row and the header differ in length, a number is none, or a row does not say what it is.
    """
    return _parsed(filter(None, _table(_lines(text))))


def _table(lines: Iterator[str]) -> Iterator[list[str]]:
    """Give the rows of the CSV, those of empty lines, too, as far as they are wanted; NotStatisticsError: too much."""
    in_row = 0

    def fed() -> Iterator[str]:
        nonlocal in_row
        for line in lines:
            in_row += len(line)
            if in_row > ROW_LIMIT:
                raise NotStatisticsError(f"a row of more than {ROW_LIMIT:,} characters")
            yield line

    try:
        # strict: a quote in a wrong place would otherwise swallow the rows after it.
        for number, row in enumerate(csv.reader(fed(), strict=True)):
            if number > MOST_ROWS:
                raise NotStatisticsError(f"more than {MOST_ROWS:,} rows")
            in_row = 0
            yield row
    except csv.Error as error:
        raise NotStatisticsError(f"broken CSV ({error})") from None


def _parsed(table: Iterator[list[str]]) -> tuple[Row, ...]:
    first = next(table, None)
    if first is None:
        raise NotStatisticsError("an empty answer")
    header = _header(first)
    kept = [(place, name) for place, name in enumerate(header) if name in NUMBERS or name in TEXTS]
    rows = tuple(_row(header, kept, line) for line in table)
    if not rows:
        # A page always lists at least the frontend that serves it; less is a filter or a cut.
        raise NotStatisticsError("statistics without a single frontend, backend or server")
    return rows


def _header(line: Sequence[str]) -> list[str]:
    header = [line[0].removeprefix("# "), *line[1:]]
    if not line[0].startswith("# ") or any(name not in header for name in _NEEDED):
        raise NotStatisticsError(f"not HAProxy's statistics: {beginning(','.join(line))}")
    if len(header) > MOST_COLUMNS:
        raise NotStatisticsError(f"the CSV has {len(header):,} columns, more than {MOST_COLUMNS:,}")
    twice = [name for name, number in Counter(header).items() if number > 1 and (name in NUMBERS or name in TEXTS)]
    if twice:
        raise NotStatisticsError(f"the CSV has two columns called '{twice[0]}'")
    return header


def _row(header: Sequence[str], kept: Iterable[tuple[int, str]], line: Sequence[str]) -> Row:
    name = f"the row of {beginning('/'.join(line[:2]))}"
    if len(line) != len(header):
        raise NotStatisticsError(f"{name} has {len(line)} fields, the header {len(header)}")
    row: dict[str, int | str] = {}
    for place, column in kept:
        cell = line[place]
        if not cell:
            continue
        if column in TEXTS:
            row[column] = cell
        elif _NUMBER.fullmatch(cell):
            row[column] = int(cell)
        else:
            raise NotStatisticsError(f"{name} has {beginning(cell)} as {column}, which is no number")
    if any(column not in row for column in _NEEDED):
        # So did HAProxy 2.3.0 to 2.3.2, now and then (haproxy #992): right length, cells missing.
        raise NotStatisticsError(f"{name} lacks its name or type; HAProxy 2.3.0 to 2.3.2 write such rows: update it")
    return row


def counters(step: ReadCounters, process: Process, rows: Iterable[Row], seconds: float) -> Counters:
    """Return what one process counted, in words that fit every product."""
    return Counters(
        at=step.at,
        seconds=seconds,
        balancer=step.balancer,
        uri=step.uri,
        when=step.when,
        product=schemes.HAPROXY.name,
        version=process.version,
        process=None if process.pid is None else str(process.pid),
        uptime_s=process.uptime_s,
        requests=process.requests,
        maxconn=process.maxconn,
        backends=backends(rows),
        frontends=tuple(_frontend(row) for row in rows if row.get("type") == FRONTEND),
        default_algorithm=default_algorithm(process.version),
        cycles=cycles(process.version),
    )


def default_algorithm(version: str | None) -> str | None:
    """Return what a version balances by where its configuration has no `balance`; None: the version is not known."""
    release = _release(version)
    if not release:
        return None
    return "random" if release >= _RANDOM_BY_DEFAULT else "roundrobin"


def cycles(version: str | None) -> int:
    """Return how many cycles of its own a process of a version may have; a version that is not known may have many."""
    release = _release(version)
    return 1 if release and release < _CYCLE_A_THREAD_GROUP else MOST_THREAD_GROUPS


def _release(version: str | None) -> tuple[int, int] | None:
    found = re.match(r"([0-9]{1,4})\.([0-9]{1,4})(?![0-9])", version or "")
    return (int(found[1]), int(found[2])) if found else None


def backends(rows: Iterable[Row]) -> tuple[BackendCounters, ...]:
    """Return the backends with their servers, in the order of the rows."""
    sums: dict[str, Row] = {}
    lines: dict[str, dict[str, list[ServerCounters]]] = {}
    for row in rows:
        name, kind = str(row["pxname"]), row.get("type")
        if kind == BACKEND:
            sums[name] = row
        if kind in (BACKEND, SERVER):
            servers = lines.setdefault(name, {})
        if kind == SERVER:
            server = _server(row)
            servers.setdefault(server.name, []).append(server)
    return tuple(
        _backend(name, sums.get(name, {}), tuple(reduce(together, same) for same in servers.values()))
        for name, servers in lines.items()
    )


def _backend(name: str, row: Row, servers: tuple[ServerCounters, ...]) -> BackendCounters:
    shown, cookie = _text(row, "algo"), _text(row, "cookie")
    algorithm = None if shown == _NO_ALGORITHM else shown
    return BackendCounters(
        name=name,
        servers=servers,
        requests=_number(row, "req_tot"),
        connections=_number(row, "stot"),
        statuses=_statuses(row),
        denied=_number(row, "dreq"),
        queued=_number(row, "qcur"),
        queued_max=_number(row, "qmax"),
        active_servers=_number(row, "act"),
        backup_servers=_number(row, "bck"),
        mode=_text(row, "mode"),
        algorithm=algorithm,
        algorithm_told_by=ToldBy.BALANCER if algorithm else ToldBy.NOBODY,
        # A socket of `level user` hides the algorithm and the cookie: then no cookie tells nothing.
        persistent=bool(cookie) if shown or cookie else None,
    )


def _frontend(row: Row) -> FrontendCounters:
    return FrontendCounters(
        name=str(row["pxname"]),
        requests=_number(row, "req_tot"),
        statuses=_statuses(row),
        denied=_number(row, "dreq"),
        invalid=_number(row, "ereq"),
    )


def _server(row: Row) -> ServerCounters:
    status, backup = _text(row, "status"), _number(row, "bck")
    return ServerCounters(
        name=_LINE.sub("", str(row["svname"])),
        requests=_final_responses(row),
        connections=_number(row, "stot"),
        chosen=_number(row, "lbtot"),
        failed_connections=_number(row, "econ"),
        retries=_number(row, "wretr"),
        redispatched=_number(row, "wredis"),
        failed_responses=_number(row, "eresp"),
        failed_checks=_number(row, "chkfail"),
        statuses=_statuses(row),
        client_aborts=_number(row, "cli_abrt"),
        server_aborts=_number(row, "srv_abrt"),
        sessions_max=_number(row, "smax"),
        session_limit=_number(row, "slim"),
        queued=_number(row, "qcur"),
        queued_max=_number(row, "qmax"),
        configured_weight=_number(row, "iweight"),
        weight=_number(row, "uweight"),
        effective_weight=_number(row, "weight"),
        slow_start=_slow_start(row),
        weight_told_by=ToldBy.NOBODY if _number(row, "weight") is None else ToldBy.BALANCER,
        state=_state(status or ""),
        status=status,
        since_s=_number(row, "lastchg"),
        reason=_reason(_number(row, "admin") or 0),
        check=_last(row, "check_status"),
        agent=_last(row, "agent_status"),
        address=_text(row, "addr"),
        cookie=_text(row, "cookie"),
        backup=None if backup is None else bool(backup),
    )


def _state(status: str) -> ServerState:
    return next((state for word, state in _STATES.items() if status.startswith(word)), ServerState.OTHER)


def _last(row: Row, column: str) -> str | None:
    """Return what a check said last, without the mark that another is under way."""
    said = _text(row, column)
    return said and said.removeprefix("* ")


def _reason(admin_state: int) -> str | None:
    return next((reason for bits, reason in _REASONS.items() if admin_state & bits == bits), None)


def _slow_start(row: Row) -> float | None:
    """Return the share of its weight that a server in a slow start has: a sixteenth, or several of them."""
    per_cent = _number(row, "throttle")
    return None if per_cent is None else round(per_cent * _SLOW_START_STEPS / 100) / _SLOW_START_STEPS


def _statuses(row: Row) -> dict[str, int]:
    return {name: count for column, name in _CLASSES.items() if (count := _number(row, column))}


def _final_responses(row: Row) -> int | None:
    """Return how many requests a server answered in HTTP mode; in TCP mode nothing is parsed, and nothing told."""
    told = [number for column in _FINAL_RESPONSES if (number := _number(row, column)) is not None]
    return sum(told) if told else None


def _number(row: Row, column: str) -> int | None:
    value = row.get(column)
    return value if isinstance(value, int) else None


def _text(row: Row, column: str) -> str | None:
    value = row.get(column)
    return str(value) if value else None


def beginning(text: str) -> str:
    """Return how a text from outside begins, safe to show: quoted, control characters escaped, at most 60 long."""
    return ascii(text[:60]) + ("…" if len(text) > 60 else "")
