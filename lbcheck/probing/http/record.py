"""What came of the requests of one step: counted as they end, and made into a sample afterwards."""

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from lbcheck.model.login import without_login
from lbcheck.model.requests import ORDER_LIMIT, Answers, Count, Request
from lbcheck.model.step import ErrorKind
from lbcheck.wire.http.answer import NAME_LIMIT, AnswerReader, HttpAnswer

NAMES_LIMIT = 10_000  # different answers counted apart; who names itself anew each time names nobody
TARGETS_LIMIT = 20  # of redirects, kept apart
LOOKED_AT = 100  # answers whose headers are searched for the product's; a fleet answers alike
PRODUCT_HEADERS = (b"server", b"via")  # RFC 9110, sections 10.2.4 and 7.6.3
PRODUCTS_LIMIT = 5  # values kept of each


class Record:
    """Answers and failures of one step so far."""

    def __init__(self) -> None:
        self.answers: dict[tuple[HttpAnswer, bool], int] = {}  # answer, first on its connection → how many
        self.order: list[HttpAnswer] = []  # the first that name a server
        self.errors: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}
        self.redirects: Counter[str] = Counter()
        self.products: dict[str, list[str]] = {}
        self.cut = 0
        self.kept = self.moved = 0  # connections, as in Answers
        self._looked_at = 0

    def take(self, answer: HttpAnswer, first: bool) -> None:
        """Count an answer; `first`: on its connection."""
        key = answer, first
        number = self.answers.get(key, 0)
        if not number and len(self.answers) >= NAMES_LIMIT:
            answer = answer._replace(server="", balancer="")
            key = answer, first
            number = self.answers.get(key, 0)
        self.answers[key] = number + 1
        if len(self.order) < ORDER_LIMIT and answer.server:
            self.order.append(answer)

    def look_at(self, reader: AnswerReader, answer: HttpAnswer) -> None:
        """Keep what else an answer tells that was read as a whole; those told at a glance look like one of them."""
        self.cut += reader.cut
        if reader.remark and not answer.server:
            self.reasons.setdefault(ErrorKind.UNIDENTIFIED, reader.remark)
        if not reader.head:
            return
        fields = {name.lower(): _text(value) for name, value in reversed(reader.head.fields)}
        if 300 <= answer.status < 400 and (target := fields.get(b"location")):
            self._redirected(f"{answer.status} {without_login(target)}")
        if self._looked_at < LOOKED_AT:
            self._looked_at += 1
            self._told_by(fields)

    def _redirected(self, where: str) -> None:
        if where in self.redirects or len(self.redirects) < TARGETS_LIMIT:
            self.redirects[where] += 1

    def _told_by(self, fields: Mapping[bytes, str]) -> None:
        for header in PRODUCT_HEADERS:
            values = self.products.setdefault(header.decode(), [])
            if (value := fields.get(header)) and value not in values and len(values) < PRODUCTS_LIMIT:
                values.append(value)

    def fail(self, kind: ErrorKind, reason: str = "") -> None:
        """Count a request that came to nothing, and why, as a sentence."""
        self.errors[kind] += 1
        if reason:
            self.reasons.setdefault(kind, reason)

    def sample(self, step: Request) -> Answers:
        """Return what came of a step."""
        counts, unnamed = by_server(self.answers), unidentified(self.answers)
        errors = self.errors.copy()
        for status, number in unnamed.items():
            errors[ErrorKind.STATUS if status >= "500" else ErrorKind.UNIDENTIFIED] += number
        named = sum(count.requests for count in counts)
        return Answers(
            at=step.at,
            url=step.url,
            address=step.address,
            source=step.source,
            round=step.round,
            key=step.key,
            sent=named + sum(errors.values()),
            counts=counts,
            errors=dict(errors),
            statuses=dict(_statuses(self.answers)),
            order=_run_lengths(self.order, counts),
            order_cut=named > len(self.order),
            unnamed=dict(unnamed),
            redirects=dict(self.redirects),
            reasons=self.reasons,
            product_headers={header: ", ".join(values) for header, values in self.products.items() if values},
            cut_bodies=self.cut,
            kept=self.kept,
            moved=self.moved,
        )


def by_server(answers: Mapping[tuple[HttpAnswer, bool], int]) -> tuple[Count, ...]:
    """Return answers, each with whether it was the first on its connection, counted by balancer and server."""
    requests: Counter[tuple[str, str]] = Counter()
    connections: Counter[tuple[str, str]] = Counter()
    statuses: dict[tuple[str, str], Counter[str]] = {}
    for (answer, first), number in answers.items():
        if answer.server:
            names = answer.balancer, answer.server
            requests[names] += number
            connections[names] += number if first else 0
            statuses.setdefault(names, Counter())[str(answer.status)] += number
    return tuple(
        Count(*names, number, connections[names], dict(statuses[names])) for names, number in sorted(requests.items())
    )


def unidentified(answers: Mapping[tuple[HttpAnswer, bool], int]) -> Counter[str]:
    """Return HTTP status → answers that name no server."""
    return _statuses({key: number for key, number in answers.items() if not key[0].server})


def _statuses(answers: Mapping[tuple[HttpAnswer, bool], int]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for (answer, _), number in answers.items():
        statuses[str(answer.status)] += number
    return statuses


def _run_lengths(order: list[HttpAnswer], counts: tuple[Count, ...]) -> tuple[tuple[int, int], ...]:
    places = {(count.balancer, count.server): place for place, count in enumerate(counts)}
    runs = groupby(places[answer.balancer, answer.server] for answer in order)
    return tuple((place, sum(1 for _ in run)) for place, run in runs)


def _text(value: bytes) -> str:
    return value[:NAME_LIMIT].decode("utf-8", "replace")
