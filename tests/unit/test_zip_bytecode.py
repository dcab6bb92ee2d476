"""What the lab's hosts compile out of archives, they compile once."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import lab.zip_bytecode

SCRIPT = """
import sys, zipimport
sys.path[:0] = sys.argv[1:3]
compile_source = zipimport._compile_source
def counted(*of):
    print("compiled")
    return compile_source(*of)
zipimport._compile_source = counted
import zip_bytecode
zip_bytecode.keep(sys.argv[3])
import module
print(module.VALUE)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with a module."""
    return _archive(tmp_path / "first.zip", "VALUE = 1")


def test_a_module_is_compiled_once(archive: Path, tmp_path: Path) -> None:
    """The first process compiles it; the second does not, and has the same."""
    assert _imported(archive, tmp_path / "kept") == "compiled\n1\n"
    assert _imported(archive, tmp_path / "kept") == "1\n"


def test_it_is_known_by_what_it_says(archive: Path, tmp_path: Path) -> None:
    """In another archive the same module is known; another module of the same name is not."""
    _imported(archive, tmp_path / "kept")
    assert _imported(_archive(tmp_path / "same.zip", "VALUE = 1"), tmp_path / "kept") == "1\n"
    assert _imported(_archive(tmp_path / "other.zip", "VALUE = 2"), tmp_path / "kept") == "compiled\n2\n"


def test_nothing_fails_where_nothing_can_be_kept(archive: Path) -> None:
    """A folder that cannot be made costs the time only."""
    for _ in range(2):
        assert _imported(archive, Path("/dev/null/kept")).endswith("compiled\n1\n")


def test_what_could_not_be_written_whole_is_not_there(archive: Path, tmp_path: Path) -> None:
    """Without room the module is imported all the same, and no half of it is kept."""
    assert _imported(archive, tmp_path / "kept", "prlimit", "--fsize=0").endswith("compiled\n1\n")
    assert list((tmp_path / "kept").iterdir()) == []


def _archive(path: Path, source: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("module.py", source)
    return path


def _imported(archive: Path, folder: Path, *within: str) -> str:
    beside = Path(lab.zip_bytecode.__file__).parent
    words = [*within, sys.executable, "-c", SCRIPT, str(archive), str(beside), str(folder)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
