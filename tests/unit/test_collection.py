"""The roles as a collection: what is packed, and what its READMEs say."""

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import yaml

from tests.readmes import COLLECTION, readmes
from tests.rendering import ROOT


def test_the_readmes_are_what_the_roles_tell_of_themselves() -> None:
    """After a change of a role: `python -m tests.readmes`."""
    for path, text in readmes().items():
        assert path.read_text(encoding="utf-8") == text, f"{path} is out of date: python -m tests.readmes"


def test_the_collection_has_the_projects_version() -> None:
    """And needs the same ansible-core."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    galaxy, runtime = (
        yaml.safe_load((COLLECTION / name).read_text(encoding="utf-8")) for name in ("galaxy.yml", "meta/runtime.yml")
    )
    assert galaxy["version"] == project["version"]
    needed = runtime["requires_ansible"].removesuffix(".0")
    assert f"ansible-core{needed}" in project["dependencies"]


def test_the_archive_has_the_roles_and_nothing_of_the_lab(tmp_path: Path) -> None:
    """Every file of every role, with license and changelog; no playbook, no plugin."""
    galaxy = str(Path(sys.executable).with_name("ansible-galaxy"))
    command = [galaxy, "collection", "build", "ansible", "--output-path", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {one.name for one in packed if one.isfile()}
    roles = {str(path.relative_to(COLLECTION)) for path in (COLLECTION / "roles").rglob("*") if path.is_file()}
    others = {"LICENSE", "CHANGELOG.md", "README.md", "meta/runtime.yml"}
    assert names == roles | others | {"MANIFEST.json", "FILES.json"}
