"""Work grows with what there is, and no faster: twice as much takes twice as many calls, whatever the machine does."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from bench.growth_of_work import PARTS, diamonds, kept, listing, observed
from lbcheck import pipeline
from lbcheck.analysis.matching import fitting, match_counts
from lbcheck.checks.spread.states import ratio
from lbcheck.documents import MOST_BYTES
from lbcheck.errors import LbcheckError
from lbcheck.loaders import model_file
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.cluster import Backend, Cluster, Frontend
from lbcheck.pipeline import reread
from lbcheck.wire import samples

MOST = 2.3  # times the calls for twice the size: a logarithm is allowed for
# The size that is doubled; large enough that what does not grow is little beside it.
SIZES = {"planning": 400, "plays": 400, "groups": 40, "judging": 100, "balancers": 25}


def calls(work: Callable[[], object]) -> int:
    """Return how many functions are called, and how often generators go on."""
    number = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return number


@pytest.mark.parametrize("name", SIZES)
def test_twice_as_much_takes_twice_the_work(name: str) -> None:
    """What the bench times is counted here at small sizes."""
    part, size = PARTS[name], SIZES[name]
    once, twice = (part.prepare(each) for each in (size, 2 * size))
    for ready in (once, twice):  # what is kept is kept by now
        part.work(ready)
    assert calls(lambda: part.work(twice)) < MOST * calls(lambda: part.work(once))


def test_twice_as_many_samples_take_twice_the_work_to_read() -> None:
    """A line is read as the first one was, and the types of its fields are looked up once."""
    once, twice = (kept(5, repeated=repeated) for repeated in (100, 200))
    samples.read(once)
    assert calls(lambda: samples.read(twice)) < MOST * calls(lambda: samples.read(once))
    assert calls(lambda: samples.read(once)) < 40 * 5 * 250  # for each count of a server's answers


def test_nats_do_not_multiply_addresses() -> None:
    """Each NAT of the model has every VIP as its destination, and does not look at each anew."""
    cluster = model_file.load(Path(__file__).parents[2] / "docs" / "capacity.yml")
    once, twice = ({"vip": number, "nat": number} for number in (100, 200))
    assert calls(lambda: pipeline.predict(cluster, twice)) < MOST * calls(lambda: pipeline.predict(cluster, once))


def test_ways_to_a_group_do_not_multiply() -> None:
    """Three hundred diamonds of groups, one above the other, have 2^300 ways to the hosts at the end."""
    question = understand(diamonds(300), "made up")
    assert len(question.cluster.backends[0].servers) == len(
        understand(listing(50), "made up").cluster.backends[0].servers
    )


def test_a_long_chain_of_groups_and_a_ring_of_them_end() -> None:
    """Groups may be below each other as deep as they like, and below themselves."""
    chain: dict[str, Any] = {f"g{n}": {"children": [f"g{n + 1}"], "hosts": [f"h{n}"]} for n in range(5000)}
    assert InventoryReader(chain, "made up").hosts("g0") == [f"h{n}" for n in range(5000)]
    ring = {"a": {"children": ["b"], "hosts": ["one"]}, "b": {"children": ["a"], "hosts": ["two", "one"]}}
    assert InventoryReader(ring, "made up").hosts("b") == ["two", "one"]


def test_a_groups_own_hosts_come_before_those_of_its_children() -> None:
    """The order of servers is that of the inventory: its own, and then each child with all that is below it."""
    said = {
        "top": {"children": ["left", "right"], "hosts": ["t"]},
        "left": {"children": ["below"], "hosts": ["l"]},
        "right": {"children": ["below"], "hosts": ["r"]},
        "below": {"hosts": ["b", "t"]},
    }
    assert InventoryReader(said, "made up").hosts("top") == ["t", "l", "b", "r"]


def test_names_and_counts_are_matched_with_sorting_alone() -> None:
    """Two thousand names that fit two thousand things in many ways take few calls each."""
    seen, counted = ({f"{kind}{i}": 10 + i // 3 for i in range(2000)} for kind in "ax")
    assert calls(lambda: match_counts(fitting(seen, counted, 5, alone=False))) < 100 * len(seen)


def test_a_weight_among_many_is_said_without_all_others() -> None:
    """A sentence for each of many servers, each with the weights of all, would be a book."""
    few, many = (observed(number)[0].cluster.backends[0] for number in (3, 50))
    assert ratio(few, "web1") == "1 of 1:1:1"
    assert ratio(many, "web1") == "1 of 50 in all"


def test_of_two_backends_of_one_name_the_first_is_meant() -> None:
    """As a name in an inventory that stands there twice always was."""
    cluster = Cluster(
        backends=(Backend("web", "first"), Backend("web", "random")), frontends=(Frontend("", "", "web"),)
    )
    assert cluster.backend("web").algorithm == "first"


def test_a_file_of_samples_that_is_too_large_is_refused(tmp_path: Any) -> None:
    """It would take minutes and gigabytes: a sentence says what to do, before anything is read."""
    large = tmp_path / "run.jsonl"
    with large.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(LbcheckError, match=r"run\.jsonl has more than 500 MB; lbcheck reads no more: give it a part"):
        reread(large)
