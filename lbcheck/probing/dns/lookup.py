"""getaddrinfo, as every program on the host calls it, and the source address that each of its results would have."""

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from lbcheck.model.address import Family, of_family
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing.socket_options import socket_family
from lbcheck.probing.stopping import Stopped, never

FAILURES = 3  # in a row, then the rest is not asked: the C library has itself asked every server twice or more
PATIENCE = 4  # timeouts that one call may last: the C library asks twice, and may ask another server
POLL_S = 0.1  # how often `stopped` is asked

_KINDS = {
    socket.EAI_NONAME: ErrorKind.NOT_FOUND,
    socket.EAI_NODATA: ErrorKind.NOT_FOUND,  # the name, without addresses of the family
    socket.EAI_ADDRFAMILY: ErrorKind.NOT_FOUND,
    socket.EAI_AGAIN: ErrorKind.TIMEOUT,  # no server answered, or one has failed for now
    socket.EAI_FAIL: ErrorKind.STATUS,
}
Result = tuple[str, ...] | OSError | UnicodeError


def look_up(step: LookUp, stopped: Stopped = never) -> Lookup:
    """Call getaddrinfo for one name and family, one call after the other, and return what it put first.

    A call cannot be cut short: one that lasts `PATIENCE` timeouts is left behind, and the block ends.
    """
    started = monotonic()
    orders: Counter[str] = Counter()
    errors: Counter[ErrorKind] = Counter()
    reason = ""
    for result in _results(step, stopped):
        if isinstance(result, tuple):
            orders[" ".join(result)] += 1
        else:
            errors[_error_kind(result)] += 1
            reason = str(result.args[-1])
    first: Counter[str] = Counter()
    for order, count in orders.items():
        first[order.partition(" ")[0]] += count
    failure = None
    if errors and not orders:
        said = f"getaddrinfo finds no IPv{step.family} address of '{step.name}': {reason}"
        failure = Failure(errors.most_common(1)[0][0], said)
    return Lookup(
        at=step.at,
        failure=failure,
        seconds=monotonic() - started,
        name=step.name,
        family=step.family,
        queries=orders.total() + errors.total(),
        first=dict(first),
        orders=dict(orders),
        errors={str(kind): count for kind, count in errors.items()},
        sources=sources({address for order in orders for address in order.split()}, step.family),
    )


def _results(step: LookUp, stopped: Stopped) -> Iterator[Result]:
    """Yield what each call gave, until there were enough, or too many failures, or somebody wants to stop."""
    asked: SimpleQueue[bool] = SimpleQueue()
    results: SimpleQueue[Result] = SimpleQueue()
    # In a thread that may be left behind; one for all, because the C library reads resolv.conf anew for each.
    threading.Thread(target=_serve, args=(step, asked, results), daemon=True).start()
    failures = 0  # in a row
    due = monotonic()
    for _ in range(step.queries):
        if not _wait_until(due, stopped):
            break
        due = max(due, monotonic() - POLL_S) + (1 / step.rate if step.rate else 0.0)
        asked.put(True)
        began = monotonic()
        result = _patiently(results, step.timeout_s * PATIENCE, stopped)
        if result is None:
            return  # the thread ends with its call, or with the process
        yield result
        failures = 0 if isinstance(result, tuple) else failures + 1
        # A failure that took its time is silence, and the C library has asked more than once already.
        silence = failures and monotonic() - began >= step.timeout_s / 2
        if failures == FAILURES or silence:
            break
    asked.put(False)


def _serve(step: LookUp, asked: "SimpleQueue[bool]", results: "SimpleQueue[Result]") -> None:
    while asked.get():
        results.put(_call(step.name, step.family))


def _call(name: str, family: Family) -> Result:
    """Return the addresses in their order; an error is a result too."""
    try:
        found = socket.getaddrinfo(name, None, socket_family(family), socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error
    return tuple(str(sockaddr[0]) for *_, sockaddr in found)


def _patiently(results: "SimpleQueue[Result]", patience_s: float, stopped: Stopped) -> Result | None:
    """Return the next result; TimeoutError where it takes too long, None where somebody wants to stop."""
    deadline = monotonic() + patience_s
    while monotonic() < deadline:
        try:
            return results.get(timeout=POLL_S)
        except Empty:
            if stopped():
                return None
    return TimeoutError(f"a call did not come back within {patience_s:g} s")


def _wait_until(due: float, stopped: Stopped) -> bool:
    """Wait; False where somebody wants to stop."""
    while not stopped():
        ahead_s = due - monotonic()
        if ahead_s <= 0:
            return True
        sleep(min(ahead_s, POLL_S))
    return False


def _error_kind(error: OSError | UnicodeError) -> ErrorKind:
    """Return what an error of getaddrinfo means; one that is not understood propagates."""
    if isinstance(error, UnicodeError):
        return ErrorKind.NOT_FOUND  # no domain name: it was never asked for
    if isinstance(error, TimeoutError):
        return ErrorKind.TIMEOUT
    if isinstance(error, socket.gaierror) and error.errno in _KINDS:
        return _KINDS[error.errno]
    raise error


def sources(destinations: Iterable[str], family: Family) -> dict[str, str]:
    """Return destination → the source address that the kernel would use/its prefix length as glibc knows it.

    Destinations without a route are left out. The length is 0 where glibc knows none.
    """
    lengths = prefix_lengths()
    found = {}
    for destination in sorted(destinations):
        with socket.socket(socket_family(family), socket.SOCK_DGRAM) as sock:
            try:
                sock.connect((destination, 9))  # sends nothing: UDP's connect only looks up the route
            except OSError:
                continue
            source = str(ip_address(sock.getsockname()[0]))
        found[destination] = f"{source}/{lengths.get(source, 0)}"
    return found


def prefix_lengths() -> Mapping[str, int]:
    """Return address → prefix length for this host's addresses, as glibc's check_pf.c learns them; sorting uses them.

    It reads IFA_ADDRESS, which on a point-to-point link is the peer's address, and forgets all of them, IPv4's too,
    where there is no IPv6 address but ::1.
    """
    found = {address: length for message in _netlink_addresses() for address, length in _address(message)}
    return found if any(address != "::1" for address in of_family(found, 6)) else {}


def _netlink_addresses() -> Iterator[bytes]:
    """Yield the body of each RTM_NEWADDR message of a dump of all addresses (rtnetlink(7))."""
    rtm_newaddr, rtm_getaddr, request, dump, done = 20, 22, 0x1, 0x300, 3
    header = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(header.pack(header.size + 4, rtm_getaddr, request | dump, 1, 0) + bytes(4))
        while True:
            data = netlink.recv(1 << 16)  # twice what the kernel puts in one
            while data:
                length, kind, *_ = header.unpack_from(data)
                if kind == rtm_newaddr:
                    yield data[header.size : length]
                elif kind == done or length < header.size:
                    return
                data = data[_aligned(length) :]


def _address(message: bytes) -> Iterator[tuple[str, int]]:
    """Yield the IFA_ADDRESS of a struct ifaddrmsg with its prefix length."""
    ifa_address, body = 1, 8
    prefix_length = message[1]
    while body + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, body)
        if kind == ifa_address:
            yield str(ip_address(message[body + 4 : body + length])), prefix_length
        body += max(4, _aligned(length))


def _aligned(length: int) -> int:
    return (length + 3) & ~3  # NLMSG_ALIGN and RTA_ALIGN
