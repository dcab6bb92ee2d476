"""A model file of any content: its capacity is computed, or a sentence says which field is wrong."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lbcheck import pipeline
from lbcheck.analysis.tuples.growth import GROWTHS
from lbcheck.errors import LbcheckError
from lbcheck.loaders import model_file

from .damage import CORPUS, damaged, in_time, scribbled, sentence, written

TEXT = (Path(__file__).parents[2] / "docs" / "capacity.yml").read_text()
WORDS = (
    *("&a ", "*a", "<<: *a", "!!bool ", "!!python/name:x ", "- ", ": ", "[", "]", "{", "}", "? ", "|", ">", "\n", "\t"),
    *("#", "'", '"', "%", "@", "---\n", "2021-13-45", "1:60", "0x" + "f" * 5000, "9" * 5000, ".nan", ".inf", "~", "no"),
    *("clients:", "name:", "198.18.0.0/8", "1-65535", "\x00", "\x1b", "\u2028", "\ufeff"),
)


def refusal(path: Path, document: Any) -> str:
    """Do all that `lbcheck capacity --model` does; return why the file is refused, if it is."""
    try:
        with in_time():
            cluster = model_file.load(path) if document is None else model_file.read(document, "m.yml")
            written(pipeline.predict(cluster, {}))
            written(pipeline.predict(cluster, dict.fromkeys(GROWTHS, 1)))
    except LbcheckError as error:
        return sentence(error)
    return ""


@given(damaged(yaml.safe_load(TEXT)))
def test_any_value_of_any_field(document: Any) -> None:
    """A field of another type, an address that is none, a number beyond all bounds."""
    if document is not None:
        refusal(Path("m.yml"), document)


@given(text=scribbled(TEXT, WORDS))
def test_any_text(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tabs, tags, anchors, half a file: no YAML, or another document."""
    path = tmp_path_factory.getbasetemp() / "m.yml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    refusal(path, None)


@given(content=st.binary(max_size=60))
def test_any_bytes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is no text is said so."""
    path = tmp_path_factory.getbasetemp() / "m.yml"
    path.write_bytes(content)
    refusal(path, None)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("models/*")), ids=lambda path: path.name)
def test_what_once_broke(path: Path) -> None:
    """Files that took all memory, all time, or a traceback."""
    refusal(path, None)


def test_the_model_itself_is_computed() -> None:
    """Else the changes try nothing."""
    assert not refusal(Path("m.yml"), yaml.safe_load(TEXT))
