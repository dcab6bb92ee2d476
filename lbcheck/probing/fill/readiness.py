"""Whether many sockets are all there: one poll(2), and no object for each of them."""

import ctypes
import select
import struct
import sys
from array import array
from collections.abc import Sequence

_POLL = ctypes.CDLL(None).poll


def all_writable(fds: Sequence[int]) -> bool:
    """Return whether every connection is established at this moment, and none has failed.

    select.poll() takes two calls, a tuple and three numbers for each descriptor: 1 % of the time that opening takes.
    This is the answer where it is yes; who is missing is for select.poll() to say.
    """
    if not fds:
        return True
    asked = array("i", bytes(8 * len(fds)))  # struct pollfd: a descriptor, and a word that holds both kinds of events
    asked[0::2] = array("i", fds)
    asked[1::2] = _events(select.POLLOUT, 0) * len(fds)
    _POLL(ctypes.c_void_p(asked.buffer_info()[0]), ctypes.c_ulong(len(fds)), 0)
    return asked[1::2] == _events(select.POLLOUT, select.POLLOUT) * len(fds)


def _events(wanted: int, seen: int) -> "array[int]":
    return array("i", [int.from_bytes(struct.pack("=hh", wanted, seen), sys.byteorder)])
