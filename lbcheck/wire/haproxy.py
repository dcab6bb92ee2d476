"""HAProxy's statistics: the CSV of `show stat` and of the page, `show info`, and the head of the HTML page."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, int | str]

# Values of the column `type` (HAProxy's management guide, 9.1).
FRONTEND, BACKEND, SERVER, LISTENER = range(4)

# The columns that lbcheck keeps; the others (bytes, timers, HTTP/2, …) only make samples longer. An empty cell is left
# out of its row: HAProxy writes nothing where a column has no meaning, and nothing is not zero.
NUMBERS = frozenset(
    (
        *("type", "pid", "iid", "sid", "weight", "act", "bck"),
        *("qcur", "scur", "smax", "slim", "stot", "lbtot", "econ", "eresp", "wretr", "wredis"),
        *("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other"),
        *("req_tot", "rate_max", "lastchg", "chkfail", "chkdown", "check_code"),
    )
)
TEXTS = frozenset(
    ("pxname", "svname", "status", "mode", "algo", "addr", "cookie", "tracked", "check_status", "last_chk")
)

_NEEDED = ("pxname", "svname", "type")
_NUMBER = re.compile(r"-?[0-9]{1,15}")  # as many digits as a number in JSON holds exactly (RFC 8259, section 6)
_FINAL_RESPONSES = ("hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
_UPTIME_UNITS_S = (86400, 3600, 60, 1)


class NotStatisticsError(ValueError):
    """What was read is not HAProxy's statistics, or not all of them; the message says what it is instead."""


@dataclass(frozen=True)
class Process:
    """Which HAProxy process counted. A reload starts another one, with counters at 0."""

    pid: int = 0  # 0: not known
    uptime_s: int = -1  # -1: not known
    version: str = ""
    node: str = ""


def parse_runtime(text: str) -> tuple[Process, tuple[Row, ...]]:
    """Read the answer to `show info;show stat`: two answers, each ended by an empty line."""
    info, _, stat = text.partition("\n\n")
    process = parse_info(info)
    if not stat.endswith("\n\n"):
        raise NotStatisticsError("the answer was cut before its end")
    return process, parse_stat(stat)


def parse_info(text: str) -> Process:
    """Read `show info`: lines of `Name: value`, of which `Pid` and `Uptime_sec` must be there."""
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    pid, uptime = fields.get("Pid", ""), fields.get("Uptime_sec", "")
    if not (_NUMBER.fullmatch(pid) and _NUMBER.fullmatch(uptime)):
        raise NotStatisticsError(f"not HAProxy's runtime API: {beginning(text)}")
    return Process(int(pid), int(uptime), fields.get("Version", ""), fields.get("node", ""))


def parse_page_head(html: str) -> Process:
    """Read pid, uptime and version from the head of the HTML statistics page; what is not there is not known."""
    pid = re.search(r"pid = </b> *([0-9]{1,10}) ", html)
    uptime = re.search(r"uptime = </b> *([0-9]{1,7})d ([0-9]{1,2})h([0-9]{2})m([0-9]{2})s", html)
    version = re.search(r"HAProxy version ([^,<\s]{1,80})", html)  # not there under `stats hide-version`
    return Process(
        pid=int(pid[1]) if pid else 0,
        uptime_s=sum(int(n) * unit for n, unit in zip(uptime.groups(), _UPTIME_UNITS_S, strict=True)) if uptime else -1,
        version=version[1] if version else "",
    )


def parse_stat(text: str) -> tuple[Row, ...]:
    """Read the CSV. Columns are found by name: versions differ in number and, after `-`, in order.

    Cells may be quoted and hold commas, quotes and line ends. NotStatisticsError where this is no such CSV, where a
    row and the header differ in length, a number is none, or a row does not say what it is.
    """
    try:
        # strict: a quote in a wrong place would otherwise swallow the rows after it.
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise NotStatisticsError(f"broken CSV ({error})") from None
    if not lines:
        raise NotStatisticsError("an empty answer")
    header = _header(lines[0], text)
    kept = [(place, name) for place, name in enumerate(header) if name in NUMBERS or name in TEXTS]
    rows = tuple(_row(header, kept, line) for line in lines[1:])
    if not rows:
        # A page always lists at least the frontend that serves it; less is a filter or a cut.
        raise NotStatisticsError("statistics without a single frontend, backend or server")
    return rows


def _header(line: Sequence[str], text: str) -> list[str]:
    header = [line[0].removeprefix("# "), *line[1:]]
    if not line[0].startswith("# ") or any(name not in header for name in _NEEDED):
        raise NotStatisticsError(f"not HAProxy's statistics: {beginning(text)}")
    twice = [name for name in header if header.count(name) > 1 and (name in NUMBERS or name in TEXTS)]
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


def servers(rows: Iterable[Row], backend: str) -> tuple[Row, ...]:
    """Return the rows of a backend's servers: not its sum, and not a frontend's listening sockets."""
    return tuple(row for row in rows if row["type"] == SERVER and row["pxname"] == backend)


def requests_of(row: Row) -> int:
    """Return how many requests a server answered in HTTP mode; 0 in TCP mode, where nothing is parsed.

    That is its final responses. Interim ones (100, 103) are left out: HAProxy counts them in `hrsp_1xx`, and in a
    server's `req_tot`, besides the final response to the same request.
    """
    return sum(int(row.get(column, 0)) for column in _FINAL_RESPONSES)


def beginning(text: str) -> str:
    """Return how a text from outside begins, safe to show: quoted, control characters escaped, at most 60 long."""
    return ascii(text[:60]) + ("…" if len(text) > 60 else "")
