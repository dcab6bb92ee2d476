"""What the user asks of a verdict on a spread: how small a fault must be found, what answers are right, who is who."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lbcheck.errors import LbcheckError

Unit = Literal["", "request", "connection"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked. Samples are judged again by the same, so it stands in the first line of their file.

    The smallest fault that matters is a server's weight times (1 - detect), or divided by it: 0.5 is halved or doubled.
    """

    detect: float = 0.5  # above 0, below 1
    power: float = 0.99  # probability with which that fault is found
    expect: tuple[str, ...] = ()  # statuses (301) and classes (2xx) that are right; empty: all but 5xx
    servers: int = 0  # how many there should be, if only their number was said; 0: nobody said
    names: Mapping[str, str] = field(default_factory=dict)  # server's name at the balancer → its name in answers
    unit: Unit = ""  # what the balancer chooses a server for; empty: as it tells, or as is seen
    product: str = ""  # the make of the balancer that answers; empty: as its counters tell
    hash_keys: tuple[str, ...] = ()  # what a hash takes its key from: header:NAME

    def __post_init__(self) -> None:
        if not 0 < self.detect < 1 or not 0 < self.power < 1:
            raise LbcheckError("detect and power are shares above 0 and below 1")
