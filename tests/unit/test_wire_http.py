"""HTTP/1.1 as a client sees it."""

import gc
import gzip
import re
import tracemalloc
import weakref
import zlib

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.wire.http.answer import BODY_LIMIT, HEAD_LIMIT, SEARCH_LIMIT, AnswerReader, HttpAnswer
from lbcheck.wire.http.coding import EncodedError, decoded
from lbcheck.wire.http.head import Head, MalformedAnswerError
from lbcheck.wire.http.identifier import PATTERN_LIMIT, Identifier, UnsearchedError
from lbcheck.wire.http.recogniser import FIELDS_LIMIT, SHAPES_LIMIT, Recogniser
from lbcheck.wire.http.request import Target, request_bytes

NAMED = b"HTTP/1.1 200 OK\r\nX-Served-By: web1\r\n"


def read(
    *pieces: bytes, identify: str = "header:x-served-by", balancer: str = "", end: bool = False
) -> HttpAnswer | None:
    """Feed a reader; return what it says at the last piece, or at the end of the stream."""
    reader = AnswerReader(Identifier.parse(identify), Identifier.parse(balancer))
    answer = None
    for piece in (*pieces, b"") if end else pieces:
        assert answer is None, "an answer is whole before its last piece"
        answer = reader.feed(piece)
    return answer


# --- what is asked ---


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://www.lab.test", Target(False, "www.lab.test", 80, "www.lab.test", "/")),
        ("https://www.lab.test/", Target(True, "www.lab.test", 443, "www.lab.test", "/")),
        ("http://WWW.lab.test:8080/a?b=c&d#e", Target(False, "www.lab.test", 8080, "www.lab.test:8080", "/a?b=c&d")),
        ("http://[2001:2::1]:80/", Target(False, "2001:2::1", 80, "[2001:2::1]:80", "/")),
        ("http://bücher.test/ü", Target(False, "xn--bcher-kva.test", 80, "xn--bcher-kva.test", "/%C3%BC")),
        ("http://h/a b%20c", Target(False, "h", 80, "h", "/a%20b%20c")),
        ("http://h?x", Target(False, "h", 80, "h", "/?x")),
    ],
)
def test_a_url_says_whom_to_ask_under_which_name_and_for_what(url: str, target: Target) -> None:
    """Scheme, host, port, Host header and path come from the URL; its fragment stays at home."""
    assert Target.parse(url) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("www.lab.test", "http:// or https://"),
        ("ftp://www.lab.test/", "http:// or https://"),
        ("http://", "names no host"),
        ("http:///path", "names no host"),
        ("http://h:port/", "Port could not be cast"),
        ("http://h:99999/", "out of range"),
        ("http://h:0/", "port 0"),
        ("http://[::1/", "Invalid IPv6"),
        ("http://a..b/", "is not a URL"),
        ("http://a b/", "names no host"),
        ("http://me:secret@h/", "the URL at h/ has a password"),
        ("http://secret@h/", "no user or password"),
    ],
)
def test_a_url_that_cannot_be_asked_is_a_sentence(url: str, why: str) -> None:
    """What is wrong with a URL is said in words, and a password is not repeated."""
    with pytest.raises(LbcheckError, match=why) as caught:
        Target.parse(url)
    assert "secret" not in str(caught.value)


def test_a_request_says_whether_the_connection_is_to_be_kept() -> None:
    """A request is one GET with Host and User-Agent; only without keep-alive it asks to close."""
    target = Target.parse("http://h:81/x")
    kept = b"GET /x HTTP/1.1\r\nHost: h:81\r\nUser-Agent: lbcheck run=7\r\nAccept: */*\r\n\r\n"
    assert request_bytes(target, "lbcheck run=7", keep_alive=True) == kept
    assert request_bytes(target, "lbcheck", keep_alive=False).endswith(b"\r\nConnection: close\r\n\r\n")


def test_a_token_cannot_add_a_header() -> None:
    """A User-Agent with a line break is refused."""
    with pytest.raises(LbcheckError, match="User-Agent"):
        request_bytes(Target.parse("http://h/"), "lbcheck run=1\r\nX: y", keep_alive=True)


