"""What is kept of the answers to one step."""

import itertools

from lbcheck.model.requests import ORDER_LIMIT, Count, Request
from lbcheck.model.step import ErrorKind
from lbcheck.probing.http.record import LOOKED_AT, NAMES_LIMIT, PRODUCTS_LIMIT, TARGETS_LIMIT, Record
from lbcheck.wire.http.answer import HttpAnswer
from lbcheck.wire.http.recogniser import Recogniser

STEP = Request(url="http://x/", address="192.0.2.1", requests=9, round=3, key="k")


def answer(server: str, status: int = 200, balancer: str = "") -> HttpAnswer:
    """Return an answer of a server."""
    return HttpAnswer(status, server, balancer, True)


def recorded(*raws: bytes, identify: str = "header:x-served-by") -> Record:
    """Return the record of answers as they come from a connection."""
    record, recogniser = Record(), Recogniser(identify)
    for raw in raws:
        reader = recogniser.reader()
        found = reader.feed(raw) or reader.feed(b"")
        assert found is not None
        record.look_at(reader, found)
        record.take(found, True)
    return record


def test_answers_are_counted_by_server_with_their_statuses() -> None:
    """Named answers count whatever their status; of the others each status is kept, and a server error told apart."""
    record = Record()
    for number, (status, server, first) in (
        (1, (200, "web2", True)), (5, (200, "web2", False)), (2, (500, "web1", False)), (3, (503, "", True)),
        (4, (404, "", True)),
    ):  # fmt: skip
        for _ in range(number):
            record.take(answer(server, status, "lb1"), first)
    sample = record.sample(STEP)
    assert sample.counts == (Count("lb1", "web1", 2, 0, {"500": 2}), Count("lb1", "web2", 6, 1, {"200": 6}))
    assert sample.errors == {ErrorKind.STATUS: 3, ErrorKind.UNIDENTIFIED: 4}
    assert sample.statuses == {"200": 6, "500": 2, "503": 3, "404": 4}
    assert sample.unnamed == {"503": 3, "404": 4}
    assert (sample.sent, sample.round, sample.key) == (15, 3, "k")


def test_the_order_of_answers_is_kept_by_server_and_balancer() -> None:
    """How many came in a row of whom; who names nobody is passed over, and statuses do not matter."""
    record = Record()
    for server, status, balancer in (
        ("b", 200, "l1"), ("b", 500, "l1"), ("", 503, "l1"), ("b", 200, "l1"), ("a", 200, "l1"), ("b", 200, "l2"),
    ):  # fmt: skip
        record.take(answer(server, status, balancer), False)
    sample = record.sample(STEP)
    assert [(count.server, count.balancer) for count in sample.counts] == [("a", "l1"), ("b", "l1"), ("b", "l2")]
    assert sample.order == ((1, 3), (0, 1), (2, 1))
    assert [count.server for count in sample.in_order()] == ["b", "b", "b", "a", "b"]
    assert not sample.order_cut


def test_an_order_is_bounded_and_says_so() -> None:
    """The first answers are kept, and what is left out is said."""
    record = Record()
    for _ in range(ORDER_LIMIT):
        record.take(answer("a"), False)
    assert not record.sample(STEP).order_cut
    record.take(answer("b"), False)
    sample = record.sample(STEP)
    assert (sample.order, sample.order_cut) == (((0, ORDER_LIMIT),), True)


def test_who_names_itself_anew_each_time_names_nobody() -> None:
    """Memory is bounded: further names are answers without one."""
    record = Record()
    for number in range(NAMES_LIMIT + 7):
        record.take(answer(str(number)), False)
    record.take(answer("0"), False)
    assert record.sample(STEP).unnamed == {"200": 7}
    assert len(record.answers) == NAMES_LIMIT + 1


def test_a_redirect_is_kept_with_its_target() -> None:
    """A few targets, each with its answers; one that changes each time fills no memory."""
    to = [b"HTTP/1.1 301 x\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % target for target in (b"/a", b"/a", b"/b")]
    plain = b"HTTP/1.1 200 OK\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n"
    assert recorded(*to, plain).sample(STEP).redirects == {"301 /a": 2, "301 /b": 1}
    many = [b"HTTP/1.1 302 x\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % number for number in range(100)]
    assert len(recorded(*many, many[0]).sample(STEP).redirects) == TARGETS_LIMIT


def test_the_first_answers_tell_the_products() -> None:
    """Each value of `server` and `via` once, the first few of the first answers; those without say nothing."""
    heads = [b"HTTP/1.1 200 OK\r\nServer: p%d\r\nVIA: 1.1 Caddy\r\nContent-Length: 0\r\n\r\n" % n for n in range(9)]
    expected = ", ".join(f"p{number}" for number in range(PRODUCTS_LIMIT))
    assert recorded(*heads).sample(STEP).product_headers == {"server": expected, "via": "1.1 Caddy"}
    mute = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert recorded(mute).sample(STEP).product_headers == {}
    assert recorded(*itertools.repeat(mute, LOOKED_AT), heads[0]).sample(STEP).product_headers == {}


def test_a_header_is_kept_as_it_is_up_to_a_length() -> None:
    """Reports make it plain; a login in a redirect's target is nobody's business."""
    raw = b"HTTP/1.1 302 x\r\nServer: a\x1b[31m\r\nLocation: /" + b"x" * 999 + b"\r\nContent-Length: 0\r\n\r\n"
    sample = recorded(raw).sample(STEP)
    assert sample.product_headers == {"server": "a\x1b[31m"}
    assert sample.redirects == {"302 /" + "x" * 254: 1}
    raw = b"HTTP/1.1 302 x\r\nLocation: http://me:secret@there/\r\nContent-Length: 0\r\n\r\n"
    assert recorded(raw).sample(STEP).redirects == {"302 http://there/": 1}


def test_only_the_first_reason_of_each_kind_is_kept() -> None:
    """One sentence a kind of error is enough."""
    record = Record()
    record.fail(ErrorKind.PROTOCOL, "one")
    record.fail(ErrorKind.PROTOCOL, "two")
    record.fail(ErrorKind.REFUSED)
    sample = record.sample(STEP)
    assert (sample.errors, sample.reasons) == ({"protocol": 2, "refused": 1}, {"protocol": "one"})


def test_an_encoded_body_is_why_nobody_is_named() -> None:
    """What cannot be decoded is said by its name."""
    br = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nxx"
    reasons = recorded(br, identify="body:.*").sample(STEP).reasons
    assert reasons == {ErrorKind.UNIDENTIFIED: "the body is encoded (br), and nothing can be found in it"}
    assert recorded(br).sample(STEP).reasons == {}
