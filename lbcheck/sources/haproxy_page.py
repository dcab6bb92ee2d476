"""HAProxy's statistics page, over HTTP or HTTPS, read through the package haproxy-stats."""

import logging
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.login import without_login
from lbcheck.model.step import ErrorKind
from lbcheck.sources import pages
from lbcheck.sources.failing import EXPECTED, SourceError, explain, within
from lbcheck.wire.haproxy import (
    BACKEND,
    FRONTEND,
    LISTENER,
    SERVER,
    NotStatisticsError,
    Process,
    Row,
    beginning,
    counters,
    parse_page_head,
    parse_stat,
)

PASSWORD_VARIABLE = "LBCHECK_STATS_PASSWORD"  # noqa: S105 (its name, not a password)
LIMIT_BYTES = 64 * 2**20  # as for the sockets
HEAD_BYTES = 2**16  # pid and uptime stand behind 6 KB of style sheet

_PIECE_BYTES = 2**16
_ADVICE = {
    ErrorKind.NOT_FOUND: "is the host's name right?",
    ErrorKind.REFUSED: "nobody listens there: is HAProxy running, and is this the port of its statistics page?",
    ErrorKind.TIMEOUT: "is this the port of HAProxy's statistics page?",
    ErrorKind.TLS: "is HTTPS spoken there?",
    ErrorKind.PROTOCOL: "is this the path of `stats uri`?",
}


class Mended:
    """What stands before haproxy-stats' HAProxyServer, and mends it.

    1. quoted cells may hold commas; 2. `failed` says how the last update went; 3. a page that is no statistics is an
    error; 4. a frontend's listening sockets are no servers; 5. errors are raised, not logged; 6. `name` is the whole
    host and port; 7. so is an empty answer an error.
    """

    name: str
    url: str
    failed: bool
    timeout: float
    verify: ssl.SSLContext | None  # None: the page is not encrypted
    service: Any  # the package's class of rows
    trusting: Any  # from such a context to what requests connects by
    rows: tuple[Row, ...]
    process: Process
    frontends: list[Any]
    backends: list[Any]
    listeners: list[Any]  # as the package calls servers
    sockets: list[Any]
    _session: Any

    def update(self) -> None:
        """Fetch and parse the statistics; also called by the package's constructor."""
        self.name = urlsplit(self.url).netloc
        self._session.trust_env = False  # no ~/.netrc and no proxy: the answer must be this balancer's own
        if self.verify:
            self._session.mount("https://", self.trusting(self.verify))
        self.failed = True  # until it has succeeded
        try:
            before = self._fetch_process()
            self.rows = parse_stat(self._fetch())
            self.process = self._fetch_process()
        finally:
            self._session.close()
        if None not in (before.pid, self.process.pid) and before.pid != self.process.pid:
            raise SourceError(ErrorKind.PROTOCOL, "HAProxy was reloaded, or several processes answer, at the same port")
        self._sort()
        self.failed = False
        self.last_update = datetime.now(UTC)

    def _sort(self) -> None:
        """Give each row its place: frontends, backends with their servers, listening sockets."""
        by_type: dict[int, list[Any]] = {FRONTEND: [], BACKEND: [], SERVER: [], LISTENER: []}
        for row in self.rows:
            by_type.setdefault(cast(int, row["type"]), []).append(self.service(row.keys(), row.values(), self.name))
        self.frontends, self.backends = by_type[FRONTEND], by_type[BACKEND]
        self.listeners, self.sockets = by_type[SERVER], by_type[LISTENER]
        of_backend: dict[str, list[Any]] = {}
        for server in self.listeners:
            of_backend.setdefault(server.pxname, []).append(server)
        for backend in self.backends:
            backend.listeners = of_backend.get(backend.pxname, [])

    def _fetch(self) -> str:
        body = self._get(self.url, LIMIT_BYTES)
        if len(body) > LIMIT_BYTES:
            raise NotStatisticsError(f"more than {LIMIT_BYTES // 2**20} MiB of answer")
        return body.decode(errors="backslashreplace")

    def _fetch_process(self) -> Process:
        """Ask for the head of the HTML page, for the CSV does not tell which process counted."""
        try:
            return parse_page_head(self._get(self.url.replace(";csv", ""), HEAD_BYTES).decode(errors="replace"))
        except SourceError:  # the CSV may be all that is allowed; where it is refused as well, that is said there
            return Process()

    def _get(self, url: str, limit: int) -> bytes:
        """Return at most one piece more than `limit` bytes of a page."""
        body = bytearray()
        with self._session.get(
            url,
            headers={"Accept-Encoding": "identity"},  # what is not packed cannot explode
            timeout=self.timeout,
            stream=True,
            # The password goes to the host that the user named, and nowhere else.
            allow_redirects=False,
        ) as answer:
            _refuse(answer.status_code, answer.headers, had_password=self._session.auth is not None)
            for piece in answer.iter_content(_PIECE_BYTES):
                body += piece
                if len(body) > limit:
                    break
        return bytes(body)