def test_a_step_adds_header_fields_of_its_own() -> None:
    """A hash key goes along; Host and Accept may be others, each is sent once."""
    fields = (("X-Session", "b"), ("host", "other.test"))
    sent = request_bytes(Target.parse("http://h/"), "lbcheck", keep_alive=True, further=fields)
    lines = [b"GET / HTTP/1.1", b"User-Agent: lbcheck", b"Accept: */*", b"X-Session: b", b"host: other.test", b"", b""]
    assert sent.split(b"\r\n") == lines


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("X-A", "b\r\nX-B: c", "cannot stand in header X-A"),
        ("X-A", "bücher", "cannot stand in header X-A"),
        ("X A", "b", "is not a header's name"),
        ("", "b", "is not a header's name"),
        ("Connection", "close", "lbcheck's own"),
        ("content-length", "3", "lbcheck's own"),
        ("Transfer-Encoding", "chunked", "lbcheck's own"),
        ("User-Agent", "x", "lbcheck's own"),
    ],
)
def test_a_header_field_cannot_break_a_request(name: str, value: str, why: str) -> None:
    """What would end the request earlier, or hide whose it is, is refused."""
    with pytest.raises(LbcheckError, match=why):
        request_bytes(Target.parse("http://h/"), "lbcheck", keep_alive=True, further=((name, value),))


def test_a_body_that_is_searched_is_asked_for_as_it_is() -> None:
    """`Accept-Encoding: identity`, and only then."""
    plain, usual = (
        request_bytes(Target.parse("http://h/"), "lbcheck", keep_alive=True, plain=plain) for plain in (True, False)
    )
    assert b"\r\nAccept-Encoding: identity\r\n" in plain
    assert b"Accept-Encoding" not in usual


# --- who answers ---


@pytest.mark.parametrize("spec", ["x-served-by", "header:", "header:a b", "cookie:", "body:", "body:(", "trailer:x"])
def test_an_identification_that_says_nothing_is_a_sentence(spec: str) -> None:
    """A specification is header:NAME, cookie:NAME or body:REGEX."""
    with pytest.raises(LbcheckError):
        Identifier.parse(spec)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("header:X-SERVED-BY", "web1"),
        ("cookie:SRV", "w1"),
        ("cookie:srv", ""),
        ("cookie:OTHER", "x"),
        ("body:served by (\\w+)", "web9"),
        ("body:web\\d", "web9"),
        ("body:(nobody)?served", ""),
        ("body:none", ""),
        ("", ""),
    ],
)
def test_the_name_is_found_where_the_specification_says(spec: str, name: str) -> None:
    """Header names ignore case, cookies do not; a cookie ends at `;`; a pattern gives its first group or all of it."""
    answer = read(
        NAMED + b"Set-Cookie: OTHER=x\r\nset-cookie: SRV=w1; path=/\r\nContent-Length: 14\r\n\r\nserved by web9",
        identify=spec,
    )
    assert answer is not None
    assert answer.server == name


def test_a_balancer_is_named_beside_the_server() -> None:
    """Server and balancer are found apart, also in one and the same field."""
    head = NAMED + b"x-balanced-by: lb2\r\nContent-Length: 0\r\n\r\n"
    assert read(head, balancer="header:x-balanced-by") == HttpAnswer(200, "web1", "lb2", True)
    assert read(head, balancer="header:x-served-by") == HttpAnswer(200, "web1", "web1", True)


@pytest.mark.parametrize("value", [b"", b" ", b"x" * 256])
def test_an_empty_or_endless_name_is_no_name(value: bytes) -> None:
    """What cannot be a server's name names nobody."""
    answer = read(b"HTTP/1.1 200 OK\r\nX-Served-By:" + value + b"\r\nContent-Length: 0\r\n\r\n")
    assert answer == HttpAnswer(200, "", "", True)


# --- framing ---

