"""Reading what a balancer counted."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.errors import LbcheckError
from lbcheck.model.step import Failure, Sample, Step, When


@dataclass(frozen=True, kw_only=True)
class ReadHaproxy(Step):
    """Read `show info` and `show stat` from a statistics URI: unix:PATH, tcp://HOST:PORT or http[s]://[USER@]HOST/PATH."""

    balancer: str
    uri: str
    when: When

    def lost(self, failure: Failure) -> "HaproxyCounters":
        """Return the sample of this step when it has no result at all."""
        return HaproxyCounters(at=self.at, failure=failure, balancer=self.balancer, uri=self.uri, when=self.when)


@dataclass(frozen=True, kw_only=True)
class HaproxyCounters(Sample):
    """`show stat` and `show info` of one HAProxy process; the rows keep the columns that lbcheck reads."""

    balancer: str
    uri: str
    when: When
    rows: tuple[Mapping[str, int | str], ...] = ()  # CSV column → int where it is a number, else text
    pid: int = 0  # 0: not known (a page may hide it)
    uptime_s: int = -1
    version: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if not (isinstance(row.get("pxname"), str) and isinstance(row.get("svname"), str)):
                raise LbcheckError("a row of statistics names no proxy and server (pxname, svname)")
