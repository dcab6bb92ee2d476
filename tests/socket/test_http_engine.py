"""The HTTP engine against real listeners on loopback: good servers, bad ones and none."""

import bisect
import gzip
import itertools
import socket
import threading
import time

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint
from lbcheck.model.requests import Answers, Count
from lbcheck.model.step import ErrorKind
from lbcheck.probing import sock_diag
from lbcheck.probing.http.engine import ALONE, BURST_S, following, request
from lbcheck.probing.http.patience import FAILING, FAILING_RATE
from tests.socket.http_servers import (
    Serve,
    Server,
    anonymous,
    closing_early,
    dripping,
    endless_body,
    endless_head,
    every_fourth_silent,
    garbage,
    kept,
    once,
    resetting,
    serving,
    silent,
    step,
    truncated,
    unavailable,
)

pytestmark = pytest.mark.usefixtures("no_descriptor_leaks")


def accounted(answers: Answers) -> bool:
    """Say whether each request that was sent is an answer or an error."""
    return answers.sent == sum(count.requests for count in answers.counts) + sum(answers.errors.values())


# --- good servers ---


@pytest.mark.parametrize("concurrency", [1, 5, 50])
def test_every_request_is_counted_to_the_server_that_answered_it(concurrency: int) -> None:
    """A connection for each request: exactly as many arrive as were asked for, each counted to its server."""
    with serving(once) as server:
        answers = request(step(server.port, 300, concurrency=concurrency, timeout_s=5.0))
    assert answers.counts == tuple(Count("", name, 100, 100, {"200": 100}) for name in ("web1", "web2", "web3"))
    assert (answers.sent, answers.connections, len(server.requests), len(server.clients)) == (300, 300, 300, 300)
    assert (answers.errors, answers.statuses, answers.failure) == ({}, {"200": 300}, None)


def test_no_more_connections_are_opened_than_allowed() -> None:
    """While nobody answers, `concurrency` requests wait and no further one is sent."""
    looks = itertools.count()
    with serving(silent) as server:
        answers = request(
            step(server.port, 100, concurrency=7, timeout_s=30.0),
            lambda: len(server.requests) >= 7 and next(looks) >= 2,
        )
        assert (len(server.clients), len(server.requests)) == (7, 7)
    assert (answers.connections, answers.sent, answers.errors) == (7, 0, {})


def test_kept_connections_carry_one_request_after_the_other() -> None:
    """With keep-alive no more connections are opened than allowed, and none ever carries two requests at a time."""
    with serving(kept) as server:
        answers = request(step(server.port, 300, concurrency=4, keep_alive=True, timeout_s=5.0))
    assert (answers.sent, answers.connections, len(server.clients)) == (300, 4, 4)
    assert sum(count.connections for count in answers.counts) == 4
    assert all(data.count(b"GET ") == 1 and b"onnection" not in data for data in server.requests)
    assert answers.errors == {}


def by_connection(server: Server, connection: socket.socket) -> None:
    """Answer under one name for as long as the connection lasts, as a balancer of connections does."""
    name = f"web{len(server.clients)}"
    while server.read(connection):
        connection.sendall(server.answer(name=name))


def twice(server: Server, connection: socket.socket) -> None:
    """Answer two requests, by two servers, and close."""
    for extra in ("", "Connection: close\r\n"):
        if server.read(connection):
            connection.sendall(server.answer(extra))


@pytest.mark.parametrize(
    ("serve", "shown"),
    [(kept, (1, 1)), (by_connection, (1, 0)), (twice, (10, 10)), (once, (0, 0)), (anonymous, (0, 0))],
)
def test_kept_connections_are_counted_and_those_that_met_several_servers(serve: Serve, shown: tuple[int, int]) -> None:
    """Of connections that carried two answers with a name, or more: a lone answer tells nothing."""
    with serving(serve) as server:
        answers = request(step(server.port, 20, concurrency=1, keep_alive=True, timeout_s=5.0))
    assert (answers.sent, answers.kept, answers.moved) == (20, *shown)


