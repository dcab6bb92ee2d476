"""Fast weighted round robin: HAProxy's `balance roundrobin` (its lb_fwrr.c), replayed against the real one.

A turn has as many places as all effective weights together: 16 for each unit of weight. At its beginning all servers
wait, the heaviest first. At each place the server that is due first is chosen, or if none is due yet the next of those
that wait. A chosen server is due again after sum ÷ weight places, and the remainder of this division is carried over.
A server that would be due in the next turn waits for that, and its remainder is forgotten. So each turn has the same
counts, and what a server lacks at the end of a turn is never made good: 8:8:7 gives 128, 128 and 111 of 367. Weights
are not to be reduced: 16:16:14 gives other counts.

One sequence a process; from 3.2 on one a thread group, each of which begins at a server of its own.
"""

from heapq import heappop, heappush
from itertools import count

from lbcheck.analysis.wheels.turns import Turn
from lbcheck.analysis.wheels.wheel import Weights, by_turns

_SCALE = 16  # effective weight for one unit of weight; what is divided by an effective weight is so by the weight


def _turn(weights: Weights) -> Turn:
    if len(set(weights)) == 1:  # strictly one after the other, also from turn to turn
        return Turn(range(len(weights)))
    heaviest_first = sorted(range(len(weights)), key=lambda server: -weights[server])
    choices, finished = _choices(weights, heaviest_first)
    # Servers of equal weight wait in the order in which they finished, and do as the one did that waited there before.
    next_order = sorted(finished, key=lambda server: -weights[server])
    then = dict(zip(next_order, heaviest_first, strict=True))
    return Turn(choices, [then[server] for server in range(len(weights))])


def _choices(weights: Weights, order: list[int]) -> tuple[list[int], list[int]]:
    """Return the choices of one turn, and the servers in the order in which they finished it."""
    servers = len(weights)
    total = _SCALE * sum(weights)
    end = 2 * total  # of the turn, which begins at the place `total`
    steps = [divmod(sum(weights), weight) for weight in weights]
    keys = max(weights)  # a place
    due, rest = [total] * servers, [0] * servers
    waiting = order[::-1]
    queue: list[int] = []  # a number each, for speed: place, key, when it was queued, server
    choices, finished = [], []
    for place in count(total):
        if queue and (due[queue[0] % servers] <= place or not waiting):
            server = heappop(queue) % servers
        elif waiting:
            server = waiting.pop()
            due[server] = place
        else:
            break
        choices.append(server)
        step, remainder = steps[server]
        carried, rest[server] = divmod(rest[server] + remainder, weights[server])
        due[server] += step + carried
        if due[server] >= end:
            finished.append(server)
            continue
        key = due[server] * keys + rest[server] - weights[server]
        heappush(queue, (key * end + place) * servers + server)
    return choices, finished


def _steps(weights: Weights) -> int:
    return len(weights) if len(set(weights)) == 1 else _SCALE * sum(weights)


FAST_WEIGHTED = by_turns("fast weighted round robin", _turn, _steps)
