"""Hosts that say too much, speak for others or are gone, beside hosts that do as they are asked: through Ansible."""

import json
import sys
from pathlib import Path

import pytest

from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Sample
from lbcheck.vantage import ansible

# A host's Python; what it runs of lbcheck goes through a filter.
PYTHON = """\
#!/bin/sh
case "$1" in
    *.pyz) "{python}" "$@" | {through} ;;
    *) exec "{python}" "$@" ;;
esac
"""
FILTERS = {
    "banner": "sed '1i Welcome to banner'",
    "liar": """sed 's/"at":"liar"/"at":"here"/'""",
    "deep": "awk '{ for (n = 0; n < 20000; n++) printf \"[\" }'",
}
NOBODY = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
GOOD = ("localhost", "here", HERE)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log with one line of this run."""
    path = tmp_path / "access.log"
    path.write_text("GET / t0k3n\n")
    return path


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """Hosts that are this machine, but for one that is nowhere."""
    hosts: dict[str, dict[str, object]] = {"localhost": {}, "here": {}, "gone": NOBODY}
    for name, through in FILTERS.items():
        python = tmp_path / f"{name}-python"
        python.write_text(PYTHON.format(python=sys.executable, through=through))
        python.chmod(0o755)
        hosts[name] = {"ansible_python_interpreter": str(python)}
    shared = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    path = tmp_path / "hosts.json"
    path.write_text(json.dumps({"all": {"vars": shared, "hosts": hosts}}))
    return path


def count(at: str, log: Path) -> CountLogLines:
    """Return a step that any host can do."""
    return CountLogLines(at=at, server="web1", path=str(log), token="t0k3n")


def test_a_bad_neighbour_costs_its_share(log: Path, inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps are failures that say why, and everybody else's are measured; `localhost` and `here` are hosts.

    So it is where the user's own Ansible ends at the first error, and says on its output all that it hears of hosts.
    """
    monkeypatch.setenv("ANSIBLE_ANY_ERRORS_FATAL", "true")
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "4")
    steps = tuple(count(at, log) for at in (*FILTERS, *GOOD, "gone"))
    samples: dict[str, Sample] = {
        s.at: s for s in ansible.run(Plan((Stage(StageName.AFTER, steps),)), [str(inventory)])
    }
    assert set(samples) == {*FILTERS, *GOOD, "gone"}
    assert [samples[at] for at in GOOD] == [
        LogLines(at=at, server="web1", path=str(log), lines=1, newest_s=0.0, seconds=samples[at].seconds) for at in GOOD
    ]
    said = {at: sample.failure for at, sample in samples.items() if sample.failure}
    assert {at: failure.kind for at, failure in said.items()} == {
        "banner": ErrorKind.PROTOCOL,
        "liar": ErrorKind.PROTOCOL,
        "deep": ErrorKind.PROTOCOL,
        "gone": ErrorKind.UNREACHABLE,
    }
    assert said["banner"].message.endswith("2 lines for 1 steps")
    assert said["liar"].message.endswith("line 1 is no sample of CountLogLines at liar")
    assert said["deep"].message.endswith("it is nested too deeply")


def test_this_machine_measures_while_every_other_host_is_gone(log: Path, inventory: Path) -> None:
    """Ansible ends a playbook when all hosts of a play have failed, and took this machine's steps along."""
    stages = tuple(Stage(name, (count("gone", log), count(HERE, log))) for name in (StageName.BEFORE, StageName.AFTER))
    samples = list(ansible.run(Plan(stages), [str(inventory)]))
    assert sorted((sample.at, bool(sample.failure)) for sample in samples) == [(HERE, False)] * 2 + [("gone", True)] * 2
