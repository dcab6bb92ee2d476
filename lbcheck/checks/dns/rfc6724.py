"""Which addresses glibc's getaddrinfo puts first because of rule 9 of RFC 6724: longest matching prefix.

Modelled: rule 9 as `rfc3484_sort` in glibc's posix/getaddrinfo.c has it (2.36), with the prefix
lengths that sysdeps/unix/sysv/linux/check_pf.c learns. Not modelled: rules 1 to 8 (no route, scope, deprecated and home
addresses, label, precedence, tunnels), which are taken to be equal, as they are for addresses of one kind; other C
libraries.
"""

from collections.abc import Mapping
from ipaddress import ip_address


def shared_bits(a: str, b: str) -> int:
    """Return how many leading bits two addresses of one family have in common."""
    left, right = ip_address(a), ip_address(b)
    return left.max_prefixlen - (int(left) ^ int(right)).bit_length()


def preferred(sources: Mapping[str, str]) -> frozenset[str]:
    """Return the destinations that rule 9 puts before the others; all of them where it does not tell them apart.

    `sources` is destination → source address/prefix length, all of one family, as `Lookup` has it.
    """
    ranks = {destination: _rank(destination, source) for destination, source in sources.items()}
    return frozenset(destination for destination, rank in ranks.items() if rank == max(ranks.values()))


def _rank(destination: str, source: str) -> int:
    """Return the bits that glibc counts: for IPv4, those of a destination on the source's own subnet only.

    Prefix length 0 says that glibc does not know it. It then shifts 32 bits by 32, which C leaves open and processors
    take as no shift at all: the subnet is the source address alone. IPv6 has no such bound: glibc compares word by
    word, up to the first that differs, which comes to comparing all bits.
    """
    address, _, length = source.partition("/")
    shared = shared_bits(destination, address)
    if ip_address(destination).version == 6:
        return shared
    return shared if shared >= (int(length) or 32) else 0
