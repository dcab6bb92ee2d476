"""Changes the mathematics in one place at a time, and names the changes that no unit test notices.

    python -m bench.mutants [PACKAGE…] [--every N]

A change is one comparison, one sign, one number or one truth value in a file of lbcheck/analysis. For each, the tests
that belong to the package run on a copy of the project. What survives is either no mistake, or a test that is missing.
"""

import argparse
import ast
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {
    "laws": ("test_laws",),
    "wheels": ("test_wheels",),
    "sequential": ("test_sequential", "test_gaps"),
    "order": ("test_order",),
}
TIMEOUT_S = 120.0  # of the tests; a change may make a loop endless, and that is noticed, too

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
    """One change of a file. `source`: the whole file with it."""

    path: Path
    line: int
    before: str
    after: str
    source: str


def mutants(path: Path) -> Iterator[Mutant]:
    """Give each change of a file, one by one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _changeable(tree):
        for change, undo in _changes(node):
            before = ast.unparse(node)
            change()
            yield Mutant(path, node.lineno, before, ast.unparse(node), ast.unparse(tree))
            undo()


def _changeable(tree: ast.Module) -> Iterator[ast.expr]:
    """Give the expressions outside of decorators, where the size of a cache is."""
    passed_by = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for decorator in node.decorator_list
        for inner in ast.walk(decorator)
    }
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
    files = [f"tests/unit/{name}.py" for name in tests]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files]
    environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin"}
    try:
        ran = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return ran.returncode == 0


def hunt(package: str, every: int, copy: Path) -> tuple[int, list[Mutant]]:
    """Return how many changes of a package were tried, and those that survived."""
    tests = TESTS[package]
    if not _pass(copy, tests):
        raise SystemExit(f"bench.mutants: the tests of {package} fail without any change: {', '.join(tests)}")
    files = sorted((ROOT / "lbcheck" / "analysis" / package).glob("*.py"))
    tried = [mutant for file in files for mutant in mutants(file)][::every]
    return len(tried), [mutant for mutant in tried if survives(mutant, copy, tests)]


def main(words: Sequence[str] | None = None) -> int:
    """Print the survivors of each package."""
    parser = argparse.ArgumentParser(prog="python -m bench.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"{', '.join(TESTS)}; without one, all")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try each N-th change only")
    options = parser.parse_args(words)
    if unknown := [name for name in options.packages if name not in TESTS]:
        parser.error(f"there is no package {unknown[0]!r}; there are {', '.join(TESTS)}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        for name in ("lbcheck", "tests", "bench", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        for package in options.packages or TESTS:
            tried, survivors = hunt(package, options.every, copy)
            print(f"\n{package}: {len(survivors)} of {tried} changes were not noticed")  # noqa: T201 (a bench prints)
            for mutant in survivors:
                place = f"{mutant.path.relative_to(ROOT)}:{mutant.line}"
                print(f"  {place}: {mutant.before}  →  {mutant.after}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
