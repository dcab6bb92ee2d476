"""The error rates of whole checks, in a small size: the full one is `python -m bench.verdicts`."""

import ast
import random
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

import bench.verdicts
from bench.verdicts import rows
from bench.verdicts.__main__ import main
from bench.verdicts.fleet import Design, Fleet
from bench.verdicts.laws import Law, blocks, deadlines, draws, haproxy_least, haproxy_ring
from bench.verdicts.measuring import Measured, measure
from bench.verdicts.situations import ALGORITHMS, FLEETS, NAMED, SEED, SITUATIONS, Situation
from lbcheck.model.requests import Answers, Request
from lbcheck.model.verdict import Outcome

FOLDER = Path(bench.verdicts.__file__).parent
SIMULATORS = [*(FOLDER / "laws").glob("*.py"), FOLDER / "fleet.py", FOLDER / "faults.py"]
# Where nobody told the algorithm, and shares are uneven or one server is alone.
NEVER_PASSES = {
    "haproxy-source-3-equal-hidden",
    "haproxy-source-3-equal-nothing-tcp",
    "haproxy-first-3-equal-hidden",
    "haproxy-roundrobin-1:1:2-nothing",
}


def taken(law: Law, weights: Sequence[int], choices: int, busy: Sequence[int] = (0,) * 9) -> list[int]:
    """Return so many choices, with a seed."""
    return list(islice(law(weights, random.Random(1), busy), choices))  # noqa: S311 (a simulation, no secret)