def read(step: ReadCounters) -> Counters:
    """Read one process's counters from `http[s]://[USER@]HOST[:PORT]/PATH`; a failure is a sample with its kind."""
    started = time.monotonic()
    try:
        page = within(step.timeout_s, lambda: statistics_page(step.uri, step.timeout_s, step.ca))
    except (*EXPECTED, NotStatisticsError) as error:
        failure = explain(error, _without_password(step.uri), _ADVICE)
        return replace(step.lost(failure), seconds=time.monotonic() - started)
    return counters(step, page.process, page.rows, time.monotonic() - started)


def statistics_page(uri: str, timeout_s: float, ca: str = "") -> Mended:
    """Return haproxy-stats' HAProxyServer, mended and updated once; `ca`: as in `pages.trust`."""
    parts = _split(uri)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    page = _reader()(
        base_url=parts.netloc.rpartition("@")[2] + path.partition(";")[0].rstrip("/"),
        # As bytes, for requests would encode text as Latin-1.
        user=unquote(parts.username or "").encode(),
        password=os.environ.get(PASSWORD_VARIABLE, "").encode(),
        verify_ssl=pages.trust(ca) if parts.scheme == "https" else None,
        timeout=timeout_s,
        https=parts.scheme == "https",
    )
    return cast(Mended, page)


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        # IDNA knows names that no library can ask for, like 'a..b'; requests would raise what it does not document.
        complete = parts.scheme in ("http", "https") and (parts.hostname or "").encode("idna") and parts.port != 0
    except ValueError:
        complete = False
    if not complete:
        raise SourceError(ErrorKind.NOT_FOUND, "write http[s]://[USER@]HOST[:PORT]/PATH, an IPv6 address in brackets")
    if parts.password is not None:
        raise SourceError(ErrorKind.DENIED, f"the password belongs in {PASSWORD_VARIABLE}, not in the URI")
    return parts


def _without_password(uri: str) -> str:
    scheme, slashes, rest = uri.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}{slashes}{login.partition(':')[0]}{at}{place}"


def _refuse(status: int, headers: Mapping[str, str], *, had_password: bool) -> None:
    """Raise SourceError for every HTTP status but success."""
    if status == 401 and had_password:
        raise SourceError(ErrorKind.DENIED, f"wrong user (in the URI) or password (in {PASSWORD_VARIABLE})")
    if status == 401:
        raise SourceError(
            ErrorKind.DENIED, f"asks for a user (write USER@HOST) and a password (set {PASSWORD_VARIABLE})"
        )
    if status == 403:
        raise SourceError(ErrorKind.DENIED, "answers with HTTP status 403: forbidden from this address")
    if 300 <= status < 400:
        target = beginning(without_login(headers.get("location", "")))
        raise SourceError(ErrorKind.STATUS, f"redirects to {target}, which is not followed; give that URI instead")
    if not 200 <= status < 300:
        raise SourceError(ErrorKind.STATUS, f"answers with HTTP status {status}; is this the path of `stats uri`?")


def _reader() -> Any:
    """Return the class that reads a page: HAProxyServer behind `Mended`.

    The package is imported when it is used: a host where only probes run has nothing but the standard library.
    """
    try:
        with _logging_untouched():
            from haproxystats import HAProxyServer, HAProxyService  # noqa: PLC0415 (see above)
            from requests.adapters import HTTPAdapter  # noqa: PLC0415 (what the package asks by)
    except ImportError:
        raise SourceError(
            ErrorKind.NOT_FOUND,
            "a statistics page takes the Python package haproxy-stats; install it, or give a unix: or tcp:// URI",
        ) from None

    class Service(HAProxyService):  # type: ignore[misc]  # the package has no types
        """A row whose cells are already numbers and texts."""

        @staticmethod
        def _decode(value: int | str) -> int | str:
            return value

    class Trusting(HTTPAdapter):
        """Connects to whom a context trusts, and to nobody beside."""

        def __init__(self, context: ssl.SSLContext) -> None:
            self._context = context
            super().__init__()

        def init_poolmanager(self, *args: Any, **more: Any) -> None:
            super().init_poolmanager(*args, ssl_context=self._context, **more)

        def cert_verify(self, *_: object) -> None:
            """Leave out the authorities that requests itself would trust."""

    class StatisticsPage(Mended, HAProxyServer):  # type: ignore[misc]
        """The package's reader, mended."""

        service, trusting = Service, Trusting

    return StatisticsPage


@contextmanager
def _logging_untouched() -> Iterator[None]:
    """Take back what haproxystats does when it is imported: it calls logging.basicConfig."""
    handlers, level = list(logging.root.handlers), logging.root.level
    try:
        yield
    finally:
        for handler in [h for h in logging.root.handlers if h not in handlers]:
            logging.root.removeHandler(handler)
        logging.root.setLevel(level)
