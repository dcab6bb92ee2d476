"""The first line of a file of samples, as the version before wrote it: a Topology, with the model of capacity in it."""

import json
from typing import Any

import pytest

from lbcheck.model.cluster import capacity_of
from lbcheck.model.question import Question
from lbcheck.wire import samples
from lbcheck.wire.jsonl import WireError

OPENING = {"ports": {"low": 40000, "high": 40199}, "binding": "no-port"}
MODEL: dict[str, Any] = {
    "clients": [{"name": "c1", "addresses": ["100.64.0.2"], "behind": "nat1", "connections": 50}],
    "nats": [
        {
            "name": "nat1",
            "addresses": ["198.18.0.41"],
            "ports": {"low": 40000, "high": 40063},
            "mapping": "endpoint-independent",
        }
    ],
    "frontends": [{"name": "stream", "ports": [9000], "backend": "web", "addresses": ["198.18.0.101"], "mode": "tcp"}],
    "balancers": [{"name": "lb1", "sources": ["198.19.0.21"], "opening": OPENING, "maxconn": 8000}],
    "backends": [
        {
            "name": "web",
            "redispatch": True,
            "servers": [{"name": "web1", "address": "198.19.0.11", "ports": [8090], "weight": 2}],
        }
    ],
    "assumed": ["the moon is round"],
}
TOPOLOGY: dict[str, Any] = {
    "class": "Topology",
    "lab": True,
    "balancers": [{"name": "lb1", "addresses": ["198.18.0.21"], "stats": ["unix:/s"]}],
    "backends": [
        {"name": "web", "algorithm": "roundrobin", "servers": [{"name": "web1", "weight": 2, "log": "/log"}]},
        {"name": "other"},
    ],
    "frontends": [
        {"name": "stream", "url": "tcp://www.test:9000", "backend": "web", "addresses": ["198.18.0.101"]},
    ],
    "vips": [{"address": "198.18.0.101", "home": "lb1"}],
    "nat_gateways": [{"name": "nat1", "addresses": ["198.18.0.41"], "ports": {"low": 40000, "high": 40063}}],
    "clients": [{"name": "c1", "addresses": ["100.64.0.2"]}],
    "identify_balancer": "header:x-balancer",
    "reachable": ["c1", "lb1"],
}


def question(**more: Any) -> Question:
    """Return what a first line of that version means now."""
    return samples.read(json.dumps(TOPOLOGY | more)).question


def test_the_things_and_how_they_may_be_asked_are_told_apart() -> None:
    """What was one Topology is a cluster and a question about it; nothing of it is lost."""
    found = question()
    assert (found.lab, found.identify_balancer, found.reachable) == (True, "header:x-balancer", ("c1", "lb1"))
    assert (found.watches_failover, found.measures_capacity) == (False, False)
    assert found.cluster.balancers[0].stats == ("unix:/s",)
    assert [backend.name for backend in found.cluster.backends] == ["web", "other"]
    assert found.cluster.balancers[0].holds is None


def test_a_watched_failover_is_said_to_be_one() -> None:
    """The longest gap was there only where a failover was watched."""
    found = question(longest_gap_s=3)
    assert (found.watches_failover, found.longest_gap_s, found.measures_capacity) == (True, 3.0, False)


def test_what_the_model_of_capacity_knew_is_beside_each_thing() -> None:
    """The two clusters of a measurement are one: each thing keeps its counters, its log, and gets its figures."""
    found = question(cluster=MODEL)
    cluster = found.cluster
    assert found.measures_capacity
    assert (cluster.clients[0].behind, capacity_of(cluster.clients[0]).connections) == ("nat1", 50)
    assert capacity_of(cluster.nat_gateways[0]).mapping == "endpoint-independent"
    assert (cluster.frontends[0].url, capacity_of(cluster.frontends[0]).mode) == ("tcp://www.test:9000", "tcp")
    balancer = cluster.balancers[0]
    assert (balancer.stats, capacity_of(balancer).maxconn, capacity_of(balancer).opening.binding) == (
        ("unix:/s",),
        8000,
        "no-port",
    )
    server = cluster.backends[0].servers[0]
    assert (server.log, server.weight, capacity_of(server).ports) == ("/log", 2, (8090,))
    assert cluster.backends[0].redispatch
    assert cluster.assumed == ("the moon is round",)


@pytest.mark.parametrize("text", ["", "[]", "3", '{"class": "Topology", "cluster": 3}', '{"class": "Answers"}'])
def test_what_is_no_first_line_is_refused_with_a_sentence(text: str) -> None:
    """A file from elsewhere is an error of ours, never a traceback."""
    with pytest.raises(WireError):
        samples.read(text)


@pytest.mark.parametrize("more", [{"clients": 3}, {"cluster": {"clients": [{"n": 1}]}}, {"cluster": {"backends": 3}}])
def test_a_first_line_that_was_changed_is_refused_with_a_sentence(more: dict[str, Any]) -> None:
    """Where a list is a number, or a thing has no name, the line is refused."""
    with pytest.raises(WireError):
        question(**{"cluster": MODEL} | more)


def test_a_backend_that_nobody_named_has_no_name() -> None:
    """lbcheck called it `servers` where the user gave a URL alone; one of an inventory keeps that name."""
    url, here = "http://www.test/", {"class": "Question"}
    backends = [{"name": "servers"}]
    of_url = {"backends": backends, "frontends": [{"name": url, "url": url, "backend": "servers"}]}
    inventory = {"backends": backends, "frontends": [{"name": "www", "url": url, "backend": "servers"}]}
    for first, name in ((here | {"cluster": of_url}, ""), (here | {"cluster": inventory}, "servers")):
        read = samples.read(json.dumps(first)).question.cluster
        assert (read.backends[0].name, read.frontends[0].backend) == (name, name)