def small(situation: Situation) -> Measured:
    """Return what comes of as few runs as take little time: it grows with requests, and the square of the rounds."""
    first = measure(situation, 1, SEED).runs[0]
    return measure(situation, max(2, min(24, 200 // first.rounds**2, 9_000 // first.requests)), SEED)


# Every look of a run with these takes long.
LONG = {FLEETS[name] for name in ("10-equal", "20-equal", "200-equal", "3:256:256")}
SHORT = [situation for situation in SITUATIONS.values() if situation.name in NAMED or situation.weights not in LONG]


@pytest.mark.parametrize("situation", [s for s in SHORT if s.healthy], ids=lambda situation: situation.name)
def test_no_healthy_fleet_fails(situation: Situation) -> None:
    """A few runs of each situation: none fails, and those that can pass do."""
    measured = small(situation)
    assert not measured.ended(Outcome.FAIL)
    assert not measured.ended(Outcome.UNMEASURED)
    if situation.name in NEVER_PASSES:
        assert not measured.ended(Outcome.PASS)


@pytest.mark.parametrize("situation", [s for s in SHORT if not s.healthy], ids=lambda situation: situation.name)
def test_nearly_every_fault_is_found(situation: Situation) -> None:
    """One of a few runs may overlook it, which each does with at most one per cent."""
    measured = small(situation)
    assert measured.found is not None
    assert measured.found >= len(measured.runs) - 1


def test_a_simulation_repeats_itself() -> None:
    """The same seed gives the same row, another seed another."""
    situation = NAMED["nginx-random-1:1:2-algorithm"]
    assert measure(situation, 5, 1).row() == measure(situation, 5, 1).row()
    assert measure(situation, 5, 1).requests != measure(situation, 5, 2).requests


def test_fifteen_situations_are_named() -> None:
    """Each of them is healthy, of at most 20 servers, and run 100,000 times."""
    assert len(NAMED) == 15
    assert all(s.healthy and len(s.weights) <= 20 and s.runs == 100_000 for s in NAMED.values())


@pytest.mark.parametrize("path", SIMULATORS, ids=lambda path: path.name)
def test_what_is_simulated_does_not_know_what_judges(path: Path) -> None:
    """A simulator imports nothing of lbcheck but the words of a step and its sample."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert all(not name.startswith("lbcheck") or name.startswith("lbcheck.model") for name in names)


def test_haproxys_ring_gives_the_shares_that_were_measured() -> None:
    """`python -m bench.laws` measured .351 .295 .354 for three servers of weight 1."""
    chosen = Counter(taken(haproxy_ring.drawn_on_ring, (1, 1, 1), 20_000))
    assert [round(chosen[server] / 20_000, 2) for server in range(3)] == [0.35, 0.29, 0.36]


def test_leastconn_is_even_alone_and_goes_by_weight_at_once() -> None:
    """Idle servers take turns whatever they weigh; a busy one waits the longer the less it weighs."""
    assert taken(haproxy_least.leastconn, (1, 1, 2), 6) == [0, 1, 2, 0, 1, 2]
    assert set(taken(haproxy_least.leastconn, (1, 1, 2), 3, busy=(2, 2, 3))) == {2}


def test_the_less_loaded_of_two_is_taken() -> None:
    """The busiest server is never taken."""
    assert set(taken(draws.less_loaded_of_two, (1, 1, 1), 50, busy=(0, 5, 0))) == {0, 2}


def test_envoys_deadlines_keep_the_weights() -> None:
    """Each period holds each server as often as it weighs; equal servers take strict turns."""
    assert Counter(taken(deadlines.round_robin, (1, 2, 3), 60)) == {0: 10, 1: 20, 2: 30}
    turns = taken(deadlines.round_robin, (1, 1, 1), 6)
    assert turns[:3] == turns[3:]


@pytest.mark.parametrize("seed", range(5))
def test_envoys_deadlines_keep_the_weights_wherever_they_begin(seed: int) -> None:
    """However many choices a thread passes over, turns hold each server as often as it weighs, but for who is due."""
    weights = (3, 7, 11, 13)
    choices = deadlines.round_robin(weights, random.Random(seed), [0] * 4)  # noqa: S311
    counts = Counter(islice(choices, 3 * sum(weights)))
    assert all(abs(counts[server] - 3 * weight) <= 1 for server, weight in enumerate(weights))


def test_caddys_blocks_begin_with_the_second_request() -> None:
    """Blocks by weight, the first of which has lost one."""
    assert taken(blocks.blocks, (2, 1), 6) == [0, 1, 0, 0, 1, 0]


def test_every_law_passes_by_a_server_without_weight() -> None:
    """What starves a server in a simulation is its weight of 0."""
    for algorithm in ALGORITHMS.values():
        assert 0 not in taken(algorithm.law, (0, 3, 2), 200)


def asked(design: Design, requests: int, **more: bool | int) -> Answers:
    """Return what a simulated fleet answers."""
    fleet = Fleet(design, random.Random(1))  # noqa: S311 (a simulation, no secret)
    answers = fleet.carry(Request(url="http://x/", address="", requests=requests, **{"concurrency": 1} | more))  # type: ignore[arg-type]
    assert isinstance(answers, Answers)
    return answers


def test_a_kept_connection_stays_with_its_worker() -> None:
    """Four fresh workers: by one connection one of them takes turns; a connection each begins at the first again."""
    design = Design(ALGORITHMS["nginx-smooth"].law, (1, 1, 1), workers=4)
    kept = [count.server for count in asked(design, 9, keep_alive=True).in_order()]
    assert kept == ["s1", "s2", "s3"] * 3
    each = [count.server for count in asked(design, 9, keep_alive=False).in_order()]
    assert each.count("s1") > 3


def test_a_dead_server_is_passed_by() -> None:
    """From its death on the next choice takes its place."""
    fault = SITUATIONS["nginx-random-3-equal-weights-dead-after-60"].fault
    answers = [count.server for count in asked(Design(draws.by_weight, (1, 1, 1), fault), 300).in_order()]
    assert "s1" in answers[:60]
    assert "s1" not in answers[60:]


def row(situation: str, fail: int = 0, **more: object) -> rows.Row:
    """Return a row."""
    counts = {"runs": 10, "fail": fail, "pass": 10 - fail, "inconclusive": 0, "found": fail}
    sizes = {"mean requests": 1234, "÷ one round": 0.4, "95 %": 1, "most": 2, "commit": "abc", "seed": 1}
    return {"situation": situation, "kind": "healthy", **counts, **sizes, **more}


def test_rows_are_kept_and_the_newest_of_each_situation_is_shown(tmp_path: Path) -> None:
    """Rows of earlier commits stay in the file; the table has the newest row, in the order of the situations."""
    file = tmp_path / "rows.jsonl"
    for kept in (row("b", commit="old"), row("a"), row("b", commit="new")):
        rows.keep(kept, file)
    assert len(rows.kept(file)) == 3
    assert [(r["situation"], r["commit"]) for r in rows.newest(rows.kept(file), ["a", "b"])] == [
        ("a", "abc"),
        ("b", "new"),
    ]
    assert rows.kept(tmp_path / "none") == []


def test_rows_of_the_same_code_add_up() -> None:
    """A situation goes on where it ended before, as long as what judges is the same."""
    kept = [
        row("a", code="old"),
        row("a", 1, code="new"),
        row("a", code="new", runs=30, **{"mean requests": 34, "most": 9}),
    ]
    [whole] = rows.newest(kept, ["a"])
    assert (whole["runs"], whole["fail"], whole["found"], whole["most"]) == (40, 1, 1, 9)
    assert whole["mean requests"] == 334
    mine = [row("a", code=rows.code()), row("a", code=rows.code()), row("a", code="old"), row("b", code=rows.code())]
    assert rows.done(mine, "a", 1) == 20


def test_the_table_stands_between_its_marks(tmp_path: Path) -> None:
    """What stood there is replaced, what is around it stays; a document without marks is named."""
    document = tmp_path / "laws.md"
    document.write_text(f"before\n{rows.BEGIN}\nold\n{rows.END}\nafter\n")
    rows.write(rows.table([row("a", 1), row("b", 9, kind="fault")]), document)
    text = document.read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{rows.END}\nafter\n")
    assert "old" not in text
    assert "1 alarm in 1 situation of 1, in 10 runs" in text
    assert "| `b` | 10 | 90.00% | 0.00% | 1,234 |" in text
    document.write_text("nothing")
    with pytest.raises(ValueError, match="between which the table goes"):
        rows.write("", document)


def test_the_documents_table_is_the_one_of_the_kept_rows() -> None:
    """Nobody writes a number of it by hand."""
    shown = rows.DOCUMENT.read_text().split(rows.BEGIN)[1].split(rows.END)[0]
    assert shown.strip() == rows.table(rows.newest(rows.kept(), list(SITUATIONS))).strip()


def test_the_command_lists_and_runs_situations(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name the list; with one its row, and what the runs said that ended as they should not."""
    assert main([]) == 0
    assert "counters tell the weights and hide the algorithm" in capsys.readouterr().out
    assert main(["haproxy-source-3-equal-hidden", "--runs", "2"]) == 0
    said = capsys.readouterr().out
    assert "run 0, 24 requests: inconclusive" in said
    with pytest.raises(SystemExit):
        main(["none-such"])
    assert "there is no situation 'none-such'" in capsys.readouterr().err
