"""What a certificate says of itself, and what is wrong with it, as sentences."""

from datetime import timedelta

import pytest

from lbcheck.probing.http.distrust import explained
from lbcheck.wire.certificate import Certificate, NoCertificateError
from tests.certificates import NOW, make

AUTHORITY = make(common_name="Lab Root")
GOOD = make("www.lab.test", "*.shop.test", "192.0.2.7", "2001:db8::7", common_name="web", issuer=AUTHORITY)
EXPIRED, NOT_YET, SELF_SIGNED, NO_ISSUER, ANOTHER_NAME, ANOTHER_ADDRESS = 10, 9, 18, 20, 62, 64


def test_a_certificate_says_for_whom_by_whom_and_from_when_until_when() -> None:
    """Names and addresses are those of subjectAltName; subject and issuer are common names."""
    read = Certificate.parse(GOOD.der)
    assert read.names == ("www.lab.test", "*.shop.test", "192.0.2.7", "2001:db8::7")
    assert (read.subject, read.issuer) == ("web", "Lab Root")
    assert (read.not_before, read.not_after) == (NOW - timedelta(hours=1), NOW + timedelta(hours=1))


def test_a_certificate_may_name_nobody_and_live_for_long() -> None:
    """Without subjectAltName there are no names; times from 2050 on are written otherwise."""
    read = Certificate.parse(make(common_name="old", ends_h=24 * 365 * 40).der)
    assert (read.names, read.not_after) == ((), NOW + timedelta(hours=24 * 365 * 40))


@pytest.mark.parametrize("name", ["www.lab.test", "WWW.lab.test", "a.shop.test", "192.0.2.7"])
def test_a_certificate_is_for_its_names(name: str) -> None:
    """Case does not count, and a star is one label."""
    assert Certificate.parse(GOOD.der).is_for(name)


@pytest.mark.parametrize("name", ["lab.test", "shop.test", "a.b.shop.test", "192.0.2.8", "test"])
def test_a_certificate_is_for_nobody_else(name: str) -> None:
    """A star is no more than one label, and no fewer."""
    assert not Certificate.parse(GOOD.der).is_for(name)


def test_bytes_that_are_no_certificate_are_refused_and_nothing_else_happens() -> None:
    """Whatever a peer sends: cut anywhere, or with any byte changed, it is read or refused."""
    for cut in range(len(GOOD.der)):
        with pytest.raises(NoCertificateError):
            Certificate.parse(GOOD.der[:cut])
    refused = 0
    for at in range(len(GOOD.der)):
        for change in (0x01, 0x80, 0xFF):
            changed = bytearray(GOOD.der)
            changed[at] ^= change
            try:
                Certificate.parse(bytes(changed))
            except NoCertificateError:
                refused += 1
    assert refused > 50


def test_a_name_is_kept_as_it_is() -> None:
    """Reports make it plain; what is parsed is data."""
    read = Certificate.parse(make(common_name="a\x1b[31m\n" + "b" * 40).der)
    assert read.subject == "a\x1b[31m\n" + "b" * 40


@pytest.mark.parametrize(
    ("code", "hours", "name", "sentence"),
    [
        (EXPIRED, 49, "www.lab.test", f"expired on {NOW + timedelta(hours=1):%Y-%m-%d %H:%M UTC}, 2 days ago"),
        (NOT_YET, -2, "www.lab.test", f"is not valid before {NOW - timedelta(hours=1):%Y-%m-%d %H:%M UTC}; is this"),
        (ANOTHER_NAME, 0, "x.test", "is for www.lab.test, *.shop.test, 192.0.2.7, 2001:db8::7, not for x.test"),
        (ANOTHER_ADDRESS, 0, "192.0.2.8", "2001:db8::7, not for 192.0.2.8"),
        (NO_ISSUER, 0, "www.lab.test", "was issued by 'Lab Root', which is not trusted here: --cacert FILE"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_a_sentence(code: int, hours: float, name: str, sentence: str) -> None:
    """OpenSSL's code says what, the certificate says when, for whom and by whom."""
    assert sentence in explained(code, Certificate.parse(GOOD.der), name, NOW + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("code", "name"), [(EXPIRED, "www.lab.test"), (NOT_YET, "www.lab.test"), (ANOTHER_NAME, "a.shop.test"), (1, "x")]
)
def test_a_certificate_without_the_fault_is_not_blamed(code: int, name: str) -> None:
    """A further connection may meet another server, whose certificate is good."""
    assert explained(code, Certificate.parse(GOOD.der), name, NOW) == ""


def test_a_certificate_that_is_signed_by_itself_says_so() -> None:
    """Nobody issued it."""
    assert "is signed by itself ('Lab Root')" in explained(SELF_SIGNED, Certificate.parse(AUTHORITY.der), "x", NOW)


def test_many_names_are_said_in_part_and_no_name_is_said() -> None:
    """A certificate of a provider has hundreds; an old one has none."""
    many = Certificate.parse(make(*(f"{n}.test" for n in range(100))).der)
    none = Certificate.parse(make(common_name="old").der)
    assert "4.test and 95 more, not for x" in explained(ANOTHER_NAME, many, "x", NOW)
    assert "no subjectAltName, only the common name 'old'" in explained(ANOTHER_NAME, none, "old", NOW)
