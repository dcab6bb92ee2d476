"""What the order of answers tells, and how often it tells a lie: simulated laws, and the kinds that they are called.

    python -m bench.order [--runs N] [--seed S] [--answers N] [--tails]

Each row is a law, each column a kind of lbcheck/analysis/order; a cell counts runs. The simulators know nothing of the
code that judges. `tests/socket/test_order.py` runs some of these laws on a real HAProxy. `--tails` compares how even
and uneven draws are with how often they are said to be so.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import heappop, heappush
from itertools import islice

from bench.table import print_table
from lbcheck.analysis.order.draws import chance_as_even, chance_as_uneven
from lbcheck.analysis.order.infer import infer
from lbcheck.analysis.order.inference import Kind
from lbcheck.analysis.order.swing import evenness

Answers = Iterator[int]  # servers by number, without end
Law = Callable[[random.Random], Answers]
RARE = (100, 1_000, 10_000)  # one run in so many, in the table of tails
TAILS = ((1, 1), (1, 1, 1), (1, 2), (1, 1, 2), (3, 7, 11, 13), (1,) * 5, (1,) * 10, (1,) * 20)
KEYS = 5  # in the rows with keys, sent in random order


def draws(weights: Sequence[int]) -> Law:
    """Draw each server by its weight."""

    def law(rng: random.Random) -> Answers:
        while True:
            yield from rng.choices(range(len(weights)), weights, k=100)

    return law


def less_loaded_of_two(weights: Sequence[int]) -> Law:
    """Draw two servers by weight until they differ; both are idle, and the second one is taken."""

    def law(rng: random.Random) -> Answers:
        while True:
            one, other = rng.choices(range(len(weights)), weights, k=2)
            if one != other:
                yield other

    return law


def smooth(weights: Sequence[int]) -> Law:
    """Turn nginx's smooth wheel: all gain their weight, the richest serves and pays the sum. Begun anywhere."""

    def wheel() -> Answers:
        current = [0] * len(weights)
        while True:
            current = [have + weight for have, weight in zip(current, weights, strict=True)]
            richest = max(range(len(weights)), key=current.__getitem__)
            current[richest] -= sum(weights)
            yield richest

    return lambda rng: islice(wheel(), rng.randrange(sum(weights)), None)


def blocks(weights: Sequence[int]) -> Law:
    """Give each server as many answers in a row as it has weight. Begun anywhere."""

    def wheel() -> Answers:
        while True:
            for server, weight in enumerate(weights):
                yield from [server] * weight

    return lambda rng: islice(wheel(), rng.randrange(sum(weights)), None)


def haproxy(weights: Sequence[int]) -> Law:
    """Turn HAProxy's weighted wheel (`balance roundrobin`). Begun anywhere within its first turn."""
    return lambda rng: islice(fwrr(weights), rng.randrange(16 * sum(weights)), None)


def fwrr(weights: Sequence[int]) -> Answers:
    """Yield what HAProxy's `roundrobin` chooses after a start, as servers' numbers.

    A turn has 16 places for each unit of weight, and each server stays away once it has had its places. Then the next
    turn begins, and nothing is carried over but the order of equals.
    """
    places = [16 * weight for weight in weights]
    fresh = sorted(range(len(places)), key=lambda server: -places[server])
    while True:
        fresh = yield from _turn(places, fresh)


def _turn(places: Sequence[int], fresh: list[int]) -> Generator[int, None, list[int]]:
    """Yield one turn, and return the servers in the order in which the next turn takes them.

    Each choice moves a server's position on by the turn ÷ its places; the rest is saved up. The first server in the
    queue serves if it is due. If it is not, the heaviest server that this turn has not yet met does.
    """
    turn, queue, done = sum(places), list[tuple[int, int, int]](), list[int]()
    position, rest = [0] * len(places), [0] * len(places)
    now = 0
    while fresh or queue:
        if queue and (position[queue[0][-1]] <= now or not fresh):
            server = heappop(queue)[-1]
        else:
            server = fresh.pop(0)
            position[server] = now
        steps, rest[server] = divmod(turn + rest[server], places[server])
        position[server] += steps
        if position[server] >= turn:
            done.append(server)
        else:
            late = (rest[server] - places[server]) // 16
            heappush(queue, (256 * position[server] + late, now, server))
        yield server
        now += 1
    return sorted(done, key=lambda server: -places[server])


def pool(law: Law, workers: int) -> Law:
    """Let one of several workers, at random, take each request; each turns a wheel of its own."""

    def together(rng: random.Random) -> Answers:
        wheels = [law(rng) for _ in range(workers)]
        while True:
            yield next(wheels[rng.randrange(workers)])

    return together


def beside(law: Law, rate: float) -> Law:
    """Let others ask in between: after each answer, with chance `rate` each time, another request takes its turn."""

    def shared(rng: random.Random) -> Answers:
        for server in (wheel := law(rng)):
            yield server
            while rng.random() < rate:
                next(wheel)

    return shared


def kept(law: Law, answers: int) -> Law:
    """Choose once for each connection, which then has that many answers."""
    return lambda rng: (server for server in law(rng) for _ in range(answers))


def dying(law: Law, victim: int, after: int) -> Law:
    """Let a server die: from then on its requests go to the law's next choice."""

    def dies(rng: random.Random) -> Answers:
        choices = law(rng)
        yield from islice(choices, after)
        yield from (server for server in choices if server != victim)

    return dies


def equal(servers: int) -> tuple[int, ...]:
    """Return equal weights."""
    return (1,) * servers