WHOLE = {
    "length": NAMED + b"Content-Length: 5\r\n\r\nhello",
    "length said twice": NAMED + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": NAMED + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n02\r\nlo\r\n0\r\nT: railer\r\n\r\n",
    "no body": b"HTTP/1.1 204 No Content\r\nX-Served-By: web1\r\nContent-Length: 5\r\n\r\n",
    "not modified": b"HTTP/1.1 304\r\nX-Served-By: web1\r\n\r\n",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    + NAMED
    + b"Content-Length: 0\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nX-Served-By:web1\nContent-Length: 1\n\nx",
    "1.0, kept": b"HTTP/1.0 200 OK\r\nX-Served-By: web1\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_an_answer_is_whole_at_its_last_byte(name: str) -> None:
    """However an answer is framed and however it is cut in pieces, it ends with its last byte."""
    raw = WHOLE[name]
    answers = {read(raw), read(*(raw[i : i + 1] for i in range(len(raw)))), read(raw[:30], raw[30:])}
    assert {(answer.server, answer.reusable) for answer in answers if answer} == {("web1", True)}
    assert None not in answers


CLOSING = {
    "told so": NAMED + b"Connection: Close\r\nContent-Length: 0\r\n\r\n",
    "told so in a list": NAMED + b"Connection: x, close\r\nContent-Length: 0\r\n\r\n",
    "1.0": b"HTTP/1.0 200 OK\r\nX-Served-By: web1\r\nContent-Length: 0\r\n\r\n",
    "something follows": NAMED + b"Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
    "two framings": NAMED + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in 1.0": b"HTTP/1.0 200 OK\r\nX-Served-By: web1\r\nConnection: keep-alive\r\n"
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a body too long": NAMED + b"Content-Length: 99999999\r\n\r\n",
    "chunks too long": NAMED + b"Transfer-Encoding: chunked\r\n\r\nfffffff\r\n",
    "a body without end": NAMED + b"\r\n" + b"x" * (BODY_LIMIT + 1),
}


@pytest.mark.parametrize("name", CLOSING)
def test_a_connection_is_not_used_again_after_a_doubtful_answer(name: str) -> None:
    """An answer after which nothing certain can follow counts, and its connection ends."""
    assert read(CLOSING[name]) == HttpAnswer(200, "web1", "", False)


CUT = [name for name in CLOSING if "too long" in name or "without end" in name]


@pytest.mark.parametrize("name", CLOSING)
def test_a_body_that_is_not_read_to_its_end_is_said_so(name: str) -> None:
    """The balancer counts an abort, and whoever compares the counts has to know."""
    reader = AnswerReader(Identifier.parse("header:x-served-by"), Identifier.parse(""))
    reader.feed(CLOSING[name])
    assert reader.cut == (name in CUT)


@pytest.mark.parametrize(
    "framing", [b"Content-Length: %d\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n%x\r\n", b"\r\n"]
)
def test_a_long_body_is_read_to_its_end_and_not_kept(framing: bytes) -> None:
    """A client that closes early is an abort to the balancer; 5 MB of each connection would be memory."""
    size, piece = 5_000_000, b"x" * 50_000
    reader = AnswerReader(Identifier.parse("header:x-served-by"), Identifier.parse(""))
    assert reader.feed(NAMED + (framing % size if b"%" in framing else framing)) is None
    tracemalloc.start()
    answers = [reader.feed(piece) for _ in range(size // len(piece))]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    last = answers[-1] or reader.feed(b"\r\n0\r\n\r\n" if b"chunked" in framing else b"")
    assert (set(answers[:-1]), last and last.server, reader.cut) == ({None}, "web1", False)
    assert peak < 1_000_000


def test_a_name_is_searched_in_the_beginning_of_a_body() -> None:
    """A bounded part is kept for that, by each connection."""
    body = b"x" * (SEARCH_LIMIT - 4) + b"web1"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    near, far = (
        read(head % len(body) + body, identify=r"body:web\d"),
        read(head % (len(body) + 1) + b"x" + body, identify=r"body:web\d"),
    )
    assert (near and near.server, far and far.server) == ("web1", "")


def test_who_has_sent_a_good_deal_of_a_body_has_answered() -> None:
    """A long body over a slow link outlasts every timeout; a head alone, or a little of a body, is no answer."""
    reader = AnswerReader(Identifier.parse("header:x-served-by"), Identifier.parse(""))
    assert reader.as_far_as_it_came() is None
    reader.feed(NAMED + b"Content-Length: 9999999\r\n\r\n" + b"x" * (SEARCH_LIMIT - 1))
    assert reader.as_far_as_it_came() is None
    reader.feed(b"x")
    assert reader.as_far_as_it_came() == HttpAnswer(200, "web1", "", False)
    assert reader.cut


# --- codings ---

TEXT = b"served by web9"


def raw_deflate(data: bytes) -> bytes:
    """Return what some servers call deflate."""
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT + b"x" * SEARCH_LIMIT)),
    ],
)
def test_a_name_is_found_in_a_body_that_the_server_encodes_all_the_same(coding: str, body: bytes) -> None:
    """gzip and deflate are undone, one after the other."""
    raw = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answer = read(raw, identify=r"body:web\d")
    assert answer is not None
    assert answer.server == "web9"


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_a_body_that_cannot_be_decoded_is_said_so(coding: str) -> None:
    """An unknown coding, or another than was promised, names nobody, and the reader says why."""
    reader = AnswerReader(Identifier.parse("body:.+"), Identifier.parse(""))
    answer = reader.feed(f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n\r\nweb1".encode())
    assert answer == HttpAnswer(200, "", "", True)
    assert reader.remark == f"the body is encoded ({coding}), and nothing can be found in it"


def test_a_small_body_never_becomes_a_huge_one() -> None:
    """What is decoded is bounded."""
    bomb = gzip.compress(b"x" * 50_000_000)
    assert len(decoded(bomb, [b"gzip"], SEARCH_LIMIT)) == SEARCH_LIMIT
    assert len(decoded(gzip.compress(bomb), [b"gzip", b"gzip"], SEARCH_LIMIT)) == SEARCH_LIMIT


def test_an_answer_without_length_ends_with_its_connection() -> None:
    """A body that only the end of the connection ends is whole there."""
    assert read(NAMED + b"\r\n", b"some", b"thing", end=True) == HttpAnswer(200, "web1", "", False)


MALFORMED = {
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n",
    "a single letter": b"x",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a field without colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a blank before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
    "a folded field": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "two lengths": NAMED + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a negative length": NAMED + b"Content-Length: -1\r\n\r\n",
    "an endless length": NAMED + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "no chunk size": NAMED + b"Transfer-Encoding: chunked\r\n\r\nhello\r\n",
    "a chunk longer than said": NAMED + b"Transfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n",
    "an endless chunk size": NAMED + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * (HEAD_LIMIT + 1),
    "endless trailers": NAMED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"T: railer\r\n" * HEAD_LIMIT,
    "an endless field": NAMED + b"A: " + b"b" * HEAD_LIMIT,
    "endless fields": NAMED + b"A: b\r\n" * HEAD_LIMIT,
    "endless interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * HEAD_LIMIT,
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_answer_is_told_at_once(name: str) -> None:
    """Bytes that cannot become an answer, or only one beyond all limits, are not waited for."""
    with pytest.raises(MalformedAnswerError):
        read(MALFORMED[name])


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", WHOLE["length"][:-1], WHOLE["chunked"][:-2]])
def test_a_truncated_answer_is_none(raw: bytes) -> None:
    """A stream that ends before the answer does gives no answer."""
    with pytest.raises(MalformedAnswerError, match="ended before"):
        read(raw, end=True) if raw else read(end=True)


def test_a_closed_reader_lets_go_at_once() -> None:
    """What a reader holds is freed without the garbage collector: thousands may end unfinished while it is off."""
    reader = AnswerReader(Identifier.parse("header:x"), Identifier.parse(""))
    reader.feed(NAMED + b"\r\n" + b"x" * 1000)
    held = weakref.ref(reader)
    gc.disable()
    try:
        reader.close()
        del reader
        assert held() is None
    finally:
        gc.enable()


# --- answers that look like earlier ones ---


def learned(*raws: bytes, identify: str = "header:x-served-by", balancer: str = "") -> Recogniser:
    """Return a recogniser that has read some answers."""
    recogniser = Recogniser(identify, balancer)
    for raw in raws:
        reader = recogniser.reader()
        assert reader.feed(raw) is not None
        recogniser.learn(reader)
    return recogniser


def test_an_answer_that_looks_like_an_earlier_one_is_told_at_a_glance() -> None:
    """Other values under the same names are understood; nothing is before the first answer was read."""
    first = NAMED + b"Date: Mon\r\nX-Balanced-By: lb1\r\nContent-Length: 2\r\n\r\nhi"
    other = NAMED.replace(b"web1", b"web2") + b"Date: Tue\r\nX-Balanced-By: lb2 \r\nContent-Length: 3\r\n\r\nhey"
    assert Recogniser("header:x-served-by").at_a_glance(first) is None
    recogniser = learned(first, balancer="header:x-balanced-by")
    assert recogniser.at_a_glance(first) == HttpAnswer(200, "web1", "lb1", True)
    assert recogniser.at_a_glance(other) == HttpAnswer(200, "web2", "lb2", True)


UNLIKE = {
    "truncated": NAMED + b"Content-Length: 2\r\n\r\nh",
    "followed by something": NAMED + b"Content-Length: 2\r\n\r\nhi!",
    "another status": b"HTTP/1.1 404 No\r\nX-Served-By: web1\r\nContent-Length: 2\r\n\r\nhi",
    "another version": b"HTTP/1.0 200 OK\r\nX-Served-By: web1\r\nContent-Length: 2\r\n\r\nhi",
    "a field more": NAMED + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi",
    "another order": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: web1\r\n\r\nhi",
    "a break in a value": NAMED.replace(b"web1", b"web\n1") + b"Content-Length: 2\r\n\r\nhi",
    "no length": NAMED + b"Content-Length: x\r\n\r\nhi",
}


@pytest.mark.parametrize("name", UNLIKE)
def test_an_answer_unlike_earlier_ones_is_left_to_a_reader(name: str) -> None:
    """Where the framing may differ in anything, a glance does not do."""
    assert learned(NAMED + b"Content-Length: 2\r\n\r\nhi").at_a_glance(UNLIKE[name]) is None


def test_the_end_of_a_connection_is_part_of_the_shape() -> None:
    """A head that says close is not taken for one that does not."""
    kept, closed = (NAMED + b"Connection: " + v + b"\r\nContent-Length: 0\r\n\r\n" for v in (b"keep-alive", b"close"))
    assert learned(kept).at_a_glance(closed) is None
    assert learned(kept, closed).at_a_glance(closed) == HttpAnswer(200, "web1", "", False)


def test_cookies_in_another_order_are_not_mixed_up() -> None:
    """The cookie that names the server is never taken from another one's place."""
    one = b"HTTP/1.1 200 OK\r\nSet-Cookie: A=1\r\nSet-Cookie: SRV=w1; secure\r\nContent-Length: 0\r\n\r\n"
    two = b"HTTP/1.1 200 OK\r\nSet-Cookie: SRV=w2\r\nSet-Cookie: A=1\r\nContent-Length: 0\r\n\r\n"
    recogniser = learned(one, identify="cookie:SRV")
    assert recogniser.at_a_glance(one.replace(b"w1", b"w3")) == HttpAnswer(200, "w3", "", True)
    assert recogniser.at_a_glance(two) is None


@pytest.mark.parametrize("name", WHOLE)
def test_a_glance_and_a_reader_say_the_same(name: str) -> None:
    """Whatever is told at a glance is what a reader would say."""
    raw = WHOLE[name]
    assert learned(raw).at_a_glance(raw) in (None, read(raw))


def test_an_answer_with_two_framings_is_never_told_at_a_glance() -> None:
    """Transfer-Encoding overrides Content-Length, and the connection ends, also where both agree (RFC 9112, 6.3)."""
    raw = NAMED + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert learned(raw).at_a_glance(raw) is None
    assert read(raw) == HttpAnswer(200, "web1", "", False)


def test_a_redirect_is_never_told_at_a_glance() -> None:
    """Its target is wanted, which a glance passes over."""
    raw = b"HTTP/1.1 301 Moved\r\nX-Served-By: web1\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
    assert learned(raw).at_a_glance(raw) is None


@pytest.mark.parametrize("balancer", ["body:x", "header:x-served-by"])
def test_what_a_head_alone_does_not_tell_is_left_to_a_reader(balancer: str) -> None:
    """A name in the body, or two names in one field, are never told at a glance."""
    raw = NAMED + b"Content-Length: 1\r\n\r\nx"
    assert learned(raw, balancer=balancer).at_a_glance(raw) is None


def test_shapes_are_remembered_once_and_not_without_end() -> None:
    """A server with ever new fields costs no more memory than a few shapes."""
    raws = [NAMED + b"X-%d: y\r\nContent-Length: 0\r\n\r\n" % number for number in range(SHAPES_LIMIT + 3)]
    recogniser = learned(*raws[:1] * 3, *raws)
    told = [recogniser.at_a_glance(raw) is not None for raw in raws]
    assert told == [True] * SHAPES_LIMIT + [False] * 3


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "speaks HTTP/2 alone"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "speaks TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "begins with b'SSH-2.0-OpenSSH_9.2'"),
    ],
)
def test_who_speaks_another_protocol_is_told_by_the_first_bytes(sent: bytes, words: str) -> None:
    """The settings of HTTP/2, an alert of TLS, or the beginning of whatever else came."""
    with pytest.raises(MalformedAnswerError, match=words):
        read(sent)


