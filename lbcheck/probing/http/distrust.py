"""Why a TLS handshake failed, as a sentence; where a certificate is to blame, with what it says of itself."""

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from lbcheck.probing.http.destination import Destination, ImpossibleError
from lbcheck.probing.http.tls import Tls, client_context
from lbcheck.wire.certificate import UNKNOWN_ISSUER, Certificate, NoCertificateError

# OpenSSL's x509_vfy.h
_NOT_YET_VALID, _EXPIRED = 9, 10
_ANOTHER_NAME = (62, 64)  # a host's, an IP address's
_EXPLAINED = (_NOT_YET_VALID, _EXPIRED, *UNKNOWN_ISSUER, *_ANOTHER_NAME)
NAMES_SHOWN = 5
LOOKS = 8  # at certificates: where each connection meets another server, to find one that has the fault
RECEIVE_BYTES = 16 * 1024

_WORDS = {  # OpenSSL's reason → what happened
    "WRONG_VERSION_NUMBER": "the peer does not speak TLS",
    "PACKET_LENGTH_TOO_LONG": "the peer does not speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": "the peer closed the connection during the TLS handshake",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server asks for a client's certificate, and lbcheck has none",
    "TLSV1_UNRECOGNIZED_NAME": "the server has no certificate for this name",
}


def reason(error: ssl.SSLError, destination: Destination, timeout_s: float) -> str:
    """Return why a handshake failed. For a certificate one or more connections are made, and nothing is asked."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        code = error.reason or ""
        return _WORDS.get(code) or f"the TLS handshake failed: {code.lower().replace('_', ' ') or error}"
    now = datetime.now(UTC)
    for certificate in _presented(destination, timeout_s) if error.verify_code in _EXPLAINED else ():
        if why := explained(error.verify_code, certificate, destination.name, now):
            return why
    return f"the certificate cannot be trusted: {error.verify_message}"


def explained(code: int, certificate: Certificate, name: str, now: datetime) -> str:
    """Return what is wrong with a certificate for `name`, given OpenSSL's code; empty where it has no such fault."""
    if code == _EXPIRED and certificate.not_after < now:
        return f"the certificate expired on {_day(certificate.not_after)}{_ago(now - certificate.not_after)}"
    if code == _NOT_YET_VALID and certificate.not_before > now:
        return f"the certificate is not valid before {_day(certificate.not_before)}; is this host's clock right?"
    if code in _ANOTHER_NAME and not certificate.is_for(name):
        return f"the certificate is for {_listed(certificate)}, not for {name}"
    if code in UNKNOWN_ISSUER:
        if certificate.issuer == certificate.subject:
            return f"the certificate is signed by itself ('{certificate.issuer}') and not trusted here: --cacert FILE"
        return f"the certificate was issued by '{certificate.issuer}', which is not trusted here: --cacert FILE"
    return ""


def _day(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC")


def _ago(past: timedelta) -> str:
    return f", {past.days:,} day{'s' if past.days > 1 else ''} ago" if past.days else ""


def _listed(certificate: Certificate) -> str:
    names = certificate.names
    if not names:
        return f"nobody (it has no subjectAltName, only the common name '{certificate.subject}')"
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _presented(destination: Destination, timeout_s: float) -> Iterator[Certificate]:
    """Give the certificates that a destination presents to one connection after the other, for `timeout_s` in all."""
    deadline = time.monotonic() + timeout_s
    for _ in range(LOOKS):
        with suppress(OSError, ImpossibleError, NoCertificateError):
            yield Certificate.parse(_certificate(destination, deadline))
        if time.monotonic() >= deadline:
            return


def _certificate(destination: Destination, deadline: float) -> bytes:
    """Shake hands, trusting anyone, and return the certificate in DER."""
    connection, _ = destination.open()
    try:
        _wait(connection, select.POLLOUT, deadline)
        tls = Tls(client_context(verify=False), destination.name)
        connection.send(tls.hello())
        while not tls.certificate():
            _wait(connection, select.POLLIN, deadline)
            tls.feed(connection.recv(RECEIVE_BYTES))
            tls.shake_hands()
            connection.send(tls.pending())
        return tls.certificate()
    finally:
        connection.close()


def _wait(connection: socket.SocketType, event: int, deadline: float) -> None:
    waiting = select.poll()
    waiting.register(connection, event)
    if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError
