"""The table of URI schemes: each line is complete, and what reads is there."""

import ast
import importlib
import inspect
import tokenize
import typing
from pathlib import Path

import pytest

import lbcheck
from lbcheck.errors import LbcheckError
from lbcheck.model import schemes
from lbcheck.model.cluster import Balancer
from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.log_lines import CountLogLines, LogLines

ROOT = Path(lbcheck.__file__).parent
ACCENT = ("hrsp_", "svname", "lbtot", "HAProxy", "haproxy")
LIMITS = {
    "HAProxy maxconn (global)",
    "HAProxy maxconn (frontend)",
    "HAProxy maxconn (server)",
}  # their names in reports

TABLES = {ROOT / "analysis/laws/table.py"}  # says which product's algorithm keeps which law


@pytest.mark.parametrize("name", schemes.COUNTERS)
def test_each_scheme_of_counters_names_what_reads_them(name: str) -> None:
    """The module has `read`, from a step to a sample; the form begins with the scheme."""
    scheme = schemes.COUNTERS[name]
    hints = typing.get_type_hints(importlib.import_module(scheme.module).read)
    assert hints == {"step": ReadCounters, "return": Counters}
    assert any(scheme.form.replace("[s]", s).startswith(f"{name}:") for s in ("", "s"))


@pytest.mark.parametrize("module", [*schemes.LOGS.values(), schemes.LOG_FILE])
def test_each_scheme_of_logs_names_what_counts_their_lines(module: str) -> None:
    """The module has `count`, from a step to a sample."""
    hints = typing.get_type_hints(importlib.import_module(module).count)
    assert hints == {"step": CountLogLines, "return": LogLines}


@pytest.mark.parametrize(
    ("path", "module"),
    [("/var/log/nginx/access.log", "access_log"), ("journal:haproxy.service", "journal"), ("/log/a:b", "access_log")],
)
def test_a_log_without_a_scheme_is_a_file(path: str, module: str) -> None:
    """A colon somewhere in a path makes no scheme."""
    assert schemes.of_log(path) == f"lbcheck.sources.{module}"


@pytest.mark.parametrize(
    "uri", ["/run/haproxy.sock", "udp://lb1:1", "tcp:lb1:9", "http:/stats", "envoy+http://lb1:9901", ""]
)
def test_statistics_that_nobody_reads_are_refused_with_what_can_be_written(uri: str) -> None:
    """The sentence is made of the table."""
    with pytest.raises(LbcheckError) as caught:
        Balancer("lb1", stats=(uri,))
    forms = "write unix:PATH, tcp://HOST:PORT or http[s]://[USER@]HOST/PATH"
    assert str(caught.value) == f"statistics '{uri}': {forms}"


def test_a_unix_socket_alone_is_read_on_its_own_host() -> None:
    """Pages and TCP sockets are read from anywhere."""
    assert [schemes.read_on_host(uri) for uri in ("unix:/s", "tcp://h:1", "http://h/s", "https://h/s", "x")] == [
        True,
        False,
        False,
        False,
        False,
    ]


def texts_and_names(path: Path) -> set[str]:
    """Return all names and texts in a file's code: no comments, no docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }
    with path.open("rb") as file:
        return texts | {token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.NAME}


@pytest.mark.parametrize("package", ["analysis", "checks", "reporters"])
def test_thought_and_reports_know_no_product(package: str) -> None:
    """Columns and names of one product end at its source; but for the names of limits, and laws, which are its own."""
    for path in set((ROOT / package).rglob("*.py")) - TABLES:
        accents = {text for text in texts_and_names(path) - LIMITS if any(word in text for word in ACCENT)}
        assert not accents, f"{path.relative_to(ROOT)}: {accents}"


def test_a_products_words_are_found_by_its_name() -> None:
    """A product of no scheme has its name, and no words."""
    assert schemes.product_called("HAProxy") is schemes.HAPROXY
    assert schemes.product_called("Quirk") == schemes.Product("Quirk")
    assert schemes.product_at([]) is schemes.HAPROXY


def test_readers_are_functions_of_their_own_module() -> None:
    """What the table loads is what stands there, nothing imported by chance."""
    for module in {scheme.module for scheme in schemes.COUNTERS.values()}:
        assert inspect.getmodule(importlib.import_module(module).read).__name__ == module  # type: ignore[union-attr]