def test_a_field_is_read_in_linear_time() -> None:
    """64 KiB of blanks before a byte that no value may hold; a pattern with two ways to read a blank takes days."""
    with pytest.raises(MalformedAnswerError, match="is no header field"):
        Head.parse(b"HTTP/1.1 200 OK\r\nx:" + b" " * 60_000 + b"\0\r\n\r\n")
    head = Head.parse(b"HTTP/1.1 200 OK\r\nx:" + b" \t" * 30_000 + b"a b" + b"\t " * 30_000 + b"\r\n\r\n")
    assert head.fields == ((b"x", b"a b"),)


def test_a_known_head_is_told_apart_in_linear_time() -> None:
    """Each blank of each field is looked at once: with two ways to read one, fifty fields of fifty take for ever."""
    fields = b"".join(b"A%d: a\r\n" % number for number in range(50))
    known = (
        b"HTTP/1.1 200 OK\r\nConnection: \r\nSet-Cookie: SRV=w1; Path=/\r\n" + fields + b"Content-Length: 2\r\n\r\nok"
    )
    recogniser = learned(known, identify="cookie:SRV")
    assert recogniser.at_a_glance(known)
    hostile = known.replace(b" a\r\n", b" " * 50 + b"\r\n").replace(b"Content-Length: 2", b"Content-Length: x")
    assert recogniser.at_a_glance(hostile) is None


