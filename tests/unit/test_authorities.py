"""Certificates of authorities: from a file to the hosts that ask."""

from pathlib import Path

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.loaders.ansible_inventory import load
from lbcheck.loaders.authorities import beside, read
from tests.certificates import make

ONE, OTHER = make(common_name="One"), make(common_name="Other")


def test_only_certificates_leave_the_file(tmp_path: Path) -> None:
    """A private key beside them, or a text, stays at home."""
    file = tmp_path / "ca.pem"
    file.write_bytes(b"subject=One\n" + ONE.with_key + OTHER.pem)
    assert read(str(file), said_by="--cacert") == (ONE.pem + OTHER.pem).decode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "--cacert FILE: No such file or directory"),
        (b"", "no certificate in PEM"),
        (ONE.der, "no certificate in PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
    ],
)
def test_a_file_without_certificates_is_a_sentence(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    """The option and the file are named, and the command ends with status 2."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LbcheckError) as caught:
        read(str(file), said_by="--cacert")
    assert sentence.replace("FILE", str(file)) in str(caught.value)
    assert str(caught.value).startswith(f"--cacert {file}: ")
    assert caught.value.exit_status == 2


def test_a_directory_is_a_sentence(tmp_path: Path) -> None:
    """What is no file is said so."""
    with pytest.raises(LbcheckError, match="Is a directory"):
        read(str(tmp_path), said_by="--cacert")


def test_an_inventory_names_a_file_beside_it(tmp_path: Path) -> None:
    """The path is relative to the inventory, a file or a folder; an absolute one stays."""
    (tmp_path / "ca.pem").write_bytes(ONE.pem)
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {web1: }, vars: {lbcheck_cacert: ca.pem}}")
    assert load([str(inventory)]).ca == ONE.pem.decode()
    assert beside([str(tmp_path)], "ca.pem") == str(tmp_path / "ca.pem")
    assert beside([str(tmp_path)], "other.pem") == "other.pem"
    assert beside(["/nowhere"], str(tmp_path / "ca.pem")) == str(tmp_path / "ca.pem")


def test_an_inventory_that_names_no_file_that_is_there_is_a_sentence(tmp_path: Path) -> None:
    """The variable is named."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {web1: }, vars: {lbcheck_cacert: ca.pem}}")
    with pytest.raises(LbcheckError, match=r"lbcheck_cacert ca\.pem: No such file"):
        load([str(inventory)])
