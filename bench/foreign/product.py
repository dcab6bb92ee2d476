"""What a file of this folder says of its product: how it is started, and with which algorithms."""

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PROGRAMS = Path(__file__).parents[2] / "build" / "foreign"
FRONT = 8080  # the balancer's port, in a namespace where every port is free
READY = "/ready"  # a path past the algorithm, of a product that listens before it knows its servers

Weights = Sequence[int]


def by_weight(weights: Weights) -> Weights:
    """Return the weights: shares follow them."""
    return weights


def equally(weights: Weights) -> Weights:
    """Return equal weights: shares are equal whatever the weights are."""
    return [1] * len(weights)


def if_equal(weights: Weights) -> Weights:
    """Return the weights if they are equal: shares follow no others."""
    return weights if len(set(weights)) == 1 else ()


def by_none(weights: Weights) -> Weights:  # noqa: ARG001 (each of these has the same shape)
    """Return none: no shares are owed."""
    return ()


@dataclass(frozen=True)
class Server:
    """One server of a fleet: the name in its answers, where it listens, and its weight."""

    name: str
    port: int
    weight: int

    @property
    def place(self) -> str:
        """Its address and port."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Algorithm:
    """An algorithm, as lbcheck's table and its product name it.

    `name`: what `--algorithm` is told. `words`: what the configuration says. `rightly`: from the configured weights to
    those that `--weights` may rightly tell; none if shares follow no weights. `weighs`: whether it takes weights.
    `key`: further words of lbcheck, that go with the algorithm. `workers`: threads or processes that choose.
    `known_fault`: it is broken in this version, and must not pass. `path`: what is asked for.
    """

    name: str
    words: str
    rightly: Callable[[Weights], Weights]
    weighs: bool = True
    key: tuple[str, ...] = ()
    workers: int = 1
    known_fault: str = ""
    path: str = "/"

    @property
    def label(self) -> str:
        """What tells it from others in a table."""
        named = self.words if self.words.startswith(self.name) else f"{self.name} {self.words}".strip()
        return f"{named}, {self.workers} workers" if self.workers > 1 else named


@dataclass(frozen=True)
class Product:
    """A product. `name`: as `--product` is told. `program`: in the virtual environment, with wildcards.

    `start`: writes the configuration into a folder, and returns the words after the program.
    """

    name: str
    program: str
    start: Callable[[Path, Algorithm, Sequence[Server]], Sequence[str]]
    algorithms: Sequence[Algorithm]
    asks_version: str = "-v"
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False  # whether READY tells that it serves; else it does as soon as it listens

    @property
    def path(self) -> Path:
        """The program; raises SystemExit with what to do if it is missing."""
        found = next(iter(sorted(PROGRAMS.glob(self.program))), None)
        if found is None:
            raise SystemExit(f"{PROGRAMS / self.program} is not there: `make foreign` installs it")
        return found

    @cached_property
    def version(self) -> str:
        """The first version number that the program tells."""
        command = [str(self.path), self.asks_version]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(self.surroundings))
        found = re.search(r"\d+\.\d+\.\d+", ran.stdout + ran.stderr)
        return found[0] if found else "unknown"

    @property
    def surroundings(self) -> Mapping[str, str]:
        """Its environment, in which `{folder}` is the program's own."""
        return {name: value.format(folder=self.path.parent) for name, value in self.environment.items()}