def laws(answers: int) -> dict[str, Law]:
    """Return name → law, for runs of so many answers."""
    half = answers // 2
    return {
        **{f"draws, {k} servers": draws(equal(k)) for k in (2, 3, 5, 10, 20)},
        "draws 1:1:2": draws((1, 1, 2)),
        "draws 9:1": draws((9, 1)),
        "draws 3:256:256": draws((3, 256, 256)),
        "less loaded of two, 1:1:2": less_loaded_of_two((1, 1, 2)),
        **{f"one cycle, {k} servers": smooth(equal(k)) for k in (2, 3, 10, 20)},
        **{
            f"{workers} cycles, {k} servers": pool(smooth(equal(k)), workers)
            for k in (3, 10)
            for workers in (2, 4, 8, 16)
        },
        "nginx 1:1:2": smooth((1, 1, 2)),
        "nginx 3:7:11:13": smooth((3, 7, 11, 13)),
        "HAProxy 1:1:2": haproxy((1, 1, 2)),
        "HAProxy 8:8:7": haproxy((8, 8, 7)),
        "HAProxy 3:256:256": haproxy((3, 256, 256)),
        "blocks 3:7:11:13": blocks((3, 7, 11, 13)),
        "blocks 100:100": blocks((100, 100)),
        "cycle of 3 beside 0.02 others": beside(smooth(equal(3)), 0.02),
        "cycle of 3 beside 0.1 others": beside(smooth(equal(3)), 0.1),
        **{f"draws, {kept_for} on a connection": kept(draws(equal(3)), kept_for) for kept_for in (2, 10)},
        "one server": smooth((1,)),
        **{f"dead half way, 1 of {k}, draws": dying(draws(equal(k)), 0, half) for k in (2, 3, 10)},
        "dead half way, 1 of 3, cycle": dying(smooth(equal(3)), 0, half),
    }


def taken(law: Law, answers: int, rng: random.Random) -> list[str]:
    """Return the servers' names in so many answers."""
    return [f"web{server + 1}" for server in islice(law(rng), answers)]


def keyed(answers: int, rng: random.Random) -> tuple[list[str], list[str]]:
    """Return answers and keys: each key meets a server that was drawn for it once."""
    homes = [rng.randrange(3) for _ in range(KEYS)]
    sent = [rng.randrange(KEYS) for _ in range(answers)]
    return [f"web{homes[key] + 1}" for key in sent], [f"192.0.2.{key + 1}" for key in sent]


def said(name: str, law: Law, runs: int, answers: int, seed: int) -> Counter[Kind]:
    """Return how often each kind is said of a law; each law has a random stream of its own."""
    rng = random.Random(f"{seed} {name}")  # noqa: S311 (a simulation)
    return Counter(infer(taken(law, answers, rng)).kind for _ in range(runs))


def said_with_keys(runs: int, answers: int, seed: int) -> dict[str, Counter[Kind]]:
    """Return the same where keys are sent: to a hash, and to draws, which care for none."""
    rng = random.Random(f"{seed} keys")  # noqa: S311
    keyed_runs = [keyed(answers, rng) for _ in range(runs)]
    drawn = [taken(draws(equal(3)), answers, rng) for _ in range(runs)]
    return {
        f"hash, {KEYS} keys, 3 servers": Counter(infer(order, keys).kind for order, keys in keyed_runs),
        f"draws, {KEYS} keys, 3 servers": Counter(
            infer(order, keys).kind for order, (_, keys) in zip(drawn, keyed_runs, strict=True)
        ),
    }


def tails(weights: Sequence[int], runs: int, answers: int, seed: int) -> dict[str, object]:
    """Return how often draws are as even, and as uneven, as a chance says, ÷ that chance: 1 is exact, less is safe."""
    rng = random.Random(f"{seed} tails {weights}")  # noqa: S311
    found: Counter[str] = Counter()
    for _ in range(runs):
        order = taken(draws(weights), answers, rng)
        size, counts = evenness(order), Counter(order).values()
        found.update(f"even 1:{rare:,}" for rare in RARE if chance_as_even(size, counts) <= 1 / rare)
        found.update(f"uneven 1:{rare:,}" for rare in RARE if chance_as_uneven(size, counts) <= 1 / rare)
    columns = [f"{side} 1:{rare:,}" for side in ("even", "uneven") for rare in RARE]
    ratios = {column: found[column] / runs * int(column.partition(":")[2].replace(",", "")) for column in columns}
    return {"draws": ":".join(map(str, weights)) if len(weights) < 5 else f"{len(weights)} servers", **ratios}


def main(words: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.order", description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="of each law (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random numbers (%(default)s)")
    parser.add_argument("--answers", type=int, default=200, help="in each run (%(default)s)")
    parser.add_argument("--tails", action="store_true", help="how even and uneven draws are, instead")
    options = parser.parse_args(words)
    of = f"{options.runs:,} runs of {options.answers} answers (seed {options.seed})"
    if options.tails:
        rows = [tails(weights, options.runs, options.answers, options.seed) for weights in TAILS]
        print_table(f"How often draws are as even or uneven as a chance says, ÷ that chance: {of}", rows)
        return 0
    counts = {
        name: said(name, law, options.runs, options.answers, options.seed)
        for name, law in laws(options.answers).items()
    }
    counts |= said_with_keys(options.runs, options.answers, options.seed)
    rows = [{"law": name, **{kind.value: kinds[kind] or "" for kind in Kind}} for name, kinds in counts.items()]
    print_table(f"What the order of answers is called: {of}", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