def test_a_head_of_very_many_fields_is_not_remembered() -> None:
    """A pattern for thousands of fields takes long to make, and no server sends as many."""
    many = b"HTTP/1.1 200 OK\r\nX-Served-By: w1\r\nContent-Length: 2\r\n" + b"a: b\r\n" * FIELDS_LIMIT + b"\r\nok"
    assert learned(many).at_a_glance(many) is None


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 400 + ")" * 400 + "(", "a" * (PATTERN_LIMIT + 1)])
def test_a_pattern_that_cannot_be_used_is_refused_by_a_sentence(pattern: str) -> None:
    """Numbers that are too large, brackets that are open, and whole books."""
    with pytest.raises(LbcheckError, match=r"^('body:.* is not a regular expression: |body:.* has more than 1,000)"):
        Identifier.parse(f"body:{pattern}")


def test_a_body_that_was_not_searched_names_nobody_and_says_why() -> None:
    """Whoever searches may give up."""

    def search(_pattern: re.Pattern[bytes], _body: bytes) -> bytes:
        raise UnsearchedError("it takes too long")

    reader = AnswerReader(Identifier.parse("body:(.+)"), Identifier.parse(""), search=search)
    answer = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert answer == HttpAnswer(200, "", "", reusable=True)
    assert reader.remark == "it takes too long"


def test_codings_on_codings_are_not_undone_without_end() -> None:
    """Three are, one on top of the other; more are an attack."""
    with pytest.raises(EncodedError, match="5 codings"):
        decoded(b"", [b"gzip"] * 5, 100)
