"""What a run is about: a cluster, how to query it, and what to find out."""

from dataclasses import dataclass, field, fields
from functools import cached_property

from lbcheck.errors import LbcheckError
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Cluster

HERE = ""  # the host of a step that needs no other host; no inventory can have a host of no name, but one called `here`
SERVED_BY = "header:x-served-by"  # default: how answers name their server


def in_words(host: str) -> str:
    """Return a host's name, for sentences and reports."""
    return host or "here"


@dataclass(frozen=True)
class Topology(Cluster):
    """A cluster and how to query it, as `lbcheck topology` shows it and a team's own tests get it."""

    lab: bool = False
    identify: str = SERVED_BY
    identify_balancer: str = ""
    reachable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a run is about. Plans and verdicts depend on it, and it is the first line of a file of samples."""

    cluster: Cluster = field(default_factory=Cluster)
    lab: bool = False  # a lab: no limit on the rate, and every tuple may be used up
    identify: str = SERVED_BY  # how answers name their server
    identify_balancer: str = ""
    reachable: tuple[str, ...] = ()  # hosts where steps may run
    watches_failover: bool = False  # clients watch while something fails
    longest_gap_s: float = 0.0  # seconds: the longest gap that is allowed then
    measures_capacity: bool = False  # fill each hop and compare it with the model
    asked: Asked = field(default_factory=Asked)  # of a spread
    ca: str = ""  # certificates in PEM, of the fleet's own authorities: trusted beside the system's

    def __post_init__(self) -> None:
        if self.measures_capacity and (wrong := self.cluster.contradiction()):
            raise LbcheckError(wrong)
        if self.longest_gap_s < 0:
            raise LbcheckError(f"longest_gap_s: {self.longest_gap_s:g} is not a time; write seconds, 0 or more")

    def may_run(self, host: str) -> bool:
        """Return whether steps may run on a host; on this host they always may."""
        return host == HERE or host in self._may_run

    @cached_property
    def _may_run(self) -> frozenset[str]:
        return frozenset(self.reachable)

    @cached_property
    def senders(self) -> tuple[str, ...]:
        """The hosts that send: the clients of the cluster that are reachable, or this host if there are none."""
        return tuple(client.name for client in self.cluster.clients if client.name in self._may_run) or (HERE,)

    @property
    def topology(self) -> Topology:
        """The cluster and how to query it, as one object."""
        things = {item.name: getattr(self.cluster, item.name) for item in fields(Cluster)}
        return Topology(
            **things,
            lab=self.lab,
            identify=self.identify,
            identify_balancer=self.identify_balancer,
            reachable=self.reachable,
        )
