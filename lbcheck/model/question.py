"""What a run is about: a cluster, how it may be asked, and what is to be found out."""

from dataclasses import dataclass, field, fields

from lbcheck.errors import LbcheckError
from lbcheck.model.cluster import Cluster

HERE = "here"  # where a step runs that needs no other host
SERVED_BY = "header:x-served-by"  # how answers name their server where the user does not say


@dataclass(frozen=True)
class Topology(Cluster):
    """A cluster and how it may be asked, in one: what `lbcheck topology` shows, and a team's own tests get."""

    lab: bool = False
    identify: str = SERVED_BY
    identify_balancer: str = ""
    reachable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What a run is about. Plans and verdicts rest on this, and a file of samples begins with it."""

    cluster: Cluster = field(default_factory=Cluster)
    lab: bool = False  # a lab: no limit on the rate, and every tuple may be used up
    identify: str = SERVED_BY  # how answers name their server
    identify_balancer: str = ""
    reachable: tuple[str, ...] = ()  # hosts where steps may run
    watches_failover: bool = False  # clients watch while something fails
    longest_gap_s: float = 0.0  # that they may see then
    measures_capacity: bool = False  # each hop is filled, and held to what the model says

    def __post_init__(self) -> None:
        if self.measures_capacity and (wrong := self.cluster.contradiction()):
            raise LbcheckError(wrong)

    def may_run(self, host: str) -> bool:
        """Return whether steps may run on a host; here they always may."""
        return host == HERE or host in self.reachable

    @property
    def topology(self) -> Topology:
        """The cluster and how it may be asked, in one."""
        things = {item.name: getattr(self.cluster, item.name) for item in fields(Cluster)}
        return Topology(
            **things,
            lab=self.lab,
            identify=self.identify,
            identify_balancer=self.identify_balancer,
            reachable=self.reachable,
        )
