"""What an X.509 certificate says of itself (RFC 5280), from its DER: for whom, by whom, from when until when.

Nothing here is verified: OpenSSL does that, and does not show a certificate that it refuses.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _OCTETS, _OID, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x04, 0x06, 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3  # [0] and [3] of TBSCertificate
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87  # of GeneralName
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")  # 2.5.29.17
_COMMON_NAME, _UNIT, _ORGANISATION = bytes.fromhex("550403"), bytes.fromhex("55040b"), bytes.fromhex("55040a")
_BMP_STRING = 0x1E
# OpenSSL's x509_vfy.h: no issuer found, or a signature of its own that nobody here trusts.
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
TEXT_LIMIT = 100  # characters of a name that are kept


class NoCertificateError(Exception):
    """Bytes that are no certificate, or one of a kind that nobody uses."""


@dataclass(frozen=True)
class Certificate:
    """What a certificate says of itself."""

    names: tuple[str, ...]  # DNS names and IP addresses that it is for (subjectAltName)
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime

    def is_for(self, name: str) -> bool:
        """Return whether it names a host; `*.` stands for one label (RFC 6125, section 6.4.3)."""
        known = {each.lower() for each in self.names}
        return name.lower() in known or f"*.{name.lower().partition('.')[2]}" in known

    @classmethod
    def parse(cls, der: bytes) -> "Certificate":
        """Read a certificate; NoCertificateError where it is none."""
        try:
            fields = list(_items(_only(_items(_only(_items(der), _SEQUENCE)), _SEQUENCE)))
            if fields and fields[0][0] == _VERSION:
                del fields[0]
            _serial, _algorithm, issuer, validity, subject, _key, *further = fields
            not_before, not_after = (_time(tag, value) for tag, value in _items(validity[1]))
            names = tuple(_alternative_names(further))
            return cls(names, _name(subject[1]), _name(issuer[1]), not_before, not_after)
        except (ValueError, IndexError) as error:
            raise NoCertificateError(str(error)) from None


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give tag and contents of each element that stands in `data`, one after the other."""
    at = 0
    while at < len(data):
        tag, size = data[at], data[at + 1]
        at += 2
        if size & 0x80:
            digits = size & 0x7F
            size, at = int.from_bytes(data[at : at + digits]), at + digits
        if at + size > len(data):
            raise ValueError("an element that is longer than what it stands in")
        yield tag, data[at : at + size]
        at += size


def _only(items: Iterator[tuple[int, bytes]], wanted: int = 0) -> bytes:
    """Return the contents of the first of some elements; ValueError where it is not of the kind that is wanted."""
    for tag, value in items:
        if wanted in (0, tag):
            return value
        break
    raise ValueError("an element is missing, or another than it should be")


def _time(tag: int, value: bytes) -> datetime:
    forms = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}
    if tag not in forms:
        raise ValueError("a time that is none")
    read = datetime.strptime(value.decode("ascii"), forms[tag]).replace(tzinfo=UTC)
    # RFC 5280, section 4.1.2.5.1: from 50 on, two digits are of the 20th century; strptime begins with 69.
    return read.replace(year=read.year - 100) if tag == _UTC_TIME and read.year >= 2050 else read


def _name(value: bytes) -> str:
    """Return who a distinguished name names: its common name, else its unit or organisation."""
    parts: dict[bytes, str] = {}
    for _, pairs in _items(value):
        for _, pair in _items(pairs):
            (_tag, kind), (tag, words) = list(_items(pair))[:2]
            text = words.decode("utf-16-be" if tag == _BMP_STRING else "utf-8", "replace")
            parts.setdefault(kind, text[:TEXT_LIMIT])
    return next((parts[kind] for kind in (_COMMON_NAME, _UNIT, _ORGANISATION) if parts.get(kind)), "")


def _alternative_names(further: Sequence[tuple[int, bytes]]) -> Iterator[str]:
    extensions = next((value for tag, value in further if tag == _EXTENSIONS), b"")
    for _, extension in _items(_only(_items(extensions), _SEQUENCE)) if extensions else ():
        (_, kind), *rest = _items(extension)
        if kind == _ALTERNATIVE_NAMES:
            value = b"".join(value for tag, value in rest if tag == _OCTETS)
            for tag, name in _items(_only(_items(value), _SEQUENCE)):
                if tag == _DNS_NAME:
                    yield name.decode("ascii", "replace")[:TEXT_LIMIT]
                elif tag == _IP_ADDRESS:
                    yield str(ipaddress.ip_address(name))
