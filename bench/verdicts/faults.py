"""What is wrong with a fleet: other weights than intended, answers under another's name, a server that dies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Weights = Sequence[int]


def _as_they_are(weights: Weights) -> Weights:
    return weights


@dataclass(frozen=True)
class Fault:
    """A fault of a fleet. `what`: in words. `balancers`: that have it, the last ones; 0: all.

    `weights`: from the intended weights to those by which the balancer really chooses. `named`: server → the name
    in its answers. `dies_after`: the first server dies after so many requests of the run.
    """

    what: str
    weights: Callable[[Weights], Weights] = _as_they_are
    named: tuple[tuple[int, str], ...] = ()
    dies_after: int = 0
    balancers: int = 0


def _times(server: int, over: int, under: int = 1) -> Callable[[Weights], Weights]:
    def changed(weights: Weights) -> Weights:
        whose = range(len(weights))[server]
        return [weight * (over if number == whose else under) for number, weight in enumerate(weights)]

    return changed


def _some_halved(over: int, of: int) -> Callable[[Weights], Weights]:
    def changed(weights: Weights) -> Weights:
        some = max(1, round(len(weights) * over / of))
        return [weight * (1 if number < some else 2) for number, weight in enumerate(weights)]

    return changed


HEALTHY = Fault("")
FAULTS = {
    "halved": Fault("the first server's weight is halved", _times(0, 1, 2)),
    "doubled": Fault("the first server's weight is doubled", _times(0, 2)),
    "tripled": Fault("the first server's weight is tripled", _times(0, 3)),
    "last-halved": Fault("the last server's weight is halved", _times(-1, 1, 2)),
    "last-doubled": Fault("the last server's weight is doubled", _times(-1, 2)),
    "third-halved": Fault("a third of the servers have half of their weight", _some_halved(1, 3)),
    "half-halved": Fault("half of the servers have half of their weight", _some_halved(1, 2)),
    "starved": Fault("the first server gets nothing", _times(0, 0)),
    "another-name": Fault("the first server's answers carry the second one's name", named=((0, "s2"),)),
    "strange-name": Fault("the first server's answers carry a name of no server", named=((0, "stranger"),)),
    "one-balancer-halved": Fault("one of two balancers has halved the first weight", _times(0, 1, 2), balancers=1),
    "one-balancer-doubled": Fault("one of two balancers has doubled the first weight", _times(0, 2), balancers=1),
    "dead-after-12": Fault("the first server dies after 12 requests", dies_after=12),
    "dead-after-60": Fault("the first server dies after 60 requests", dies_after=60),
    "dead-after-150": Fault("the first server dies after 150 requests", dies_after=150),
}
