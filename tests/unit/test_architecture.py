"""Who may import whom: the table of ARCHITECTURE.md."""

import ast
from pathlib import Path

import pytest

import lbcheck

ROOT = Path(lbcheck.__file__).parent
GROUND = {
    "errors",
    "plain",
    "documents",
    "streams",
    "ansible_cli",
}  # every package may use these
TABLE = {
    "model": set(),
    "analysis": {"model"},
    "wire": {"model"},
    "checks": {"model", "analysis"},
    "loaders": {"model"},
    "probing": {"model", "wire"},
    "sources": {"model", "wire"},
    "vantage": {"model", "wire", "probing", "sources"},
    "reporters": {"model", "wire"},
    "testing": {"pipeline", "loaders", "model"},
    "commands": {"pipeline", "probe", "model", "analysis", "checks", "loaders", "probing", "reporters", "wire"},
}
THIRD_PARTY = {
    "loaders": {"yaml"},
    "probing": {"dns"},
    "wire": {"dns"},
    "sources": {"haproxystats", "requests"},
}


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


@pytest.mark.parametrize("package", TABLE)
def test_a_package_imports_only_what_the_table_allows(package: str) -> None:
    """A package imports itself, the ground floor, and what its row of the table names."""
    allowed = TABLE[package] | GROUND | {package, "__version__"}
    for path in (ROOT / package).rglob("*.py"):
        inner = {name.split(".")[1] for name in imports(path) if name.startswith("lbcheck.")}
        assert inner <= allowed, f"{path.relative_to(ROOT)} imports {sorted(inner - allowed)}"


def test_every_package_stands_in_the_table() -> None:
    """A new package is a decision: it gets a row."""
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(TABLE)


@pytest.mark.parametrize("package", TABLE)
def test_a_package_uses_only_the_libraries_that_it_may(package: str) -> None:
    """What travels to other hosts needs the standard library and dnspython only; the mathematics needs no library."""
    own = {"lbcheck", "ansible"} | THIRD_PARTY.get(package, set())
    libraries = {"scipy", "numpy", "dns", "haproxystats", "requests", "rich", "yaml", "jinja2"} - own
    for path in (ROOT / package).rglob("*.py"):
        used = {name.split(".")[0] for name in imports(path)}
        assert not used & libraries, f"{path.relative_to(ROOT)} uses {sorted(used & libraries)}"


def test_only_the_command_line_prints() -> None:
    """Output and exit are the command line's, and the probe's, whose output is its samples; all pass one border."""
    for path in ROOT.rglob("*.py"):
        if path.name not in {"output.py", "probe.py", "streams.py", "__main__.py", "lbcheck_events.py", "zipapp.py"}:
            text = path.read_text()
            assert "print(" not in text, path
            assert "sys.exit" not in text, path
            assert "sys.stdout" not in text, path
            assert "sys.stderr.write" not in text, path
