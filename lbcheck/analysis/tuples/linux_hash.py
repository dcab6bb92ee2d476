"""Which outside address Linux's NAT gives an inside address: the hash of nftables' `snat … persistent`."""

from collections.abc import Sequence
from functools import lru_cache

from lbcheck.model.address import parsed

_MASK = 0xFFFFFFFF
_JHASH_INITVAL = 0xDEADBEEF  # include/linux/jhash.h


def jhash2(words: Sequence[int], initval: int) -> int:
    """Return the kernel's hash of an array of 32-bit words (include/linux/jhash.h, jhash2)."""
    a = b = c = (_JHASH_INITVAL + (len(words) << 2) + initval) & _MASK
    rest = list(words)
    while len(rest) > 3:
        a, b, c = _mix((a + rest[0]) & _MASK, (b + rest[1]) & _MASK, (c + rest[2]) & _MASK)
        rest = rest[3:]
    if not rest:
        return c
    a, b, c = ((old + new) & _MASK for old, new in zip((a, b, c), (*rest, 0, 0), strict=False))
    return _final(a, b, c)


def _rotate(word: int, shift: int) -> int:
    return ((word << shift) | (word >> (32 - shift))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = ((a - c) & _MASK) ^ _rotate(c, first)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rotate(a, second)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rotate(b, third)
        b = (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    for first, second, third in ((14, 11, 25), (16, 4, 14)):
        c = ((c ^ b) - _rotate(b, first)) & _MASK
        a = ((a ^ c) - _rotate(c, second)) & _MASK
        b = ((b ^ a) - _rotate(a, third)) & _MASK
    return ((c ^ b) - _rotate(b, 24)) & _MASK


@lru_cache(maxsize=1 << 17)
def _hash_of(address: str) -> int:
    packed = parsed(address).packed.ljust(16, b"\0")
    # The kernel reads words in its own byte order; every machine that NATs nowadays is little-endian.
    return jhash2([int.from_bytes(packed[at : at + 4], "little") for at in range(0, 16, 4)], 0)


def linux_choice(address: str, pool_size: int) -> int:
    """Return the index of the outside address that `snat to A1-An persistent` gives an inside address.

    `jhash2(address as 16 zero-padded bytes, 0) × n >> 32`, without a seed (net/netfilter/nf_nat_core.c,
    find_best_ips_proto).
    """
    return _hash_of(address) * pool_size >> 32
