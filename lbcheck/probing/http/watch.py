"""Asks every route at a steady pace, over a new connection each time, and says when nobody answered.

Attempts go out on schedule, whatever became of the earlier ones: a silent address costs each its own timeout, and the
others nothing. Which attempts there are is fixed beforehand, so a watch ends by itself: in number and in time.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import lbcheck
from lbcheck.model.address import family
from lbcheck.model.step import ErrorKind
from lbcheck.model.watch import LONGEST_S, Route, Watch, Watched
from lbcheck.probing.http import tls
from lbcheck.probing.http.gaps import Attempt, seen
from lbcheck.probing.http.searching import searching
from lbcheck.probing.socket_options import RESET, socket_address, socket_family
from lbcheck.probing.stopping import Stopped, never
from lbcheck.wire.errnos import KINDS
from lbcheck.wire.http.answer import SEARCH_LIMIT, HttpAnswer
from lbcheck.wire.http.head import MalformedAnswerError
from lbcheck.wire.http.recogniser import Recogniser
from lbcheck.wire.http.request import Target, request_bytes

RECEIVE_BYTES = 16 * 1024
PATIENCE_S = 1.0  # for attempts under way, once the watch is told to stop
TICK_S = 0.1  # between two looks at `stopped`, where nothing is due earlier


def watch(step: Watch, stopped: Stopped = never) -> Watched:
    """Watch all routes of `step` at once; what goes wrong with an attempt is counted."""
    identify = step.identify_balancer or "header:x-balancer"
    with searching(identify) as search:
        # Whoever serves need not say so here: any answer below 500 is service.
        # Who has sent so much of a body serves; the rest of a long one would outlast the time of an attempt.
        recogniser = Recogniser(identify, body_limit=SEARCH_LIMIT, search=search)
        askers = [_Asker(step, route, recogniser) for route in step.routes]
        clock = time.monotonic()
        asyncio.run(_watch(step, askers, clock, stopped))
    return Watched(
        at=step.at,
        seen=tuple(seen(asker.route, asker.attempts) for asker in askers),
        rehearsal=step.rehearsal,
        seconds=time.monotonic() - clock,
    )


async def _watch(step: Watch, askers: list["_Asker"], clock: float, stopped: Stopped) -> None:
    """Start each attempt when it is due; the routes take turns, so that their attempts are spread evenly."""
    running: set[asyncio.Task[None]] = set()
    spacing_s = step.interval_s / len(askers)
    number = 0
    for_s = LONGEST_S if step.until_told else step.for_s
    while number * spacing_s < for_s and not stopped():
        wait_s = clock + number * spacing_s - time.monotonic()
        if wait_s > 0:
            await asyncio.sleep(min(wait_s, TICK_S))
            continue
        if wait_s < -step.interval_s:  # this process was held up: what was due meanwhile is left out, not made up for
            number += len(askers) * int(-wait_s / step.interval_s)
        task = asyncio.create_task(askers[number % len(askers)].attempt(clock))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
        await asyncio.sleep(0)  # let it connect now: its start is what counts
    if stopped() and running:
        _, late = await asyncio.wait(running, timeout=PATIENCE_S)
        for task in late:  # it was neither answered nor left without an answer
            task.cancel()
    await asyncio.gather(*running)


class _Asker:
    """One route, and every attempt at it."""

    def __init__(self, step: Watch, route: Route, recogniser: Recogniser) -> None:
        self.route = route
        self.attempts: list[Attempt] = []
        self._step, self._target = step, Target.parse(route.url)
        agent = f"lbcheck/{lbcheck.__version__}" + (f" run={step.token}" if step.token else "")
        self._message = request_bytes(self._target, agent, keep_alive=False)
        self._recogniser = recogniser
        self._name = self._target.host.partition("%")[0]  # TLS knows no interfaces
        self._family = socket_family(family(route.address))
        self._ports: deque[int] = deque()  # source ports that are free again
        self._tls = tls.client_context(verify=step.verify, ca=step.ca) if self._target.tls else None

    async def attempt(self, clock: float) -> None:
        """Ask once, and note when, how long it took, and who answered."""
        start = time.monotonic()
        error, balancer = "", ""
        try:
            async with asyncio.timeout(self._step.timeout_s):
                answer = await self._ask()
            balancer = answer.server
            error = ErrorKind.STATUS if answer.status >= 500 else ""
        except TimeoutError:
            error = ErrorKind.TIMEOUT
        except ssl.SSLError:
            error = ErrorKind.TLS
        except MalformedAnswerError:
            error = ErrorKind.PROTOCOL
        except OSError as failure:
            error = KINDS.get(failure.errno or 0, ErrorKind.INTERNAL)
        self.attempts.append(Attempt(start - clock, time.monotonic() - start, str(error), balancer))

    async def _ask(self) -> HttpAnswer:
        with self._socket() as connection:
            end = socket_address(self.route.address, self._target.port)
            await asyncio.get_running_loop().sock_connect(connection, end)
            # A descriptor of its own for the transport, which closes it; the port is given back after that.
            reader, writer = await asyncio.open_connection(
                sock=connection.dup(), ssl=self._tls, server_hostname=self._name if self._tls else None
            )
            try:
                writer.write(self._message)
                answer, parser = None, self._recogniser.reader()
                while answer is None:
                    answer = parser.feed(await reader.read(RECEIVE_BYTES))
                return answer
            finally:
                writer.transport.abort()
                with suppress(OSError):
                    await writer.wait_closed()

    @contextmanager
    def _socket(self) -> Iterator[socket.socket]:
        """Give a socket, from a source port that no attempt has now.

        A SYN that nobody answers occupies a NAT's mapping for minutes (RFC 5382: 4). With the same few source ports in
        turn a watch takes up no more mappings, nor ports of this host, than it has attempts at once.
        """
        with socket.socket(self._family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as new:
            # The end is a reset: no TIME_WAIT stays here, nor at a NAT, so that the same 4-tuple is free again.
            new.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._ports:
                with suppress(OSError):  # somebody else has it by now: then any other
                    new.bind(("", self._ports.popleft()))
            try:
                yield new
            finally:
                if port := new.getsockname()[1]:
                    self._ports.append(port)
