"""An inventory whose hosts are named by somebody else, as a cloud's virtual machines are: names are data for Ansible.

A real ansible-playbook runs each test; every host is this machine, by the connection `local`.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Plan, Stage, StageName
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Sample
from lbcheck.vantage import ansible

from .test_commands import report, web

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
PATTERNS = ["!c9", "&c9", "a,b", "web[0:2]", "~.*", "*", "fe80::1", "b:c", "My VM (1)", "a\u2028b", "é"]
SEPARATED = "s1\u2028\x85x"


def inventory(folder: Path, groups: Mapping[str, Iterable[str]], **variables: object) -> Path:
    """Write a dynamic inventory of these groups; every host in it is this machine."""
    hosts = {name: LOCAL for names in groups.values() for name in names}
    listing = {"_meta": {"hostvars": hosts}, "all": {"vars": variables}}
    listing |= {group: {"hosts": list(names)} for group, names in groups.items()}
    path = folder / "inventory.py"
    path.write_text(f"#!{sys.executable}\nprint({json.dumps(listing)!r})\n")
    path.chmod(0o755)
    return path


def run(names: Sequence[str], path: Path) -> dict[str, Sample]:
    """Run a harmless step at each of these hosts; return the samples by host."""
    steps = (CountLogLines(at=name, server=name, path=__file__, token="no such line") for name in names)
    found = list(ansible.run(Plan((Stage(StageName.AFTER, tuple(steps)),)), [str(path)]))
    assert len(found) == len(names)
    return {sample.at: sample for sample in found}


def test_a_name_that_is_a_pattern_is_the_name_of_one_host(tmp_path: Path) -> None:
    """Each of them is asked, once, and nobody else is: not the hosts that the pattern would mean."""
    path = inventory(tmp_path, {"clients": PATTERNS, "others": ["c9", "a", "b", "c", "web0", "web1"]})
    found = run(PATTERNS, path)
    assert {name: sample.failure for name, sample in found.items()} == dict.fromkeys(PATTERNS)


def test_a_group_of_a_hosts_name_is_not_asked(tmp_path: Path) -> None:
    """Ansible takes a pattern for groups, too; only the host itself is asked, whatever its variables are then."""
    path = inventory(tmp_path, {"My VM (1)": ["other"], "clients": ["My VM (1)", "good"]})
    found = run(["My VM (1)", "good"], path)
    assert found["good"].failure is None
    if failure := found["My VM (1)"].failure:  # Ansible gives the host's variables to the group
        assert failure.message.startswith("My VM (1): ")


def test_this_machine_may_be_in_the_inventory_too(tmp_path: Path) -> None:
    """Hosts `localhost` and `here` have their steps, and what runs here has its own."""
    names = [HERE, "here", "localhost", "other"]
    found = run(names, inventory(tmp_path, {"clients": names[1:]}))
    assert {name: sample.failure for name, sample in found.items()} == dict.fromkeys(names)


@pytest.mark.parametrize(
    "template", ["{{{{ lookup('pipe', '{}') }}}}", "{{% if lookup('pipe', '{}') %}}x{{% endif %}}"]
)
def test_a_name_that_is_a_template_runs_nothing(template: str, tmp_path: Path) -> None:
    """The host is not asked, and that is said with its name; the others are asked, and the whole run has its report."""
    planted = tmp_path / "planted"
    hostile = template.format(f"touch {planted}")
    with web([SEPARATED.encode().decode("latin-1"), "s2"]) as (url, heard):
        frontend = {"name": "www", "url": url, "backend": "web", "addresses": ["127.0.0.1"]}
        path = inventory(
            tmp_path,
            {"clients": [hostile, "good", "!other"], "servers": [SEPARATED, "s2"]},
            lbcheck_groups={"clients": "clients"},
            cluster_frontends=[frontend],
            cluster_backends=[{"name": "web", "group": "servers"}],
        )
        kept = tmp_path / "run.jsonl"
        words = ["run", "-i", str(path), "--check", "spread", "--requests", "30", "--samples", str(kept)]
        ran = subprocess.run(
            [sys.executable, "-m", "lbcheck", *words, "--format", "json"], capture_output=True, text=True, check=False
        )
    assert not planted.exists()
    document = report(ran)
    assert len(heard) == 20, "each of the two that can be asked has its third of the requests"
    [verdict] = [verdict for verdict in document["verdicts"] if verdict["subject"] == "backend web"]
    assert sum(seen["client"] for seen in verdict["evidence"]["servers"].values()) == 20
    assert SEPARATED in verdict["evidence"]["servers"]
    assert any(f"host '{hostile}': its name is a template" in finding["message"] for finding in verdict["findings"])
    again = subprocess.run(
        [sys.executable, "-m", "lbcheck", "report", str(kept), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert report(again)["verdicts"] == document["verdicts"], again.stderr


def test_where_every_name_is_a_template_nothing_runs(tmp_path: Path) -> None:
    """Ansible is not even called."""
    found = run(["{{ x }}"], tmp_path / "no inventory")
    failure = found["{{ x }}"].failure
    assert failure
    assert failure.kind is ErrorKind.UNREACHABLE