def test_a_kept_connection_is_alone_at_first() -> None:
    """Else four servers in turn could give each of four connections a server of its own."""
    opened: list[int] = []

    def looking(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            opened.append(len(server.clients))
            connection.sendall(server.answer())

    with serving(looking) as server:
        answers = request(step(server.port, 40, concurrency=4, keep_alive=True, timeout_s=5.0))
    assert (answers.sent, answers.connections) == (40, 4)
    assert opened[:ALONE] == [1] * ALONE
    assert answers.moved


def test_chance_deals_requests_to_kept_connections() -> None:
    """One at a time, over all of eight connections, in no order that anybody could keep step with."""
    with serving(by_connection) as server:
        answers = request(step(server.port, 200, concurrency=1, keep_alive=True, dealt=8, timeout_s=5.0))
    assert (answers.sent, answers.connections, answers.kept, answers.moved) == (200, 8, 8, 0)
    names = [count.server for count in answers.in_order()]
    again = sum(one == other for one, other in itertools.pairwise(names))
    assert 3 < again < 60  # of 199, each with a chance of one in eight


def test_kept_connections_leave_no_port_in_time_wait() -> None:
    """Their ports are free at once, for `capacity --measure` to fill them."""
    with serving(kept) as server:
        answers = request(step(server.port, 8, concurrency=4, keep_alive=True, timeout_s=5.0))
    assert (answers.connections, answers.errors) == (4, {})
    assert sock_diag.count(Endpoint("127.0.0.1", server.port), sock_diag.TIME_WAIT) == 0


@pytest.mark.parametrize("extra", ["Connection: close\r\n", ""])
def test_a_kept_connection_that_the_server_closes_is_opened_anew(extra: str) -> None:
    """A server that closes after each answer, saying so or not, costs no request: one never read is asked again."""

    def closing(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            connection.sendall(server.answer(extra))

    with serving(closing) as server:
        answers = request(step(server.port, 60, keep_alive=True, timeout_s=5.0))
    assert (answers.sent, answers.errors, len(server.requests)) == (60, {}, 60)
    assert sum(count.connections for count in answers.counts) == 60


def test_what_is_asked_is_what_the_step_says() -> None:
    """The Host is the URL's wherever the connection goes; path, token and version are in the request."""
    with serving(once) as server:
        request(step(server.port, 1, url=f"http://www.lab.test:{server.port}/a?b=1", token="t7"))
    lines = server.requests[0].split(b"\r\n")
    assert lines[0] == b"GET /a?b=1 HTTP/1.1"
    assert f"Host: www.lab.test:{server.port}".encode() in lines
    assert any(line.startswith(b"User-Agent: lbcheck/") and line.endswith(b" run=t7") for line in lines)


def test_servers_are_named_by_cookie_and_balancers_by_body() -> None:
    """Where a name stands is up to the step."""

    def named(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: SRV=w1; path=/\r\n\r\nthrough lb2.")

    with serving(named) as server:
        answers = request(step(server.port, 5, identify="cookie:SRV", identify_balancer=r"body:through (\w+)"))
    assert answers.counts == (Count("lb2", "w1", 5, 5, {"200": 5}),)


def test_an_answer_in_small_pieces_is_put_together() -> None:
    """Interim answers, chunks and single bytes make one answer."""

    def pieces(server: Server, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while server.read(connection):
            head = b"HTTP/1.1 200 OK\r\nX-Served-By: web1\r\nTransfer-Encoding: chunked\r\n\r\n"
            for byte in b"HTTP/1.1 100 Continue\r\n\r\n" + head + b"2\r\nok\r\n0\r\n\r\n":
                connection.sendall(bytes([byte]))

    with serving(pieces) as server:
        answers = request(step(server.port, 20, concurrency=2, keep_alive=True, timeout_s=5.0))
    assert (answers.counts, answers.connections) == ((Count("", "web1", 20, 2, {"200": 20}),), 2)


def test_ipv6_is_asked_like_ipv4() -> None:
    """An IPv6 address is connected to, and is in the sample."""
    with serving(once, "::1") as server:
        answers = request(step(server.port, 3, address="::1"))
    assert (answers.address, answers.sent, answers.errors) == ("::1", 3, {})


def test_a_url_without_an_address_is_resolved() -> None:
    """Without an address, the URL's own host is connected to."""
    with serving(once) as server:
        answers = request(step(server.port, 3, url=f"http://127.0.0.1:{server.port}/", address=""))
    assert (answers.address, answers.sent, answers.errors) == ("127.0.0.1", 3, {})


def test_the_source_address_is_the_steps() -> None:
    """The server sees the address that the step binds to."""
    with serving(once) as server:
        request(step(server.port, 3, source="127.0.0.2"))
    assert set(server.clients) == {"127.0.0.2"}


def test_a_server_that_does_not_close_is_left_after_a_short_grace() -> None:
    """A server that ignores `Connection: close` costs a moment a request, not a timeout."""
    with serving(kept) as server:
        answers = request(step(server.port, 4, concurrency=2, timeout_s=30.0))
    assert (answers.sent, answers.errors, answers.connections) == (4, {}, 4)
    assert answers.seconds < 5


# --- what is kept ---


def test_the_order_of_answers_is_kept() -> None:
    """One at a time, over kept connections and over new ones: whose turn it was, again and again."""
    for serve, keep_alive in ((once, False), (kept, True)):
        with serving(serve) as server:
            answers = request(step(server.port, 90, concurrency=1, keep_alive=keep_alive, timeout_s=5.0))
        assert [count.server for count in answers.in_order()] == ["web1", "web2", "web3"] * 30
        assert answers.order == tuple((number % 3, 1) for number in range(90))


def test_answers_in_a_row_are_one_entry() -> None:
    """Whoever keeps to one server fills no file."""

    def first(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            connection.sendall(server.answer(name="web1" if len(server.requests) <= 40 else "web2"))

    with serving(first) as server:
        answers = request(step(server.port, 50, concurrency=1, keep_alive=True, timeout_s=5.0))
    assert answers.order == ((0, 40), (1, 10))


def replying(*heads: str) -> Serve:
    """Return a server that answers with these heads in turn."""

    def reply(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            head = heads[(len(server.requests) - 1) % len(heads)]
            connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())

    return reply


def test_each_server_and_nobody_has_its_statuses() -> None:
    """A status with a name is that server's; one without is itself, whatever it is."""
    heads = "200 OK\r\nX-Served-By: a", "500 x\r\nX-Served-By: a", "404 x", "503 x\r\nServer: HAProxy", "401 x"
    with serving(replying(*heads)) as server:
        answers = request(step(server.port, 50, concurrency=1, keep_alive=True, timeout_s=5.0))
    assert answers.counts == (Count("", "a", 20, 1, {"200": 10, "500": 10}),)
    assert answers.unnamed == {"404": 10, "503": 10, "401": 10}
    assert answers.errors == {ErrorKind.UNIDENTIFIED: 20, ErrorKind.STATUS: 10}
    assert answers.product_headers == {"server": "HAProxy"}


def test_each_redirect_is_counted_with_its_target() -> None:
    """All of them, not only the first that looked so."""
    with serving(replying("301 x\r\nLocation: https://h/\r\nX-Served-By: a")) as server:
        answers = request(step(server.port, 20, keep_alive=True, timeout_s=5.0))
    assert (answers.redirects, answers.statuses) == ({"301 https://h/": 20}, {"301": 20})


def test_a_key_and_a_round_go_along() -> None:
    """The header field is sent, and the sample says which key and round it is of."""
    with serving(kept) as server:
        answers = request(step(server.port, 2, headers=(("X-Session", "b7"),), key="b7", round=2, timeout_s=5.0))
    assert all(b"\r\nX-Session: b7\r\n" in data for data in server.requests)
    assert (answers.key, answers.round, len(server.requests)) == ("b7", 2, 2)


def test_why_an_answer_is_none_is_kept() -> None:
    """The first reason, as a sentence."""
    with serving(truncated) as server:
        answers = request(step(server.port, 3, timeout_s=5.0))
    assert answers.reasons == {ErrorKind.PROTOCOL: "the connection ended before the answer did"}


# --- long and encoded bodies ---


def test_a_long_body_is_read_to_its_end() -> None:
    """The server sends all of it, and sees no abort."""
    whole: list[int] = []

    def long(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            size = 3_000_000
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Served-By: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
            whole.append(size)

    with serving(long) as server:
        answers = request(step(server.port, 6, concurrency=2, keep_alive=True, timeout_s=5.0))
    assert (answers.counts, answers.cut_bodies) == ((Count("", "a", 6, 2, {"200": 6}),), 0)
    assert len(whole) == 6


def test_a_body_that_takes_longer_than_a_timeout_names_its_server() -> None:
    """A slow link is no silent server: what was cut is said."""

    def slow(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Served-By: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 2_000_000)
        server.read(connection)

    with serving(slow) as server:
        answers = request(step(server.port, 3, timeout_s=0.5))
    assert (answers.counts, answers.errors) == ((Count("", "a", 3, 3, {"200": 3}),), {})
    assert answers.cut_bodies == 3


def test_a_body_beyond_the_limit_is_cut_and_said() -> None:
    """Who announces more than is read is left at once."""

    def announcing(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Served-By: a\r\nContent-Length: 99999999\r\n\r\n")
        server.read(connection)

    for serve, named in ((announcing, 3), (endless_body, 0)):
        with serving(serve) as server:
            answers = request(step(server.port, 3, timeout_s=5.0))
        assert (sum(count.requests for count in answers.counts), answers.cut_bodies) == (named, 3)
        assert answers.seconds < 5


def test_a_name_in_a_body_that_is_encoded_all_the_same_is_found() -> None:
    """It is asked for as it is, and gzip is undone."""

    def zipped(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        body = gzip.compress(b"through lb2.")
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    with serving(zipped) as server:
        answers = request(step(server.port, 3, identify=r"body:through (\w+)", timeout_s=5.0))
    assert answers.counts == (Count("", "lb2", 3, 3, {"200": 3}),)
    assert all(b"\r\nAccept-Encoding: identity\r\n" in data for data in server.requests)


# --- bad servers ---


BAD = [
    (garbage, ErrorKind.PROTOCOL, {}),
    (endless_head, ErrorKind.PROTOCOL, {}),
    (endless_body, ErrorKind.UNIDENTIFIED, {"200": 6}),
    (truncated, ErrorKind.PROTOCOL, {}),
    (closing_early, ErrorKind.PROTOCOL, {}),
    (resetting, ErrorKind.RESET, {}),
    (silent, ErrorKind.TIMEOUT, {}),
    (dripping, ErrorKind.TIMEOUT, {}),
    (unavailable, ErrorKind.STATUS, {"503": 6}),
    (anonymous, ErrorKind.UNIDENTIFIED, {"200": 6}),
]


@pytest.mark.parametrize("keep_alive", [False, True])
@pytest.mark.parametrize(("serve", "kind", "statuses"), BAD, ids=[serve.__name__ for serve, _, _ in BAD])
def test_each_way_to_misbehave_is_told_apart(
    serve: Serve, kind: ErrorKind, statuses: dict[str, int], keep_alive: bool
) -> None:
    """A server that does not answer properly gives errors of one kind, as many as requests, and hangs nobody."""
    timeout_s = 0.2 if kind == ErrorKind.TIMEOUT else 5.0
    with serving(serve) as server:
        answers = request(step(server.port, 6, concurrency=3, keep_alive=keep_alive, timeout_s=timeout_s))
    assert (answers.errors, answers.statuses) == ({kind: 6}, statuses)
    assert (answers.sent, answers.counts, answers.failure) == (6, (), None)
    assert len(server.requests) <= 6


@pytest.mark.parametrize("keep_alive", [False, True])
def test_an_endless_body_of_somebody_named_is_left(keep_alive: bool) -> None:
    """Who names itself before an endless body is counted; the rest of the body is not waited for."""

    def generous(server: Server, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Served-By: web1\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with serving(generous) as server:
        answers = request(step(server.port, 4, concurrency=2, keep_alive=keep_alive, timeout_s=5.0))
    assert answers.counts == (Count("", "web1", 4, 4, {"200": 4}),)


def test_a_second_answer_that_nobody_asked_for_is_never_counted() -> None:
    """After more bytes than one answer the connection is not used again."""

    def twice(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            connection.sendall(server.answer(name="web1") + server.answer(name="ghost"))

    with serving(twice) as server:
        answers = request(step(server.port, 6, keep_alive=True, timeout_s=5.0))
    assert answers.counts == (Count("", "web1", 6, 6, {"200": 6}),)


def test_an_answer_before_the_request_hangs_nobody() -> None:
    """A server that answers whoever connects gives answers or errors, one for each request."""

    def hasty(server: Server, connection: socket.socket) -> None:
        connection.sendall(server.answer("Connection: close\r\n"))
        server.read(connection)

    with serving(hasty) as server:
        answers = request(step(server.port, 20, timeout_s=5.0))
    assert answers.sent == 20
    assert accounted(answers)


def test_one_bad_server_of_three_does_not_harm_the_others() -> None:
    """Errors and answers stand side by side and add up to what was sent."""

    def sometimes(server: Server, connection: socket.socket) -> None:
        while server.read(connection):
            answer = server.answer()
            connection.sendall(answer if b"web3" not in answer else b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    with serving(sometimes) as server:
        answers = request(step(server.port, 90, keep_alive=True, timeout_s=5.0))
    assert [(count.server, count.requests) for count in answers.counts] == [("web1", 30), ("web2", 30)]
    assert (answers.errors, answers.statuses) == ({ErrorKind.STATUS: 30}, {"200": 60, "500": 30})


# --- no servers ---


def closed_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_a_refusing_target_is_asked_gently() -> None:
    """Every request is refused and counted; after many in a row the rest comes slowly."""
    more = 20
    answers = request(step(closed_port(), FAILING + more, timeout_s=5.0))
    assert (answers.errors, answers.sent) == ({ErrorKind.REFUSED: FAILING + more}, FAILING + more)
    assert answers.seconds > more / FAILING_RATE - BURST_S


@pytest.mark.parametrize("refusing", [True, False])
def test_a_dead_target_is_given_up(refusing: bool) -> None:
    """When nothing has answered for three timeouts, the step ends; what was sent is what was counted."""
    with serving(silent) as server:
        port = closed_port() if refusing else server.port
        answers = request(step(port, 100_000, concurrency=4, timeout_s=0.1))
        assert set(answers.errors) == {ErrorKind.REFUSED if refusing else ErrorKind.TIMEOUT}
        assert 0 < answers.sent < 1000
        assert accounted(answers)
        assert answers.seconds < 5


def test_silence_is_bounded_in_all() -> None:
    """One silent server of four: the others answer, and the step ends all the same; what was counted stays."""
    with serving(every_fourth_silent) as server:
        answers = request(step(server.port, 100_000, timeout_s=0.2, silence_s=0.5))
    assert answers.given_up == "given up after 0.5 s of failures and silence"
    assert answers.silent_s >= 0.5
    assert answers.errors[ErrorKind.TIMEOUT] <= 14
    assert answers.sent < 1000
    assert accounted(answers)


def test_errors_that_come_late_are_silence_too() -> None:
    """A balancer that tries for long before it says 503 costs as much as one that is silent; a slow server does not."""

    def late(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            threading.Event().wait(0.1)
            slow = len(server.requests) % 2
            connection.sendall(server.answer() if slow else b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n")

    with serving(late) as server:
        answers = request(step(server.port, 1000, concurrency=1, silence_s=0.5, timeout_s=5.0))
    assert answers.given_up
    assert 2 <= answers.unnamed["503"] <= 6
    assert abs(answers.unnamed["503"] - sum(count.requests for count in answers.counts)) <= 1


def test_a_step_that_ends_by_itself_is_not_given_up() -> None:
    """Failures of the last requests are no reason to say so."""
    with serving(silent) as server:
        answers = request(step(server.port, 4, timeout_s=0.2, silence_s=0.1))
    assert (answers.given_up, answers.sent) == ("", 4)
    assert answers.seconds < 5


def test_a_source_that_is_not_here_fails_the_step() -> None:
    """An address of another host cannot be bound to: said once, and nothing is sent."""
    answers = request(step(closed_port(), source="192.0.2.1"))
    assert (answers.sent, answers.errors) == (0, {})
    assert answers.failure is not None
    assert answers.failure.kind == ErrorKind.NOT_FOUND
    assert "192.0.2.1" in answers.failure.message


def test_ipv4_cannot_reach_ipv6() -> None:
    """A source of the other family is told from an unreachable network."""
    answers = request(step(closed_port(), address="::1", source="127.0.0.1"))
    assert answers.failure is not None
    assert answers.failure.kind == ErrorKind.UNREACHABLE


def test_a_name_that_is_no_address_fails_the_step() -> None:
    """What cannot be resolved is said once."""
    answers = request(step(80, address="www"))
    assert answers.failure is not None
    assert answers.failure.kind == ErrorKind.NOT_FOUND


@pytest.mark.parametrize("options", [{"url": "gopher://h/"}, {"identify": "body:("}, {"identify_balancer": "x"}])
def test_a_step_that_cannot_be_read_is_a_sentence(options: dict[str, str]) -> None:
    """A URL or an identification with a mistake is the user's to mend, not a sample."""
    with pytest.raises(LbcheckError):
        request(step(80, requests=1, **options))


def test_nothing_to_do_is_done_at_once() -> None:
    """No requests, no connection."""
    answers = request(step(closed_port(), 0))
    assert (answers.sent, answers.connections, answers.errors) == (0, 0, {})


# --- when ---


def test_a_run_ends_when_it_is_told_to() -> None:
    """A stop is noticed within a moment, also while everybody waits; what was counted until then is kept."""
    asked = threading.Event()

    def slowing(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            if len(server.requests) <= 10:
                connection.sendall(server.answer("Connection: close\r\n"))
            else:
                asked.set()
                server.read(connection)

    with serving(slowing) as server:
        answers = request(step(server.port, 1000, timeout_s=30.0), asked.is_set)
    assert 0 < answers.sent <= 10
    assert accounted(answers)
    assert answers.seconds < 5


def test_a_rate_is_kept() -> None:
    """Requests come no faster than the rate, beyond one burst of a tenth of a second."""
    with serving(kept) as server:
        answers = request(step(server.port, 40, keep_alive=True, rate=100.0, timeout_s=5.0))
    assert answers.errors == {}
    assert answers.seconds >= 39 / 100 - BURST_S


def test_waiting_costs_no_cpu() -> None:
    """While all connections wait for answers, or for the next request to be due, the engine sleeps."""
    with serving(silent) as server:
        before = time.thread_time()
        request(step(server.port, 4, concurrency=2, rate=1000.0, timeout_s=0.3))
        assert time.thread_time() - before < 0.15


@pytest.mark.parametrize(
    ("now", "rate", "expected"),
    [
        (10.0, 100.0, 10.01),  # in time: one interval later
        (10.05, 100.0, 10.01),  # a little late: the schedule stands, the next is due at once
        (10.5, 100.0, 10.4),  # very late: a tenth of a second is caught up, the rest is let go
        (10.0, 0.5, 12.0),  # slow: two seconds later
        (13.0, 0.5, 12.9),  # slow and late: the next is due at once
    ],
)
def test_a_schedule_catches_up_for_a_tenth_of_a_second(now: float, rate: float, expected: float) -> None:
    """The request after one that was due at 10 s."""
    assert following(10.0, now, rate) == pytest.approx(expected)


@pytest.mark.parametrize("rate", [1.0, 50.0, 1000.0])
def test_no_window_holds_more_than_the_rate_and_a_burst(rate: float) -> None:
    """However the clock jumps, no second has more than its requests and those of a tenth of a second."""
    due, now, sent = 0.0, 0.0, []
    for jump in itertools.islice(itertools.cycle([0.001, 0.3, 0.0, 2.0, 0.05, 0.01]), 300):
        now += jump
        while due <= now:
            sent.append(now)
            due = following(due, now, rate)
    for number, first in enumerate(sent):
        assert bisect.bisect_left(sent, first + 1) - number <= rate * (1 + BURST_S) + 1
