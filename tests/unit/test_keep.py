"""Role keep: what was there before a role stays beside the role's file, once."""

import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.rendering import ROLES

MINE = "# my own\n"
OURS = "# Managed by Ansible, role haproxy; changes here are overwritten.\n"


def replace(path: Path, text: str, program: str = "true") -> bool:
    """Replace a file as Ansible does, which asks a program first; return whether it accepted the new one."""
    start = yaml.safe_load((ROLES / "keep" / "vars" / "main.yml").read_text(encoding="utf-8"))["keep_before"]
    new = path.with_name("new")
    new.write_text(text)
    words = [*shlex.split(start), str(path), "haproxy", program, str(new)]
    if accepted := subprocess.run(words, check=False).returncode == 0:
        new.rename(path)
    return accepted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "haproxy.cfg"


def kept(path: Path) -> Path:
    """Return where its predecessor is."""
    return path.with_name("haproxy.cfg.before-haproxy")


def test_a_users_file_stays_beside_with_its_mode(path: Path) -> None:
    """Whoever may not read it may not read what is kept of it."""
    path.write_text(MINE)
    path.chmod(0o600)
    assert replace(path, OURS)
    assert (path.read_text(), kept(path).read_text()) == (OURS, MINE)
    assert kept(path).stat().st_mode & 0o777 == 0o600


def test_the_first_one_that_was_kept_stays(path: Path) -> None:
    """A user who puts a file of their own there again has it, and the role has it no more than that."""
    path.write_text(MINE)
    assert replace(path, OURS)
    path.write_text("# another\n")
    assert replace(path, OURS)
    assert kept(path).read_text() == MINE


def test_a_file_of_the_roles_own_is_not_kept(path: Path) -> None:
    """Its first line says whose it is."""
    path.write_text(OURS)
    assert replace(path, OURS + "global\n")
    assert not kept(path).exists()


@pytest.mark.parametrize("text", [None, ""])
def test_where_nothing_was_nothing_is_kept(path: Path, text: str | None) -> None:
    """No file, or an empty one."""
    if text is not None:
        path.write_text(text)
    assert replace(path, OURS)
    assert not kept(path).exists()


def test_where_the_new_file_is_refused_all_stays_as_it_is(path: Path) -> None:
    """So that a user's later changes are in what is kept, once a file is accepted."""
    path.write_text(MINE)
    assert not replace(path, OURS, "false")
    assert (path.read_text(), kept(path).exists()) == (MINE, False)
