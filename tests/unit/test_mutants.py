"""The mutator: which changes it makes, and that a file without a change is as it was."""

import ast
from pathlib import Path

from bench import mutants


def changed(tmp_path: Path, source: str) -> set[str]:
    """Return the sources that one change makes of a source."""
    path = tmp_path / "some.py"
    path.write_text(source)
    return {mutant.source for mutant in mutants.mutants(path)}


def test_each_change_is_one(tmp_path: Path) -> None:
    """Comparisons, signs, truth values and numbers, each alone."""
    assert changed(tmp_path, "x = a < b + 1") == {"x = a <= b + 1", "x = a < b - 1", "x = a < b + 2"}
    assert changed(tmp_path, "x = a and (not b)") == {"x = a or not b", "x = a and (not not b)"}
    assert changed(tmp_path, "x = -y if True else z") == {"x = +y if True else z", "x = -y if False else z"}


def test_texts_and_decorators_stay(tmp_path: Path) -> None:
    """A sentence is no mathematics, and the size of a cache no mistake."""
    assert changed(tmp_path, "@lru_cache(maxsize=8)\ndef f() -> str:\n    return 'x'") == set()


def test_every_change_can_be_read_as_python() -> None:
    """And every package has some."""
    for package in mutants.TESTS:
        folder = mutants.ROOT / "lbcheck" / "analysis" / package
        found = [mutant for path in sorted(folder.glob("*.py"))[:4] for mutant in mutants.mutants(path)]
        assert found
        assert all(ast.parse(mutant.source) for mutant in found[::9])
