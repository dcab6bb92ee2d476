"""Which addresses glibc's getaddrinfo lists first because of rule 9 of RFC 6724: longest matching prefix.

Modelled: rule 9 as glibc 2.36 implements it in `rfc3484_sort` (posix/getaddrinfo.c), with the prefix lengths that
sysdeps/unix/sysv/linux/check_pf.c reads. Not modelled: rules 1 to 8 (no route, scope, deprecated and home addresses,
label, precedence, tunnels), and other C libraries. Addresses of one kind are equal by rules 1 to 8.
"""

from collections.abc import Mapping
from ipaddress import ip_address


def shared_bits(a: str, b: str) -> int:
    """Return how many leading bits two addresses of one family have in common."""
    left, right = ip_address(a), ip_address(b)
    return left.max_prefixlen - (int(left) ^ int(right)).bit_length()


def preferred(sources: Mapping[str, str]) -> frozenset[str]:
    """Return the destinations that rule 9 sorts before the others; all of them if it ranks them equally.

    `sources`: destination → source address/prefix length, all of one family, as in `Lookup.sources`.
    """
    ranks = {destination: _rank(destination, source) for destination, source in sources.items()}
    return frozenset(destination for destination, rank in ranks.items() if rank == max(ranks.values()))


def _rank(destination: str, source: str) -> int:
    """Return how many leading bits glibc counts; for IPv4 it counts them only on the source's own subnet.

    Prefix length 0 means that glibc does not know it. glibc then shifts 32 bits by 32. C leaves that undefined, and
    processors do not shift at all, so the subnet is the source address alone. IPv6 has no such rule: glibc compares
    word by word up to the first difference, which amounts to comparing all bits.
    """
    address, _, length = source.partition("/")
    shared = shared_bits(destination, address)
    if ip_address(destination).version == 6:
        return shared
    return shared if shared >= (int(length) or 32) else 0
