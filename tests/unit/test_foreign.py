"""The bench of real balancers: what it runs of the table of laws, how orders are held, and what it writes."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from bench.foreign.__main__ import PRODUCTS
from bench.foreign.asking import words
from bench.foreign.healthy import fleets
from bench.foreign.rows import Row
from bench.foreign.simulators import as_draws, by_deadline, from_start
from bench.foreign.summary import MARK, write
from bench.verdicts.laws import Law, blocks, deadlines, draws
from lbcheck.analysis.laws.table import LAWS, law_of

# Of Envoy 1.40.0 with weights 3:3:3:1, just started.
ENVOYS = [int(server) - 1 for server in "231231234123123123412312312341"]
CHANCE = Random(7)  # noqa: S311 (a simulation, no secret)
NOT_RUN = {("HAProxy", "url_param"), ("HAProxy", "rdp-cookie"), ("HAProxy", "hash"), ("HAProxy", "hdr")}  # as `uri`


@pytest.mark.parametrize("product", list(PRODUCTS.values()), ids=list(PRODUCTS))
def test_each_algorithm_of_the_table_is_run(product: object) -> None:
    """What lbcheck says of a product is held to it, and nothing is run that it does not know."""
    run = {algorithm.name for algorithm in product.algorithms}  # type: ignore[attr-defined]
    name = product.name  # type: ignore[attr-defined]
    assert {known for known in LAWS[name] if (name, known) not in NOT_RUN} <= run
    assert all(law_of(algorithm, name) for algorithm in run)


def test_weights_are_told_only_where_shares_follow_them() -> None:
    """Equal ones to what ignores weights, none to a hash, those of the fleet to a cycle."""
    envoy = {algorithm.label: algorithm for algorithm in PRODUCTS["envoy"].algorithms}
    told = {}
    for label in ("ROUND_ROBIN", "RANDOM", "RING_HASH source_ip"):
        weights = fleets(envoy[label])[1]
        told[label] = words(PRODUCTS["envoy"], envoy[label], envoy[label].rightly(weights), "weights")
    assert told["ROUND_ROBIN"] == ["--weights", "s1=1,s2=1,s3=2,s4=2"]
    assert told["RANDOM"] == ["--weights", "s1=1,s2=1,s3=1,s4=1"]
    assert told["RING_HASH source_ip"] is None


def test_envoys_order_is_held_but_for_servers_that_are_due_at_once() -> None:
    """A server that comes a place too early, or an order of turns, is no stretch of earliest deadlines."""
    assert by_deadline(ENVOYS, deadlines.round_robin, (3, 3, 3, 1)) == ""
    assert by_deadline([*ENVOYS[:5], 3, *ENVOYS[6:]], deadlines.round_robin, (3, 3, 3, 1)) != ""
    assert by_deadline([0, 1, 2, 3] * 8, deadlines.round_robin, (3, 3, 3, 1)) != ""


def test_equal_servers_are_held_to_strict_turns() -> None:
    """From any server on."""
    assert by_deadline([1, 2, 0, 1, 2], deadlines.round_robin, (1, 1, 1)) == ""
    assert by_deadline([1, 2, 0, 2, 1], deadlines.round_robin, (1, 1, 1)) != ""


def test_the_first_choice_that_differs_is_said() -> None:
    """By its number, and by both servers."""
    assert from_start([0, 1, 0, 1], blocks.blocks, (2, 1)) == "choice 4 is s2, simulated s1"


@pytest.mark.parametrize(
    ("chosen", "law", "same"),
    [
        (CHANCE.choices([0, 1, 2], k=3000), draws.by_weight, True),
        (CHANCE.choices([0, 1, 2], (2, 1, 1), k=3000), draws.by_weight, False),
        ([0, 1, 2] * 1000, draws.by_weight, False),
    ],
)
def test_draws_are_held_to_their_shares_and_to_be_as_uneven_as_draws(chosen: list[int], law: Law, same: bool) -> None:
    """Neither other shares nor a cycle of the same shares are draws."""
    assert (as_draws(chosen, law, (1, 1, 1)) == "") == same


def test_the_sums_are_written_between_their_marks(tmp_path: Path) -> None:
    """Fleets and kinds of connections are added up; what could not be told has no number."""
    page = tmp_path / "laws.md"
    page.write_text("a\n" + "\n".join(MARK.format(part="healthy", which=which) for which in ("begin", "end")) + "\nb\n")
    what = {"product": "nginx", "version": "1.2.3", "algorithm": "random"}
    rows = [
        Row({**what, "told": "weights"}, Counter({"pass": 2}), [20, 40]),
        Row({**what, "told": "weights"}, Counter({"pass": 1, "inconclusive": 1}), [60, 1_000]),
        Row({**what, "told": "both"}, Counter({"pass": 2}), [24, 24]),
    ]
    write({"healthy": rows}, page)
    assert "| nginx 1.2.3 | random | – | 3 / 1 / 0 | – | 2 | 1,000 |" in page.read_text()
    assert "\n0 alarms in 6 runs:\n" in page.read_text()
    assert page.read_text().splitlines()[0] == "a"
    assert page.read_text().splitlines()[-1] == "b"
