"""From the order of answers to what may be said of it: the rules, one after the other.

An inference explains. It never says that weights are the intended ones, how many workers there are, or that a server
exists which never answered. `python -m bench.order` prints how often each kind is said of each law.
"""

from collections.abc import Callable, Sequence

from lbcheck.analysis.order import cycles, evenness, keys, stretches
from lbcheck.analysis.order.inference import Inference, Kind, Order, listed
from lbcheck.model.words import counted

OTHERS_CHANCE = 1e-4  # that other servers with at least the share that is named stay unseen
BLOCKS_CHANCE = 1e-5  # that draws give each server its answers in one stretch

Rule = Callable[[Order], Inference | None]


def infer(order: Sequence[str], keys: Sequence[str] = ()) -> Inference:
    """Return what the order of answers tells.

    `order`: the name of the server in each answer, of requests sent one at a time. `keys`: for each answer the key
    that was sent with its request (source address, header value); empty where no key matters. ValueError: keys, but
    not one for each answer.
    """
    if keys and len(keys) != len(order):
        raise ValueError(f"{len(order)} answers and {len(keys)} keys: each answer has one key")
    seen = Order(order, keys)
    return next(found for rule in RULES if (found := rule(seen)))


def cycle(order: Sequence[str]) -> Inference | None:
    """Return the cycle that repeats without exception in the order of answers, or None: less work than `infer`."""
    seen = Order(order)
    if seen.length < cycles.FEWEST or len(seen.counts) < 2:
        return None
    return cycles.strict_cycle(seen) or cycles.weighted_cycle(seen)


def _nothing(order: Order) -> Inference | None:
    return None if order.length else Inference(Kind.UNKNOWN, "no answer names a server", 0.0)


def _one_server(order: Order) -> Inference | None:
    if len(order.counts) > 1:
        return None
    unseen = 1 - OTHERS_CHANCE ** (1 / order.length)
    [name] = order.counts
    met = f", with {counted(len(set(order.keys)), 'key')}" if order.keys else ""
    sentence = (
        f"{name} gave every one of {counted(order.length, 'answer')}{met}; any others together are chosen for less "
        f"than {unseen:.1%} of requests, if by chance. One server alone, one that is left of several, "
        "a hash, a sticky session and `first` cannot be told apart"
    )
    return Inference(Kind.ONE_SERVER, sentence, 0.0)


def _too_few(order: Order) -> Inference | None:
    if order.length >= cycles.FEWEST:
        return None
    sentence = f"the order of {counted(order.length, 'answer')} tells nothing: {cycles.FEWEST} are the fewest"
    return Inference(Kind.UNKNOWN, sentence, order.evenness)


def _one_after_another(order: Order) -> Inference | None:
    chance = stretches.chance_of_one_stretch_each(order.answers)
    if not stretches.each_in_one_stretch(order.answers) or chance > BLOCKS_CHANCE:
        return None
    told = [f"{name} {count:,}" for name, count in order.counts.items()]
    sentence = (
        f"each server gave its answers in one stretch, one server after the other: {listed(told)}. "
        "First until full, a server that took over from another, kept connections and a cycle in blocks cannot be "
        "told apart"
    )
    return Inference(Kind.FIRST_UNTIL_FULL, sentence, order.evenness, chance, absences=order.long_gaps)


def _bunches(order: Order) -> Inference | None:
    if not order.in_bunches:
        return None
    average = order.length / (stretches.changes(order.answers) + 1)
    sentence = (
        f"the {order.length:,} answers come in stretches of {average:.0f} from one server on average: "
        "kept connections and a cycle in blocks cannot be told apart"
    )
    return Inference(Kind.UNKNOWN, sentence, order.evenness)


def _came_or_went(order: Order) -> Inference | None:
    away = order.long_gaps  # for an order in bunches another rule has spoken
    if not away:
        return None
    sentence = f"{listed([absence.sentence for absence in away])}: servers came or went during the run"
    return Inference(Kind.CHANGED, sentence, order.evenness, absences=away)


def _draws(order: Order) -> Inference:
    size = order.evenness
    if order.repeat > evenness.MAX_REPEAT:
        sentence = (
            f"one server gave most of the {order.length:,} answers: their order does not tell draws from a cycle then"
        )
        return Inference(Kind.UNKNOWN, sentence, size)
    sentence = (
        f"the order of the {order.length:,} answers is such as draws give. Draws, a cycle beside other traffic, many "
        "workers with a cycle each, the less loaded of two, a hash of the source port, and any of them with a share "
        "that changed a little cannot be told apart"
    )
    return Inference(Kind.DRAWS_LIKE, sentence, size)


# The first rule that says something has said it: what leaves no exception comes before what is likely.
RULES: tuple[Rule, ...] = (
    _nothing,
    _one_server,
    keys.one_key_one_server,
    _too_few,
    cycles.strict_cycle,
    cycles.weighted_cycle,
    _one_after_another,
    _bunches,
    _came_or_went,
    evenness.uneven,
    evenness.even,
    _draws,
)
