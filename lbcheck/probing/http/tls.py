"""TLS without a socket, for whoever has many sockets and no time to wait."""

import ssl
from contextlib import suppress

PIECE_BYTES = 16 * 1024  # a TLS record's most (RFC 8446, section 5.1)


def client_context(*, verify: bool, ca: str = "") -> ssl.SSLContext:
    """Return what a client of HTTP/1.1 trusts: the system's authorities, or SSL_CERT_FILE, and those of `ca` (PEM).

    Without `verify` it trusts anyone.
    """
    made = ssl.create_default_context()
    if ca:
        made.load_verify_locations(cadata=ca)
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(["http/1.1"])
    return made


class Tls:
    """TLS without a socket: bytes in, bytes out."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def hello(self) -> bytes:
        """Return what opens the handshake."""
        self.shake_hands()
        return self.pending()

    def feed(self, data: bytes) -> None:
        """Take what the peer sent; nothing is the end of its stream."""
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is done."""
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def certificate(self) -> bytes:
        """Return the peer's certificate in DER; empty while the handshake is not done."""
        try:
            return self._session.getpeercert(binary_form=True) or b""
        except ValueError:
            return b""

    def read(self) -> bytes | None:
        """Return what there is to read: nothing at the end of the stream, None where more has to come."""
        parts = []
        try:
            while part := self._session.read(PIECE_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            return b"".join(parts) or None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass  # many servers end without TLS's own farewell; HTTP's framing says whether something is missing
        return b"".join(parts)

    def write(self, data: bytes) -> None:
        """Encrypt a message."""
        self._session.write(data)

    def pending(self) -> bytes:
        """Return what is to be sent."""
        return self._outgoing.read()

    def farewell(self) -> bytes:
        """Return what is to be sent last: TLS's own end of the stream, or an alert."""
        with suppress(ssl.SSLError, ValueError):
            self._session.unwrap()
        return self.pending()
