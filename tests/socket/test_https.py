"""Asking over TLS: the HTTP engine and a watch against real listeners on loopback."""

import itertools
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest

from lbcheck.model.step import ErrorKind
from lbcheck.model.watch import Route, Watch
from lbcheck.probing.http.engine import request
from lbcheck.probing.http.watch import watch
from tests.certificates import Made, make
from tests.socket.http_servers import (
    Serve,
    Server,
    closing_early,
    dripping,
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


@pytest.mark.parametrize("keep_alive", [False, True])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_https_is_counted_like_http(
    tls: ssl.SSLContext, version: ssl.TLSVersion, keep_alive: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate that the host trusts, every answer counts, and the server is asked for by the URL's name."""
    asked = []
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    tls.maximum_version = version
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(kept if keep_alive else once, context=tls) as server:
        url = f"https://www.lab.test:{server.port}/"
        answers = request(step(server.port, 30, url=url, keep_alive=keep_alive, timeout_s=5.0))
    assert (answers.errors, answers.sent, len(server.requests)) == ({}, 30, 30)
    assert len(server.clients) == (4 if keep_alive else 30)
    assert set(asked) == {"www.lab.test"}


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_that_does_not_fit_is_an_error_of_tls(
    tls: ssl.SSLContext, trusted: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's name, or a signature that nobody knows, is refused before anything is asked; unless told otherwise."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(once, context=tls) as server:
        url = f"https://{'other' if trusted else 'www'}.lab.test:{server.port}/"
        strict = request(step(server.port, 3, url=url, timeout_s=5.0))
        assert server.requests == []
        lenient = request(step(server.port, 3, url=url, timeout_s=5.0, verify=False))
    assert (strict.errors, strict.sent) == ({ErrorKind.TLS: 3}, 3)
    assert (lenient.errors, lenient.sent, len(server.requests)) == ({}, 3, 3)


# --- why ---

ROOT = make(common_name="Lab Root")
# What a server presents to who asks for www.lab.test, and what is wrong with it.
PRESENTED = {
    "expired": (make("www.lab.test", begins_h=-100, ends_h=-50, issuer=ROOT), "the certificate expired on "),
    "not yet": (make("www.lab.test", begins_h=50, ends_h=99, issuer=ROOT), "the certificate is not valid before "),
    "another's": (make("a.test", "b.test", issuer=ROOT), "the certificate is for a.test, b.test, not for www.lab.test"),
    "unknown": (
        make("www.lab.test", issuer=make(common_name="Somebody")),
        "the certificate was issued by 'Somebody', which is not trusted here: --cacert FILE",
    ),
    "its own": (make("www.lab.test"), "the certificate is signed by itself ('www.lab.test') and not trusted here"),
}


def presenting(made: Made, folder: Path) -> ssl.SSLContext:
    """Return the server's side of TLS with a certificate."""
    file = folder / f"{made.certificate.serial_number}.pem"
    file.write_bytes(made.with_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("name", PRESENTED)
def test_a_certificate_that_is_refused_is_named_with_its_fault(name: str, tmp_path: Path) -> None:
    """The reason has the certificate's own names, days and issuer, which OpenSSL does not tell."""
    made, sentence = PRESENTED[name]
    with serving(once, context=presenting(made, tmp_path)) as server:
        url = f"https://www.lab.test:{server.port}/"
        answers = request(step(server.port, 6, url=url, timeout_s=5.0, ca=ROOT.pem.decode()))
    assert answers.errors == {ErrorKind.TLS: 6}
    assert answers.reasons[ErrorKind.TLS].startswith(sentence)
    assert server.requests == []


def test_an_authority_that_the_step_names_is_trusted(tmp_path: Path) -> None:
    """A private CA beside the system's: nothing to install where the step runs."""
    made = make("www.lab.test", issuer=ROOT)
    with serving(once, context=presenting(made, tmp_path)) as server:
        url = f"https://www.lab.test:{server.port}/"
        trusted = request(
            step(server.port, 6, url=url, timeout_s=5.0, ca=(PRESENTED["its own"][0].pem + ROOT.pem).decode())
        )
        other = request(step(server.port, 6, url=url, timeout_s=5.0))
    assert (trusted.errors, trusted.sent, trusted.reasons) == ({}, 6, {})
    assert other.errors == {ErrorKind.TLS: 6}


def test_the_one_bad_certificate_of_three_is_found(tmp_path: Path) -> None:
    """Where each connection meets another server, the reason is that of the server that has the fault."""
    good, bad = (presenting(made, tmp_path) for made in (make("www.lab.test", issuer=ROOT), PRESENTED["expired"][0]))
    turn = itertools.cycle([good, good, bad])

    def other(connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = next(turn)

    good.sni_callback = other
    with serving(once, context=good) as server:
        url = f"https://www.lab.test:{server.port}/"
        answers = request(step(server.port, 9, url=url, timeout_s=5.0, concurrency=1, ca=ROOT.pem.decode()))
    assert (answers.errors, answers.sent) == ({ErrorKind.TLS: 3}, 9)
    assert answers.reasons[ErrorKind.TLS].startswith("the certificate expired on ")


def test_a_peer_that_then_says_nothing_costs_one_timeout(tmp_path: Path) -> None:
    """The second look is bounded in time, and without it the reason is OpenSSL's own."""
    context = presenting(PRESENTED["expired"][0], tmp_path)

    def once_only(server: Server, connection: socket.socket) -> None:
        if len(server.clients) > 1:
            server.read(connection)
        else:
            context.wrap_socket(connection, server_side=True).close()

    started = time.monotonic()
    with serving(once_only) as server:
        url = f"https://www.lab.test:{server.port}/"
        answers = request(step(server.port, 1, url=url, timeout_s=0.5, ca=ROOT.pem.decode()))
    assert answers.reasons == {ErrorKind.TLS: "the certificate cannot be trusted: certificate has expired"}
    assert time.monotonic() - started < 5


def test_authorities_that_are_none_fail_the_step() -> None:
    """A step from elsewhere is not trusted: said once, and nothing is sent."""
    answers = request(step(1, 1, url="https://www.lab.test/", ca="no PEM"))
    assert answers.failure is not None
    assert (answers.failure.kind, answers.sent) == (ErrorKind.TLS, 0)


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (garbage, ErrorKind.TLS),
        (unavailable, ErrorKind.TLS),
        (closing_early, ErrorKind.TLS),
        (resetting, ErrorKind.RESET),
    ],
)
def test_a_server_without_tls_is_told_apart(serve: Serve, kind: ErrorKind) -> None:
    """A peer that does not speak TLS is an error of TLS, not a silence."""

    def plain(server: Server, connection: socket.socket) -> None:
        connection.recv(65536)
        if serve is resetting:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif serve is not closing_early:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" if serve is unavailable else b"220 mail\r\n")

    with serving(plain) as server:
        answers = request(step(server.port, 3, url=f"https://www.lab.test:{server.port}/", timeout_s=5.0))
    assert (answers.errors, answers.sent) == ({kind: 3}, 3)
    if kind == ErrorKind.TLS:
        closed = "the peer closed the connection during the TLS handshake"
        assert answers.reasons == {kind: closed if serve is closing_early else "the peer does not speak TLS"}


@pytest.mark.parametrize("serve", [silent, dripping])
def test_a_handshake_has_its_time_too(serve: Serve, tls: ssl.SSLContext) -> None:
    """A peer that never ends the handshake is a timeout."""

    def mute(_server: Server, connection: socket.socket) -> None:
        while connection.recv(65536):
            if serve is dripping:
                connection.sendall(b"\x16")

    started = time.monotonic()
    with serving(mute) as server:
        answers = request(step(server.port, 2, url=f"https://www.lab.test:{server.port}/"))
    assert (answers.errors, answers.sent) == ({ErrorKind.TIMEOUT: 2}, 2)
    assert time.monotonic() - started < 5


def test_tls_that_ends_in_the_middle_of_an_answer_is_truncated(tls: ssl.SSLContext) -> None:
    """What HTTP says is missing is missing, however TLS ends."""
    with serving(truncated, context=tls) as server:
        answers = request(step(server.port, 3, url=f"https://www.lab.test:{server.port}/", verify=False, timeout_s=5.0))
    assert answers.errors == {ErrorKind.PROTOCOL: 3}


# --- a watch ---


def test_a_watch_trusts_the_authorities_that_it_names(tmp_path: Path) -> None:
    """A private CA is no gap."""
    with serving(once, context=presenting(make("www.lab.test", issuer=ROOT), tmp_path)) as server:
        route = Route(f"https://www.lab.test:{server.port}/", "127.0.0.1")
        step = Watch(routes=(route,), interval_s=0.05, for_s=0.3, timeout_s=5.0, ca=ROOT.pem.decode())
        assert watch(step).seen[0].errors == {}


@pytest.mark.parametrize(("name", "verify"), [("www", True), ("other", True), ("other", False)])
def test_a_watch_over_https_sees_who_answers(
    tls: ssl.SSLContext, name: str, verify: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers over TLS are service; a certificate for somebody else is a gap from the first attempt to the last."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def balanced(server: Server, connection: socket.socket) -> None:
        if server.read(connection):
            connection.sendall(server.answer("X-Balancer: lb1\r\n"))

    with serving(balanced, context=tls) as server:
        route = Route(f"https://{name}.lab.test:{server.port}/", "127.0.0.1")
        seen = watch(Watch(routes=(route,), interval_s=0.05, for_s=0.5, timeout_s=5.0, verify=verify)).seen[0]
    if name == "other" and verify:
        assert (seen.errors, server.requests, len(seen.gaps)) == ({ErrorKind.TLS: seen.attempts}, [], 1)
    else:
        assert (seen.errors, seen.balancers, seen.gaps) == ({}, {"lb1": seen.attempts}, ())
