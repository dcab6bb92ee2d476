"""Keys: whether each source address, header value or other key always meets the same server."""

from collections import Counter, defaultdict
from math import prod

from lbcheck.analysis.order.cycles import TURNS
from lbcheck.analysis.order.inference import Inference, Kind, Order
from lbcheck.analysis.order.period import smallest_period
from lbcheck.analysis.order.stretches import each_in_one_stretch
from lbcheck.model.words import counted

KEYS_CHANCE = 1e-6  # that draws send each key to one server; far below a run's budget, as it takes a law's place


def one_key_one_server(order: Order) -> Inference | None:
    """Say that several keys each met one of several servers."""
    servers = _servers_by_key(order)
    if len(servers) < 2 or len(order.counts) < 2 or any(len(answered) > 1 for answered in servers.values()):
        return None
    chance = _chance_of_constancy(order)
    if chance > KEYS_CHANCE:
        return None
    size = order.evenness
    if _in_step(order):
        sentence = (
            f"{counted(len(servers), 'key')} were sent in turn, and each met one of {len(order.counts)} servers: "
            "a cycle and one server for each key look the same here. Send the keys in an irregular order"
        )
        return Inference(Kind.UNKNOWN, sentence, size)
    caveat = (
        " Each key was sent in one stretch: servers that took over from each other look the same."
        if each_in_one_stretch(order.keys)
        else ""
    )
    sentence = (
        f"each of {counted(len(servers), 'key')} met one server, and {len(order.counts)} servers answered: one key, "
        f"one server.{caveat} A hash, a stick table and a cookie cannot be told apart; the shares depend on the keys"
    )
    return Inference(Kind.ONE_KEY_ONE_SERVER, sentence, size, chance)


def _servers_by_key(order: Order) -> dict[str, set[str]]:
    servers: dict[str, set[str]] = defaultdict(set)
    for key, answer in zip(order.keys, order.answers, strict=False):
        servers[key].add(answer)
    return servers


def _chance_of_constancy(order: Order) -> float:
    """Return the chance that draws with the observed shares send each key to one server."""
    shares = [count / order.length for count in order.counts.values()]
    return prod(sum(share**times for share in shares) for times in Counter(order.keys).values())


def _in_step(order: Order) -> bool:
    """Return whether a cycle of servers turns as the keys do, so that the place in the order explains both."""
    turn = smallest_period(order.keys)
    return turn * TURNS <= order.length and turn % order.period == 0
