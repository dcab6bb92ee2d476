"""What the user asks of a verdict on a spread: how small a fault must be found, what answers are right, who is who."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from lbcheck.errors import LbcheckError

Unit = Literal["", "request", "connection"]

LEAST_FAULT = 0.01  # of a weight: two servers take three million requests then
MOST_SERVERS = 10_000  # twice as many as a large fleet; each is judged by itself
STATUS = re.compile(r"[1-5](xx|[0-9]{2})")  # a status of HTTP, or a class of them


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked. Samples are judged again by the same, so it stands in the first line of their file.

    LbcheckError where no command would have asked it: a file that somebody changed could otherwise be judged for ever.

    The smallest fault that matters is a server's weight times (1 - detect), or divided by it: 0.5 is halved or doubled.
    """

    detect: float = 0.5  # LEAST_FAULT or more, below 1
    power: float = 0.99  # probability with which that fault is found
    expect: tuple[str, ...] = ()  # statuses (301) and classes (2xx) that are right; empty: all but 5xx
    servers: int = 0  # how many there should be, if only their number was said; 0: nobody said
    names: Mapping[str, str] = field(default_factory=dict)  # server's name at the balancer → its name in answers
    unit: Unit = ""  # what the balancer chooses a server for; empty: as it tells, or as is seen
    product: str = ""  # the make of the balancer that answers; empty: as its counters tell
    hash_keys: tuple[str, ...] = ()  # what a hash takes its key from: header:NAME

    def __post_init__(self) -> None:
        if not LEAST_FAULT <= self.detect < 1 or not 0 < self.power < 1:
            raise LbcheckError(f"detect is a share from {LEAST_FAULT} to below 1, and power one above 0 and below 1")
        if not 0 <= self.servers <= MOST_SERVERS:
            raise LbcheckError(f"servers: {self.servers} is not a number from 0 to {MOST_SERVERS:,}")
        for status in self.expect:
            if not STATUS.fullmatch(status):
                raise LbcheckError(f"expect: '{status}' is neither a status of HTTP nor a class of them, such as 2xx")
