"""What the kernel says of sockets, byte by byte."""

import ipaddress
import struct

import pytest

from lbcheck.wire.inet_diag import peers, sockets

ESTABLISHED = 1


def message(own: str, other: str, inode: int) -> bytes:
    """Return an inet_diag_msg: a socket's name, its timer, its queues, its user and its inode."""
    ends = [ipaddress.ip_address(address).packed for address in (own, other)]
    family = 2 if len(ends[0]) == 4 else 10
    name = struct.pack("!HH16s16s", 80, 40000, *ends) + struct.pack("=III", 0, 7, 8)
    return struct.pack("=BBBB", family, ESTABLISHED, 0, 0) + name + struct.pack("=IIIII", 1, 2, 3, 4, inode)


@pytest.mark.parametrize(
    ("own", "other", "shown"),
    [
        ("198.18.0.101", "198.18.0.31", "198.18.0.31"),
        ("2001:2::101", "2001:2::31", "2001:2::31"),
        ("::ffff:198.18.0.101", "::ffff:198.18.0.31", "198.18.0.31"),
    ],
)
def test_who_is_connected_is_counted_by_address_and_whether_it_was_accepted(own: str, other: str, shown: str) -> None:
    """A connection without an inode waits; one over IPv4 at a socket of IPv6 is IPv4's."""
    messages = [message(own, other, inode) for inode in (0, 81, 82, 0, 83)]
    header = bytes(16)
    answer = b"".join(header + one for one in messages)
    at = [number * (16 + 72) + 16 for number in range(len(messages))]
    assert peers(answer, at, ipv6=":" in own) == {(shown, True): 3, (shown, False): 2}


def test_addresses_are_told_apart() -> None:
    """Each has its own count."""
    messages = message("198.18.0.101", "198.18.0.31", 5) + message("198.18.0.101", "198.18.0.32", 6)
    assert peers(messages, [0, 72], ipv6=False) == {("198.18.0.31", True): 1, ("198.18.0.32", True): 1}


def test_a_socket_is_said_in_words() -> None:
    """Its own end, the other one, and its state."""
    [one] = sockets(message("198.18.0.31", "198.18.0.101", 5), [0], ipv6=False)
    assert str(one) == "198.18.0.31:80 to 198.18.0.101:40000 (established)"
