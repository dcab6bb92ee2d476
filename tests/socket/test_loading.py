"""No command loads what it does not use: some libraries take longer to load than most commands to run."""

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lbcheck.cli import COMMANDS
from lbcheck.model.plan import Stage, StageName
from lbcheck.model.step import Sample
from lbcheck.model.stub_status import ReadStubStatus
from lbcheck.wire import jsonl
from tests.unit.scenes import QUESTION, answers, fair, healthy

from .http_servers import Server, serving
from .name_servers import answering, closed_port, name_server

ROOT = Path(__file__).parents[2]
LIBRARIES = {"scipy", "numpy", "rich", "ansible", "jinja2", "dns", "yaml", "haproxystats", "requests"}
NOTHING: set[str] = set()
LAB = ("-i", str(ROOT / "inventory" / "lab"))


def loaded(*arguments: str, heard: str = "") -> set[str]:
    """Return which of the libraries a command loads, run to its end with `heard` on its standard input."""
    return loaded_by("-m", "lbcheck", *arguments, heard=heard)


def loaded_by(*program: str, heard: str = "") -> set[str]:
    """Return which of the libraries a program loads."""
    words = [sys.executable, "-X", "importtime", *program]
    ran = subprocess.run(words, input=heard, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr  # it came to a verdict, or had none to give
    lines = [line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time:")]
    assert "lbcheck.cli" in lines
    return {name.partition(".")[0] for name in lines} & LIBRARIES


def samples(folder: Path, seen: Sequence[Sample]) -> str:
    """Write samples as a run keeps them; return the file."""
    kept = folder / "run.jsonl"
    kept.write_text("".join(jsonl.line(item) + "\n" for item in (QUESTION, *seen)))
    return str(kept)


def always_web1(server: Server, connection: socket.socket) -> None:
    """Answer as the server that a hash has chosen."""
    while server.read(connection):
        connection.sendall(server.answer(name="web1"))


# What a command may load in a run that sends nothing. Others have a test below; `prove` has --help alone, as it takes
# seconds: that loads all of its own modules.
SENDING_NOTHING = {
    "run": (("run", *LAB, "--plan"), NOTHING),
    "topology": (("topology", *LAB), NOTHING),
    "dns": (("dns", "www.lab.test", "--plan"), NOTHING),
    "spread": (("spread", "http://www.lab.test/", "--plan"), NOTHING),
    "capacity": (("capacity", "--model", str(ROOT / "docs" / "capacity.yml")), {"yaml"}),
    "failover": (("failover", *LAB, "--plan"), NOTHING),
    "fill": (("fill", "127.0.0.1:9", "--plan"), NOTHING),
}


@pytest.mark.parametrize("name", SENDING_NOTHING)
def test_a_command_that_sends_nothing_loads_what_it_reads_with_at_the_most(name: str) -> None:
    """Reading, planning and predicting need no library but that of the file's format."""
    arguments, allowed = SENDING_NOTHING[name]
    assert loaded(*arguments) == allowed


EVERY_HELP = """
import contextlib
from lbcheck.cli import COMMANDS, main
for words in [], *([name] for name in COMMANDS):
    with contextlib.suppress(SystemExit):
        main([*words, "--help"])
"""


def test_help_loads_nothing() -> None:
    """Whoever asks for help, of the whole or of any command, does not wait for a library."""
    assert loaded_by("-c", EVERY_HELP) == NOTHING


def test_a_report_and_kept_samples_are_read_without_a_library(tmp_path: Path) -> None:
    """HAProxy counted, so round robin is held to its exact bound; what is written is read, drawn and compared."""
    kept, written = samples(tmp_path, healthy()), str(tmp_path / "report.json")
    assert loaded("report", kept, "--format", "json", "-o", written) == NOTHING
    assert loaded("report", written) == NOTHING
    assert loaded("compare", written, written) == NOTHING


def test_a_law_of_chance_is_judged_without_a_library(tmp_path: Path) -> None:
    """What only the clients counted are draws, and the tail of their law needs the standard library only."""
    drawn = [answers("lb1", fair(4000)), answers("lb2", fair(4000))]
    assert loaded("report", samples(tmp_path, drawn)) == NOTHING


def test_a_spread_that_is_measured_loads_nothing_where_its_law_is_constancy() -> None:
    """HTTP, and the law of a hash, need the standard library only."""
    with serving(always_web1) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert loaded("spread", url, "--algorithm", "source", "--requests", "20") == NOTHING


def test_names_are_asked_for_with_the_library_of_dns_alone() -> None:
    """What an answer says is read by dnspython; whether it rotates is counted."""
    with name_server(answering("192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.1")) as server:
        assert loaded("dns", "lab.test", "--server", str(server), "--type", "A") == {"dns"}


def test_a_probe_loads_what_its_steps_need() -> None:
    """A host that reads its own counters needs the standard library only."""
    step = ReadStubStatus(server="web1", url=f"http://{closed_port()}/", when="before")
    assert loaded("probe", heard=jsonl.line(Stage(StageName.BEFORE, (step,)))) == NOTHING


def test_every_command_is_held() -> None:
    """A further command gets a row, or a test of its own here."""
    assert set(SENDING_NOTHING) | {"report", "compare", "probe", "prove"} == set(COMMANDS)
