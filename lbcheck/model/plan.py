"""A plan: stages that follow each other, with steps at hosts; and the options of the user."""

from dataclasses import dataclass
from enum import StrEnum

from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import RecordType
from lbcheck.model.step import SILENCE_S, TIMEOUT_S, Step

NEAR_TIMEOUT_S = 2.0  # in labs and on loopback, where answers are quick: room for one SYN retransmission


def default_timeout_s(*, near: bool) -> float:
    """Return the default timeout of one operation, in seconds; `near`: in a lab, or on loopback."""
    return NEAR_TIMEOUT_S if near else TIMEOUT_S


class StageName(StrEnum):
    """The stages, in the order in which they run."""

    BEFORE = "before"  # counters, and rehearsals
    TRAFFIC = "traffic"
    AFTER = "after"  # counters again
    CLIENT_FILLS = "clients"  # fills of the clients' side, last, so that no earlier stage counts them


@dataclass(frozen=True)
class Stage:
    """Steps that run together; those at one host run one after the other, in this order."""

    name: StageName
    steps: tuple[Step, ...]
    deadline_s: float | None = None  # after which a host ends it, and removes the program; None: nobody carried one
    permit: str = ""  # a folder without which no step goes on; empty: none is needed, or it is the carried program's


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a check that the user gave; None: the check chooses."""

    queries: int | None = None  # a block
    requests: int | None = None  # over all hosts
    concurrency: int = 4
    keep_alive: bool | None = None
    rate: float | None = None  # requests or queries a second, over all hosts; 0: no limit
    timeout_s: float = TIMEOUT_S
    token: str = ""  # marks this run's requests
    verify: bool = True
    ca: str = ""  # certificates in PEM, of authorities that are trusted beside the system's
    silence_s: float = SILENCE_S  # the most seconds that each host waits for failures and silence, in all; 0: no limit
    servers: tuple[Endpoint, ...] = ()  # DNS servers to ask, in addition to the cluster's
    types: tuple[RecordType, ...] = ("A", "AAAA")
    sources: tuple[str, ...] = ()  # addresses to send from
    allow: tuple[str, ...] = ()  # networks that may be filled, besides the harmless ones
    command: tuple[str, ...] = ()  # what makes something fail while it is watched
    lead_s: float = 5.0  # of the watch before the command
    watch_s: float = 10.0  # after it


@dataclass(frozen=True)
class Plan:
    """Stages, one after the other. `notes`: sentences on what may follow these stages."""

    stages: tuple[Stage, ...] = ()
    notes: tuple[str, ...] = ()

    def __or__(self, other: "Plan") -> "Plan":
        """Return one plan for both: stages of the same name run together."""
        names = dict.fromkeys(stage.name for stage in (*self.stages, *other.stages))
        stages = (*self.stages, *other.stages)
        merged = tuple(Stage(n, tuple(x for s in stages if s.name == n for x in s.steps)) for n in names)
        return Plan(merged, (*self.notes, *other.notes))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Every host with a step, each once, in order."""
        return tuple(dict.fromkeys(step.at for stage in self.stages for step in stage.steps))
