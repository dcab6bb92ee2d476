"""A host whose Python is too old for the probe: named before anything is sent, and the others go on."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

from .test_commands import web

# Good enough for Ansible's modules, and too old by its own words.
OLD = """#!/bin/sh
[ "$1" != -c ] || {{ echo 'lbcheck: Python 3.9' >&2; exit 1; }}
exec {python} "$@"
"""
REMOVING = """#!/bin/sh
printf '%s\\n' "$@" >>{log}
exec /bin/rm "$@"
"""


def test_a_host_with_an_old_python_is_named_and_its_witness_unmeasured(tmp_path: Path) -> None:
    """It is named on standard error and in the report, and another host's log is read; nothing stays there."""
    old, removing, log = tmp_path / "python3.9", tmp_path / "rm", tmp_path / "log"
    old.write_text(OLD.format(python=sys.executable))
    removing.write_text(REMOVING.format(log=log))
    for program in (old, removing):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    hosts = {
        name: {"ansible_python_interpreter": str(python), "lbcheck_access_log": str(tmp_path / f"{name}.log")}
        for name, python in (("web1", old), ("web2", sys.executable))
    }
    for name in hosts:
        Path(tmp_path, f"{name}.log").touch()
    with web(["web1", "web2"]) as (url, heard):
        shared = {
            "ansible_connection": "local",
            "cluster_frontends": [{"name": "www", "url": url, "backend": "web"}],
            "cluster_backends": [{"name": "web"}],
        }
        inventory = tmp_path / "hosts.yml"
        inventory.write_text(json.dumps({"all": {"vars": shared, "children": {"backends": {"hosts": hosts}}}}))
        command = [sys.executable, "-m", "lbcheck", "run", "-i", str(inventory), "--check", "spread", "--rate", "0"]
        command += ["--requests", "40", "--format", "json", "--timeout", "1"]
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert len(heard) == 40
    assert ran.returncode == 4, ran.stdout
    why = (
        "web1: its Python is 3.9, and lbcheck needs 3.11 or newer: set ansible_python_interpreter to a newer one there"
    )
    assert f"lbcheck: {why}; the others go on\n" in ran.stderr
    found = json.loads(ran.stdout)["verdicts"][0]["findings"]
    assert [item["message"] for item in found if item["outcome"] == "unmeasured"] == [f"server web1: {why}"]
    assert not any("web2:" in item["message"] for item in found)
    folders = [Path(word) for word in log.read_text().split() if re.fullmatch(r"/tmp/lbcheck-[0-9a-f]{32}-[0-9]", word)]
    assert len(set(folders)) == len(hosts)
    assert not any(folder.exists() for folder in folders)
