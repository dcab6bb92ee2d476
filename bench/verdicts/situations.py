"""The situations by name: what lbcheck is told, and what the balancer really does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

SEED = 20_250_111  # of every situation; each draws from a stream of its own, for its name is part of the seed
RUNS_HEALTHY, RUNS_FAULTY, RUNS_LARGE = 100_000, 10_000, 10_000
LARGE = 20  # servers; more of them take too long for RUNS_HEALTHY

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Situation:
    """A fleet, and how its answers come.

    `weights`: server → weight, as it should be. `real`: name in answers → weight, as it is. `told`: lbcheck knows the
    weights. `seldom`: looks are few, as they are over Ansible.
    """

    name: str
    weights: Mapping[str, int]
    real: Weights
    healthy: bool
    told: bool = True
    seldom: bool = False

    @property
    def runs(self) -> int:
        """How many runs the table of error rates wants."""
        if not self.healthy:
            return RUNS_FAULTY
        return RUNS_HEALTHY if len(self.weights) <= LARGE else RUNS_LARGE


FLEETS: Mapping[str, tuple[int, ...]] = {
    "2-equal": (1,) * 2,
    "3-equal": (1,) * 3,
    "4-equal": (1,) * 4,
    "5-equal": (1,) * 5,
    "7-equal": (1,) * 7,
    "10-equal": (1,) * 10,
    "20-equal": (1,) * 20,
    "200-equal": (1,) * 200,
    "1:1:2": (1, 1, 2),
    "3:3:3:1": (3, 3, 3, 1),
    "3:256:256": (3, 256, 256),
}


def _first_times(factor: float) -> Callable[[Weights], Weights]:
    return lambda weights: {name: weight * (factor if name == "s1" else 1) for name, weight in weights.items()}


def _last_times(factor: float) -> Callable[[Weights], Weights]:
    def changed(weights: Weights) -> Weights:
        last = list(weights)[-1]
        return {**weights, last: weights[last] * factor}

    return changed


def _some_halved(part: float) -> Callable[[Weights], Weights]:
    def changed(weights: Weights) -> Weights:
        some = list(weights)[: max(1, round(part * len(weights)))]
        return {name: weight / 2 if name in some else weight for name, weight in weights.items()}

    return changed


def _as_another(weights: Weights) -> Weights:
    return {**weights, "s1": 0, "s2": weights["s1"] + weights["s2"]}


def _as_a_stranger(weights: Weights) -> Weights:
    return {"stranger" if name == "s1" else name: weight for name, weight in weights.items()}


FAULTS: Mapping[str, Callable[[Weights], Weights]] = {
    "halved": _first_times(1 / 2),
    "doubled": _first_times(2),
    "tripled": _first_times(3),
    "starved": _first_times(0),
    "last-halved": _last_times(1 / 2),
    "last-doubled": _last_times(2),
    "third-halved": _some_halved(1 / 3),
    "half-halved": _some_halved(1 / 2),
    "two-thirds-halved": _some_halved(2 / 3),
    "another-name": _as_another,
    "strange-name": _as_a_stranger,
}


def _draws() -> Iterator[Situation]:
    for fleet, numbers in FLEETS.items():
        weights = {f"s{number}": weight for number, weight in enumerate(numbers, 1)}
        yield Situation(f"draws-{fleet}-healthy", weights, weights, healthy=True)
        yield Situation(f"draws-{fleet}-healthy-seldom", weights, weights, healthy=True, seldom=True)
        for fault, changed in FAULTS.items():
            yield Situation(f"draws-{fleet}-{fault}", weights, changed(weights), healthy=False)
        if len(set(numbers)) == 1:
            yield Situation(f"draws-{fleet}-untold-healthy", weights, weights, healthy=True, told=False)
            halved = FAULTS["halved"](weights)
            yield Situation(f"draws-{fleet}-untold-halved", weights, halved, healthy=False, told=False)


SITUATIONS: Mapping[str, Situation] = {situation.name: situation for situation in _draws()}
