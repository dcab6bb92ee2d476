"""Files that are named to be read: bounded in size and in time, whatever they are."""

import os
import threading
from pathlib import Path

import pytest

from lbcheck import documents
from lbcheck.cli import main
from lbcheck.commands import files
from lbcheck.errors import LbcheckError
from lbcheck.pipeline import reread

from . import corpus

REPORT = corpus.HERE / "reports" / "run-pass.json"


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """Up to the limit, and not a byte more."""
    file = tmp_path / "some.json"
    file.write_bytes(b"x" * 3_000_000)
    assert documents.read(file, 3_000_000) == b"x" * 3_000_000
    with pytest.raises(LbcheckError, match=r"some\.json has more than 3 MB; lbcheck reads no more"):
        documents.read(file, 2_999_999)


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """More than 500 MB of samples would take gigabytes of memory; a sparse file has that at once."""
    file = tmp_path / "run.jsonl"
    with file.open("wb") as written:
        written.truncate(documents.MOST_BYTES + 1)
    assert main(["report", str(file)]) == 2
    assert capsys.readouterr().err == f"lbcheck: {file} has more than 500 MB; lbcheck reads no more: give it a part\n"


def test_a_pipe_is_read_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in `lbcheck report <(ssh host cat report.json)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(REPORT.read_bytes()))
    writer.start()
    assert main(["report", str(pipe), "--format", "json"]) == 0
    writer.join()
    assert capsys.readouterr().out == REPORT.read_text()


def test_a_pipe_without_end_is_refused(tmp_path: Path) -> None:
    """At the limit the rest is left where it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    number = os.open(pipe, os.O_RDWR)  # both ends: its writer never leaves
    os.write(number, b"x" * 1001)
    with pytest.raises(LbcheckError, match="has more than"):
        documents.read(pipe, 1000)
    os.close(number)


def test_a_pipe_to_which_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    """Neither while nobody has opened it, nor while whoever has is silent."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for opened in (None, os.open(pipe, os.O_RDWR)):
        with pytest.raises(LbcheckError, match=r"pipe gave nothing for 0\.05 s: does somebody write to it\?"):
            documents.read(pipe, silence_s=0.05)
        if opened is not None:
            os.close(opened)


@pytest.mark.parametrize("command", [["report"], ["compare", str(REPORT)], ["capacity", "--model"]])
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(command: list[str], device: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of some the end never comes."""
    assert main([*command, device]) == 2
    assert capsys.readouterr().err == f"lbcheck: {device} is neither a file nor a pipe\n"


def test_a_pipe_from_which_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    """A result has to go somewhere; who begins to read within that time gets it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"nobody reads from this pipe; waited for 0\.05 s"):
        files.write(str(pipe), b"result", silence_s=0.05)
    writer = threading.Thread(target=files.write, args=(str(pipe), b"result"))
    writer.start()
    assert pipe.read_bytes() == b"result"
    writer.join()


def test_what_fails_while_it_is_read_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The system names a file when it opens it, and no more when it reads."""
    assert main(["report", "/proc/self/mem"]) == 2
    assert capsys.readouterr().err == "lbcheck: /proc/self/mem: Input/output error\n"


def test_a_mark_at_the_beginning_of_a_file_is_passed_over(tmp_path: Path) -> None:
    """Programs of Windows write one before UTF-8."""
    marked = tmp_path / "report.json"
    marked.write_bytes(b"\xef\xbb\xbf" + REPORT.read_bytes())
    assert reread(marked) == reread(REPORT)


def test_a_directory_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the system says it."""
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"lbcheck: {tmp_path}: Is a directory\n"
