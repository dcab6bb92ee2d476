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


def test_what_is_no_mathematics_stays(tmp_path: Path) -> None:
    """A sentence, the size of a cache, and whether `zip` looks at lengths."""
    source = "@lru_cache(maxsize=8)\ndef f() -> str:\n    return 'x' or zip(a, b, strict=True)"
    assert changed(tmp_path, source) == {source.replace("or", "and")}


def test_every_change_can_be_read_as_python() -> None:
    """And every part has some."""
    for part in mutants.PARTS.values():
        found = [mutant for path in part.files[:2] for mutant in mutants.mutants(path)]
        assert found
        assert all(ast.parse(mutant.source) for mutant in found[::9])


def test_every_survivor_is_a_change_that_can_be_made_and_has_a_reason() -> None:
    """What was explained once is taken off the list when its line changes."""
    explained = mutants.explained()
    paths = {mutants.ROOT / survivor.partition("\n")[0] for survivor in explained}
    assert not set(explained) - {str(mutant) for path in paths for mutant in mutants.mutants(path)}
    assert all(explained.values())


def test_a_change_is_said_with_what_is_beside_it(tmp_path: Path) -> None:
    """Of a long line, no more than what tells where the change is."""
    path = tmp_path / "some.py"
    path.write_text(f"x = {'a' * 90} < {'b' * 90}")
    (mutant,) = mutants.mutants(path)
    assert (mutant.before, mutant.after) == (f"{'a' * 38} < {'b' * 39}", f"{'a' * 38} <= {'b' * 39}")
