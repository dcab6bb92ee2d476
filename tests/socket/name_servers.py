"""Small DNS servers on loopback for the tests: real sockets, each served by a thread, each answer told by a function.

    with name_server(answer(rotating("192.0.2.1", "192.0.2.2"))) as server: ...

A behaviour takes a query's bytes and returns the datagrams (or, over TCP, the frames' contents) to send back.
"""

import functools
import itertools
import select
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from lbcheck.model.address import Endpoint

Behaviour = Callable[[bytes], Iterable[bytes]]


def answering(*orders: str, flags: int = dns.flags.AA, ttl: int = 30, rdtype: str = "A") -> Behaviour:
    """Answer with each order of addresses in turn; an order is addresses joined by blanks."""
    turn = itertools.cycle(orders)

    @functools.cache  # a server that is slow on a busy machine would be taken for one that is silent
    def built(question: bytes, order: str) -> bytes:
        response = _response(bytes(2) + question, flags)
        response.answer = _records(response.question[0].name, ttl, rdtype, order.split())
        return response.to_wire(max_size=65535)[2:]

    return lambda query: [query[:2] + built(query[2:], next(turn))]


def saying(rcode: dns.rcode.Rcode) -> Behaviour:
    """Answer with an rcode and no records."""

    def behave(query: bytes) -> Iterable[bytes]:
        response = _response(query, 0)
        response.set_rcode(rcode)
        yield response.to_wire()

    return behave


def aliasing(*addresses: str) -> Behaviour:
    """Answer with a chain of two CNAMEs before the addresses, as RFC 1034 has them."""

    def behave(query: bytes) -> Iterable[bytes]:
        response = _response(query, dns.flags.RA)
        owner = response.question[0].name
        for alias in ("one.example.", "two.example."):
            response.answer.append(dns.rrset.from_text(owner, 300, "IN", "CNAME", alias))
            owner = dns.name.from_text(alias)
        response.answer += _records(owner, 60, "A", addresses)
        yield response.to_wire()

    return behave


def truncating(query: bytes) -> Iterable[bytes]:
    """Answer that the answer does not fit."""
    yield _response(query, dns.flags.TC).to_wire()


def silent(query: bytes) -> Iterable[bytes]:
    """Answer nothing."""
    return ()


def replying(*datagrams: Callable[[bytes], bytes]) -> Behaviour:
    """Send back what each function makes of the query."""
    return lambda query: [make(query) for make in datagrams]


def wrong_id(query: bytes) -> bytes:
    """Return a spoofed answer: the right question, another ID, another address."""
    spoofed = _response(query, dns.flags.AA)
    spoofed.id ^= 0x5555
    spoofed.answer.append(dns.rrset.from_text(spoofed.question[0].name, 30, "IN", "A", "203.0.113.66"))
    return spoofed.to_wire()


def wrong_question(query: bytes) -> bytes:
    """Return an answer with the right ID to a question that nobody asked."""
    spoofed = _response(query, dns.flags.AA)
    spoofed.question = [dns.rrset.RRset(dns.name.from_text("else.example."), dns.rdataclass.IN, dns.rdatatype.A)]
    spoofed.answer.append(dns.rrset.from_text("else.example.", 30, "IN", "A", "203.0.113.66"))
    return spoofed.to_wire()


def compression_loop(query: bytes) -> bytes:
    """Return an answer whose record's name points at itself."""
    response = _response(query, dns.flags.AA)
    response.use_edns(False)
    plain = bytearray(response.to_wire())
    plain[6:8] = b"\0\1"
    return bytes(plain) + bytes((0xC0, len(plain))) + b"\0\1\0\1\0\0\0\x1e\0\4" + bytes(4)


def _records(owner: dns.name.Name, ttl: int, rdtype: str, addresses: Iterable[str]) -> list[dns.rrset.RRset]:
    """Return a set for each address: dnspython shuffles the records within one."""
    return [dns.rrset.from_text(owner, ttl, "IN", rdtype, address) for address in addresses]


def _response(query: bytes, flags: int) -> dns.message.Message:
    asked = dns.message.from_wire(query)
    response = dns.message.make_response(asked)
    response.flags |= dns.flags.Flag(flags)
    return response


@contextmanager
def name_server(
    udp: Behaviour, tcp: Behaviour | None = None, queries: list[bytes] | None = None, port: int = 0
) -> Iterator[Endpoint]:
    """Serve on 127.0.0.1, on a free port if not told, over UDP and perhaps TCP; `queries` gets what was asked."""
    heard: list[bytes] = queries if queries is not None else []
    with ExitStack() as stack:
        datagrams, listener = map(stack.enter_context, _on_one_port(port))
        stack.enter_context(_served(datagrams, lambda: _serve_datagram(datagrams, udp, heard)))
        if tcp:
            listener.listen()
            stack.enter_context(_served(listener, lambda: _serve_connection(listener, tcp, heard)))
        else:
            listener.close()
        yield Endpoint("127.0.0.1", datagrams.getsockname()[1])


def _on_one_port(port: int) -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket bound to one port, free for both if not told."""
    while True:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listener.getsockname())
        except OSError:
            datagrams.close()
            listener.close()
            if port:
                raise
        else:
            return datagrams, listener


def closed_port() -> Endpoint:
    """Return an endpoint where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return Endpoint("127.0.0.1", sock.getsockname()[1])


@contextmanager
def _served(sock: socket.socket, serve: Callable[[], None]) -> Iterator[None]:
    """Call `serve` in a thread whenever the socket is readable, until the context ends."""
    ours, theirs = socket.socketpair()

    def loop() -> None:
        while ours not in select.select([sock, ours], [], [])[0]:
            serve()

    thread = threading.Thread(target=loop)
    thread.start()
    with ours, theirs:
        try:
            yield
        finally:
            theirs.send(b"!")
            thread.join()


def _serve_datagram(sock: socket.socket, behave: Behaviour, heard: list[bytes]) -> None:
    query, client = sock.recvfrom(4096)
    heard.append(query)
    for datagram in behave(query):
        sock.sendto(datagram, client)


def _serve_connection(listener: socket.socket, behave: Behaviour, heard: list[bytes]) -> None:
    """Serve one client until it closes, or until a behaviour gives nothing: then close before the answer."""
    client, _ = listener.accept()
    with client, client.makefile("rb") as stream:
        while size := stream.read(2):
            query = stream.read(int.from_bytes(size, "big"))
            heard.append(query)
            frames = [len(data).to_bytes(2, "big") + data for data in behave(query)]
            if not frames:
                return
            with suppress(ConnectionError):  # who asked may have seen enough
                client.sendall(b"".join(frames))
