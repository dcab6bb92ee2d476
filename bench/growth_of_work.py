"""How work grows with what there is: servers, hosts, groups, samples. Twice as much may take about twice as long.

    python -m bench.growth_of_work [PART]… [--most N]

Each row doubles the size of the row before it. `÷ half` is the ratio of their seconds: 2 is linear, 4 quadratic. Each
size runs in a process of its own, so that its memory is its own. Exit status 1: a target is missed.

Nothing is sent: a made-up listing stands for what `ansible-inventory --list` says (which takes 10 s for 10,000 hosts),
made-up samples for what clients and balancers counted.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.table import print_table
from lbcheck import pipeline
from lbcheck.checks import spread
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, Server, Vip
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters, ServerState
from lbcheck.model.ended import Ended
from lbcheck.model.exhibit import Style
from lbcheck.model.plan import Options, Plan
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers, Count
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.reporters import FORMATS
from lbcheck.reporters import plan as plan_as_text
from lbcheck.vantage import ansible, names
from lbcheck.wire import jsonl, samples

DOUBLINGS = 4
URL, STATS = "http://www.example.com/", "unix:/run/haproxy.sock"
MB = 1_000_000  # bytes
ANSWERS_EACH = 20  # of each server, in the samples
ORDER = ((0, 1), (1, 1)) * ANSWERS_EACH  # of two servers, in turn
CLIENTS = ("client1", "client2")


@dataclass(frozen=True)
class Part:
    """What grows: `work` of a size, made ready by `prepare`, and the most that the largest size may take."""

    unit: str
    most: int
    prepare: Callable[[int], Any]
    work: Callable[[Any], object]
    seconds: float
    megabytes: int = 0  # of the whole process, what is prepared included; 0: no target

    def measure(self, size: int) -> tuple[float, float]:
        """Return seconds and megabytes."""
        ready = self.prepare(size)
        began = time.process_time()
        self.work(ready)
        return time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def listing(hosts: int) -> dict[str, Any]:
    """Return an inventory of so many hosts: 89 % servers of one backend, 10 % clients, 1 % balancers, two VIPs."""
    balancers, clients = max(2, hosts // 100), hosts // 10
    groups = {
        "load_balancers": _hosts("lb", 1, balancers),
        "clients": _hosts("client", 2, clients),
        "backends": _hosts("web", 3, hosts - balancers - clients - 1),
        "dns_servers": _hosts("dns", 4, 1),
    }
    everywhere = {
        "cluster_backends": [{"name": "web", "algorithm": "roundrobin"}],
        "cluster_frontends": [{"name": "www", "url": URL, "backend": "web"}],
    }
    hostvars = {name: {**own, **everywhere} for group in groups.values() for name, own in group.items()}
    for place, name in enumerate(list(groups["load_balancers"])):
        hostvars[name] |= {"lbcheck_stats": STATS} | ({"cluster_vips": f"10.9.0.{place + 1}"} if place < 2 else {})
    for name in groups["backends"]:
        hostvars[name] |= {"lbcheck_access_log": "/var/log/nginx/access.log"}
    return {name: {"hosts": list(group)} for name, group in groups.items()} | {"_meta": {"hostvars": hostvars}}


def _hosts(name: str, network: int, number: int) -> dict[str, dict[str, Any]]:
    return {
        f"{name}{place}": {"cluster_addresses": f"10.{network}.{place // 250}.{place % 250 + 1}"}
        for place in range(number)
    }


def planned(said: Mapping[str, Any]) -> object:
    """Understand an inventory, plan every check, write the plan as text and as JSON."""
    question = understand(said, "made up")
    plan = pipeline.plan(pipeline.chosen(question, []), question, Options())
    return plan_as_text.render(plan), json.dumps(jsonl.to_json(plan))


def diamonds(layers: int) -> dict[str, Any]:
    """Return an inventory whose groups are a row of diamonds: two ways from each group to the next but one."""
    said = listing(50)
    hosts = said.pop("backends")
    for layer in range(layers):
        sides = [f"left{layer}", f"right{layer}"]
        said["backends" if layer == 0 else f"group{layer}"] = {"children": sides}
        said |= {side: {"children": [f"group{layer + 1}"]} for side in sides}
    return said | {f"group{layers}": hosts}


def carried(said: Mapping[str, Any]) -> object:
    """Make the plays of a plan and gather a sample from each step of each host."""
    question = understand(said, "made up")
    plan = pipeline.plan(pipeline.chosen(question, []), question, Options())
    remote = dict.fromkeys([*plan.hosts, names.ITSELF], "/tmp/x")  # noqa: S108
    plays = [ansible.stage_play(number, plan, remote, Path("x")) for number in range(len(plan.stages))]
    return json.dumps(plays), list(ansible.collect(plan, _events(plan)))


def _events(plan: Plan) -> Iterator[dict[str, Any]]:
    nothing = Failure(ErrorKind.TIMEOUT, "made up")
    for number, stage in enumerate(plan.stages):
        said: dict[str, list[str]] = {}
        for step in stage.steps:
            said.setdefault(step.at, []).append(jsonl.line(step.lost(nothing)))
        for host, lines in said.items():
            yield {"event": "ok", "host": host, "task": f"stage {number}", "stdout": "\n".join(lines)}


def observed(servers: int, *, repeated: int = 1) -> tuple[Question, list[Sample]]:
    """Return a question about so many servers, and what two clients and a balancer counted of them."""
    names = [f"web{number}" for number in range(servers)]
    cluster = Cluster(
        balancers=(Balancer("lb1", stats=(STATS,)),),
        backends=(Backend("web", "roundrobin", tuple(map(Server, names))),),
        frontends=(Frontend("www", URL, "web", ("10.9.0.1",)),),
    )
    half = tuple(Count("", name, ANSWERS_EACH, ANSWERS_EACH, {"200": ANSWERS_EACH}) for name in names)
    seen = Answers(at="here", url=URL, address="10.9.0.1", sent=servers * ANSWERS_EACH, counts=half)
    asked = [replace(seen, at=f"client{number}") for number in range(2 * repeated)]
    counted = 2 * repeated * ANSWERS_EACH
    samples_seen = [_reading("before", names, 1000), *asked, _reading("after", names, 1000 + counted)]
    return Question(cluster, identify="header:x-served-by", asked=Asked()), samples_seen


def _reading(when: Any, names: list[str], count: int) -> Counters:
    servers = tuple(
        ServerCounters(name=name, requests=count, connections=count, chosen=count, weight=1, state=ServerState.SERVING)
        for name in names
    )
    backend = BackendCounters(
        name="web", servers=servers, requests=count * len(names), algorithm="roundrobin", mode="http"
    )
    return Counters(
        at="here", balancer="lb1", uri=STATS, when=when, product="HAProxy", process="7", uptime_s=9, backends=(backend,)
    )


def fleet(balancers: int) -> tuple[Question, list[Sample]]:
    """Return a question about so many balancers of two servers, each with an address that two clients ask.

    Each client asks one address after the other, and keeps the order of its answers.
    """
    known = {f"lb{number}": f"10.9.{number // 250}.{number % 250 + 1}" for number in range(balancers)}
    servers = ["web1", "web2"]
    cluster = Cluster(
        balancers=tuple(Balancer(name, stats=(STATS,)) for name in known),
        backends=(Backend("web", "roundrobin", tuple(map(Server, servers))),),
        frontends=(Frontend("www", URL, "web", tuple(known.values())),),
        vips=tuple(Vip(address, name) for name, address in known.items()),
        clients=tuple(map(Client, CLIENTS)),
    )
    reachable = (*CLIENTS, *known)
    found: list[Sample] = []
    for name, address in known.items():
        counts = tuple(Count(name, server, ANSWERS_EACH, ANSWERS_EACH, {"200": ANSWERS_EACH}) for server in servers)
        asked = Answers(at="", url=URL, address=address, sent=2 * ANSWERS_EACH, counts=counts, order=ORDER)
        counted = 1000 + len(CLIENTS) * ANSWERS_EACH
        readings = (_reading("before", servers, 1000), _reading("after", servers, counted))
        found += [replace(reading, at=name, balancer=name) for reading in readings]
        found += [replace(asked, at=client) for client in CLIENTS]
    return Question(cluster, identify_balancer="header:x-balancer", reachable=reachable, asked=Asked()), found


def gone_on(seen: tuple[Question, list[Sample]]) -> object:
    """Judge samples, and ask what the next round is."""
    question, found = seen
    return spread.judge(question, found), spread.further(question, Options(), found)


def kept(servers: int, *, repeated: int = 1) -> str:
    """Return a file of samples as text."""
    question, seen = observed(servers, repeated=repeated)
    return "\n".join([samples.first_line(question), *map(jsonl.line, seen), samples.last_line(Ended())])


def judged(text: str) -> object:
    """Read samples, judge them, and write the report as text, as verbose text and as JSON."""
    report = _reread(text)
    shown = pipeline.shown(report)
    styles = Style(colour=False, verbose=False), Style(colour=False, verbose=True)
    return [FORMATS["text"](shown, style) for style in styles], FORMATS["json"](shown, styles[0])


def _reread(text: str) -> Any:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(text)
        file.flush()
        return pipeline.reread(Path(file.name))


def much(megabytes: int) -> str:
    """Return so many megabytes of samples of 100 servers."""
    one, two = (len(kept(100, repeated=repeated)) for repeated in (1, 2))
    return kept(100, repeated=round(megabytes * MB / (two - one)))


PARTS = {
    "planning": Part("hosts", 10_000, listing, planned, seconds=5.0, megabytes=500),
    "plays": Part("hosts", 10_000, listing, carried, seconds=20.0),
    "groups": Part("diamonds", 400, diamonds, lambda said: understand(said, "made up"), seconds=1.0),
    "judging": Part("servers", 5_000, kept, judged, seconds=2.0),
    "balancers": Part("balancers", 400, fleet, gone_on, seconds=2.0),
    "samples": Part("megabytes", 100, much, samples.read, seconds=10.0),
}


def main(words: list[str] | None = None) -> int:
    """Print a table for each part; return 1 if a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="all by default")
    parser.add_argument("--most", type=int, metavar="N", help="the largest size, instead of that of the target")
    asked = parser.parse_args(words or [])
    return max(_grow(name, asked.most or PARTS[name].most) for name in asked.part or PARTS)


def _grow(name: str, most: int) -> int:
    part, rows, before = PARTS[name], [], 0.0
    for size in (most >> places for places in reversed(range(DOUBLINGS))):
        with multiprocessing.get_context("spawn").Pool(1) as process:
            seconds, megabytes = process.apply(_measure, (name, size))
        rows.append(
            {part.unit: size, "seconds": seconds, "÷ half": seconds / before if before else "", "MB": megabytes}
        )
        before = seconds
    wanted = f"{part.seconds:g} s" + (f" and {part.megabytes:,} MB" if part.megabytes else "")
    print_table(f"{name}: at most {wanted} for {part.most:,} {part.unit}", rows)
    missed = most >= part.most and (seconds > part.seconds or 0 < part.megabytes < megabytes)
    return int(missed)


def _measure(name: str, size: int) -> tuple[float, float]:
    return PARTS[name].measure(size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
