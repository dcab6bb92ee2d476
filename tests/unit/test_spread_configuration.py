"""Where balancers' configuration files are read from."""

from dataclasses import replace

import pytest

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.configuration import ReadConfiguration
from lbcheck.model.plan import Options
from lbcheck.model.question import HERE, Question

from .scenes import CLUSTER, QUESTION, URL, about

FILES = ("/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d")


def planned(question: Question) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return host, balancer and files of each reading before the traffic; there is none after it."""
    before, *later = spread.plan(question, Options(token="t")).stages
    assert not any(isinstance(step, ReadConfiguration) for stage in later for step in stage.steps)
    return [(step.at, step.balancer, step.paths) for step in before.steps if isinstance(step, ReadConfiguration)]


def test_without_files_none_is_read() -> None:
    """A fleet that says nothing of files has other ways to tell."""
    assert planned(QUESTION) == []


def test_a_balancers_files_are_read_on_its_host() -> None:
    """Of the balancers that name some, and where steps may run."""
    lb1, lb2 = CLUSTER.balancers
    question = about(balancers=(replace(lb1, configuration=FILES), lb2))
    assert planned(question) == [("lb1", "lb1", FILES)]
    assert planned(replace(question, reachable=("client1",))) == []


@pytest.mark.parametrize(
    ("stats", "balancers"),
    [([], ["/etc/haproxy/haproxy.cfg"]), (["unix:/a", "tcp://lb1:9"], ["unix:/a", "tcp://lb1:9"])],
)
def test_files_of_the_command_line_are_read_here(stats: list[str], balancers: list[str]) -> None:
    """They are those of every balancer whose statistics are given; without any, of one balancer."""
    assert planned(of_url(URL, stats=stats, configuration=FILES)) == [(HERE, name, FILES) for name in balancers]
