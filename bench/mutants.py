"""Changes the mathematics in one place at a time, and names the changes that no unit test notices.

    python -m bench.mutants [PART…] [--every N]

A change is one comparison, one sign, one number or one truth value. For each, the tests that belong to the part run on
a copy of the project. What survives is a test that is missing, or no mistake: then bench/survivors.txt has it, as it is
printed here, with the reason below, and it is not tried again.
"""

import argparse
import ast
import importlib.util
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXPLAINED = ROOT / "bench" / "survivors.txt"


@dataclass(frozen=True)
class Part:
    """`path`: a folder, or a file, under lbcheck. `tests`: the files of tests/unit that belong to it."""

    path: str
    tests: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """Its files, in order."""
        path = ROOT / "lbcheck" / self.path
        return sorted(path.glob("*.py")) if path.is_dir() else [path]


PARTS = {
    "laws": Part("analysis/laws", ("test_laws", "test_silence", "test_workers")),
    "sequential": Part("analysis/sequential", ("test_sequential",)),
    "silence": Part("analysis/silence.py", ("test_silence",)),
    "wheels": Part("analysis/wheels", ("test_wheels",)),
    "counter_deltas": Part("analysis/counter_deltas.py", ("test_counter_deltas",)),
    "counter_changes": Part("analysis/counter_changes.py", ("test_counter_changes", "test_counter_deltas")),
    "matching": Part("analysis/matching.py", ("test_matching",)),
    "witnesses": Part("checks/spread/witnesses.py", ("test_witnesses",)),
    "agreement": Part("checks/spread/agreement.py", ("test_spread_names", "test_spread_check")),
    "order": Part("analysis/order", ("test_order_numbers", "test_order")),
}
# Of the tests. A change may make a loop endless, or a list; that is noticed, too.
CPU_S, MEMORY_BYTES = 15, 2**30
AROUND = 40  # characters of a line on both sides of what changes

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SIGNS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}


@dataclass(frozen=True)
class Mutant:
    """One change of a file. `before`, `after`: what it changes, with what is beside. `source`: the file with it."""

    path: Path
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        """Say it as bench/survivors.txt does."""
        return f"{self.path.relative_to(ROOT)}\n- {self.before}\n+ {self.after}"


def mutants(path: Path) -> Iterator[Mutant]:
    """Give each change of a file, one by one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    source = ast.unparse(tree)
    for node in _changeable(tree):
        for change, undo in _changes(node):
            change()
            changed = ast.unparse(tree)
            undo()
            lines = zip(source.splitlines(), changed.splitlines(), strict=True)
            yield Mutant(path, *next(_around(old.strip(), new.strip()) for old, new in lines if old != new), changed)


def _around(before: str, after: str) -> tuple[str, str]:
    """Return two lines without most of what they have in common."""
    same = _same(before, after)
    start, cut = max(0, same - AROUND), max(0, _same(before[same:][::-1], after[same:][::-1]) - AROUND)
    return before[start : len(before) - cut].strip(), after[start : len(after) - cut].strip()


def _same(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    shorter = min(len(one), len(other))
    return next((place for place in range(shorter) if one[place] != other[place]), shorter)


def explained() -> dict[str, str]:
    """Return survivor → why it is no mistake."""
    blocks = EXPLAINED.read_text(encoding="utf-8").split("\n\n")
    split = (block.strip().splitlines() for block in blocks if block.strip() and not block.startswith("#"))
    return {"\n".join(lines[:3]): "\n".join(lines[3:]) for lines in split}


def _changeable(tree: ast.Module) -> Iterator[ast.expr]:
    """Give the expressions but decorators, where the size of a cache is, and `strict=`, which only watches over us."""
    passed_by = set[ast.AST]()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            passed_by.update(inner for decorator in node.decorator_list for inner in ast.walk(decorator))
        elif isinstance(node, ast.keyword) and node.arg == "strict":
            passed_by.add(node.value)
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in passed_by)


Change = tuple[Callable[[], None], Callable[[], None]]  # do and undo


def _changes(node: ast.expr) -> Iterator[Change]:
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                yield _put(ops, place, _COMPARISONS[type(op)]())
        case ast.BinOp(op=sign) if type(sign) in _SIGNS:
            yield _set(node, "op", _SIGNS[type(sign)]())
        case ast.BoolOp(op=both):
            yield _set(node, "op", ast.Or() if isinstance(both, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.USub()):
            yield _set(node, "op", ast.UAdd())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _set(node, "operand", ast.UnaryOp(ast.Not(), operand))
        case ast.Constant(value=int() | float() as number):  # True and False are numbers, too
            yield _set(node, "value", not number if isinstance(number, bool) else number + 1)


def _set(node: ast.expr, name: str, value: object) -> Change:
    old = getattr(node, name)
    return lambda: setattr(node, name, value), lambda: setattr(node, name, old)


def _put(ops: list[ast.cmpop], place: int, op: ast.cmpop) -> Change:
    old = ops[place]
    return lambda: ops.__setitem__(place, op), lambda: ops.__setitem__(place, old)


def survives(mutant: Mutant, copy: Path, tests: Sequence[str]) -> bool:
    """Return whether the tests pass with this change in the copy of the project."""
    file = copy / mutant.path.relative_to(ROOT)
    Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    file.write_text(mutant.source, encoding="utf-8")
    try:
        return _pass(copy, tests)
    finally:
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
        shutil.copy(mutant.path, file)


def _pass(copy: Path, tests: Sequence[str]) -> bool:
    """Run tests in a fork of this process: it has pytest, and nothing of lbcheck, which is imported from the copy."""
    child = os.fork()
    if not child:
        status = 1
        try:
            _confine(copy)
            files = [f"tests/unit/{name}.py" for name in tests]
            status = pytest.main(["-q", "-x", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", *files])
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGINT:
        raise KeyboardInterrupt
    return ended == 0


def _confine(copy: Path) -> None:
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.chdir(copy)
    sys.path.insert(0, str(copy))
    sys.dont_write_bytecode = False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def hunt(part: Part, every: int, copy: Path) -> Iterator[Mutant | None]:
    """Give for each change of a part that is not explained the change if it survived, else None."""
    if not _pass(copy, part.tests):
        raise SystemExit(f"bench.mutants: tests fail without any change: {', '.join(part.tests)}")
    known = explained()
    for mutant in [mutant for file in part.files for mutant in mutants(file)][::every]:
        if str(mutant) not in known:
            yield mutant if survives(mutant, copy, part.tests) else None


def main(words: Sequence[str] | None = None) -> int:
    """Print the survivors of each part; return 1 if there are any."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without one, all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try each N-th change only")
    options = parser.parse_args(words)
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    survived = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        for name in ("lbcheck", "tests", "bench", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        for name in options.parts or PARTS:
            tried = []
            for mutant in hunt(PARTS[name], options.every, copy):
                tried.append(mutant)
                if mutant:
                    print(f"\n{mutant}", flush=True)  # noqa: T201 (a bench prints)
            survivors = sum(mutant is not None for mutant in tried)
            print(f"\n{name}: {survivors} of {len(tried)} changes were not noticed", flush=True)  # noqa: T201
            survived += survivors
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
