"""Where results and samples go: devices, pipes, links, files of others, full disks; and what ends a command with what.

Devices, and links as /dev/stdout is one, are made in a folder of the test's own: should one fail, no node of the real
/dev is replaced. /dev/fd leads into /proc, where nothing can be.
"""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lbcheck.commands import files
from lbcheck.errors import LbcheckError
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Stage, StageName
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.wire import jsonl

from .name_servers import closed_port
from .test_commands import web

NOBODY = 65534
BASH = shutil.which("bash") or "bash"


@pytest.fixture
def url() -> Iterator[str]:
    """A healthy service of two servers."""
    with web(["s1", "s2"]) as (found, _):
        yield found


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="lbcheck-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def shell(script: str, url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of bash in which `lbcheck` is the command, and $URL the service."""
    line = f'lbcheck() {{ "$PYTHON" -m lbcheck "$@"; }}; {script}'
    more = {"PYTHON": sys.executable, "URL": url, "PYTHONIOENCODING": "utf-8"} | environment
    encoding = more["PYTHONIOENCODING"]
    return subprocess.run(
        [BASH, "-c", line], capture_output=True, encoding=encoding, check=False, env=os.environ | more
    )


SPREAD = "lbcheck spread $URL --requests 24 --concurrency 1 --weights s1=1,s2=1 --algorithm roundrobin"


def status_of(script: str, url: str, **environment: str) -> int:
    """Return how a line of bash ends; nothing that it says may be a traceback."""
    ran = shell(script, url, **environment)
    assert "Traceback" not in ran.stderr + ran.stdout
    return ran.returncode


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", ">&- 2>&- <&-", "<&-", ">/dev/full", ">/dev/full 2>/dev/full"])
def test_an_output_that_is_closed_or_full_costs_no_outcome(url: str, closed: str) -> None:
    """A pass is 0, a fail 1, a wrong usage 2 and a help 0, whoever cannot hear of it."""
    commands = [SPREAD, f"lbcheck spread http://{closed_port()}/", "lbcheck spread ftp://x/ -vv", "lbcheck --help"]
    ran = shell("; ".join([*(f"{command} {closed}; s=$s$?" for command in commands), "echo $s"]), url)
    assert ran.stdout.endswith("0120\n")


def test_a_reader_who_has_enough_costs_no_outcome(url: str) -> None:
    """`| head -1` ends with the verdict's status, and without a word."""
    ran = shell(f"{SPREAD} --format json | head -1; exit ${{PIPESTATUS[0]}}", url)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "{\n", "")
    ran = shell(f"{SPREAD} --format json -o >(head -1)", url)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_of_few_letters_gets_escapes(encoding: str) -> None:
    """Every character that the encoding lacks is an escape, and JSON stays JSON."""
    with web(["zürich–東京".encode().decode("latin-1")]) as (found, _):
        text = shell("lbcheck spread $URL --requests 24", found, PYTHONIOENCODING=encoding)
        document = shell("lbcheck spread $URL --requests 24 --format json", found, PYTHONIOENCODING=encoding)
        assert shell("lbcheck spread --help", found, PYTHONIOENCODING=encoding).returncode == 0
    assert (text.returncode, document.returncode) == (3, 3)
    assert r"\u2013" in text.stdout
    assert set(json.loads(document.stdout)["verdicts"][0]["evidence"]["servers"]) == {"zürich–東京"}


def device(folder: Path, name: str) -> Path:
    """Make a node as /dev has it."""
    minor = {"null": 3, "full": 7}[name]
    os.mknod(folder / name, 0o666 | stat.S_IFCHR, os.makedev(1, minor))
    return folder / name


@pytest.mark.parametrize("option", ["-o", "--samples"])
def test_a_device_is_written_into_and_stays(url: str, option: str, tmp_path: Path) -> None:
    """A node like /dev/null, made here, and a link to it, are the same nodes afterwards."""
    node, link = device(tmp_path, "null"), tmp_path / "link"
    link.symlink_to(node)
    before = node.stat().st_ino
    for name in (node, link):
        assert status_of(f"{SPREAD} {option} {name}", url) == 0
    assert (node.stat().st_ino, node.is_char_device(), link.is_symlink()) == (before, True, True)
    assert {path.name for path in tmp_path.iterdir()} == {"null", "link"}


@pytest.mark.parametrize(("option", "expected"), [("-o", "lbcheck 0.1.0"), ("--samples", '{"schema":"lbcheck.samples')])
def test_a_pipe_is_written_into_and_stays(url: str, option: str, expected: str, tmp_path: Path) -> None:
    """A FIFO, the shell's >(…), and a link to either."""
    pipe, link, seen = tmp_path / "pipe", tmp_path / "link", tmp_path / "seen"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for name in (pipe, link):
        assert status_of(f"cat {name} > {seen} & {SPREAD} {option} {name}; s=$?; wait; exit $s", url) == 0
        assert seen.read_text().startswith(expected)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert status_of(f"{SPREAD} {option} >(cat > {seen}); s=$?; wait $!; exit $s", url) == 0
    assert seen.read_text().startswith(expected)


@pytest.mark.parametrize("name", ["stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_file_that_the_shell_has_opened_is_continued(url: str, name: str, tmp_path: Path) -> None:
    """`-o /dev/stdout >> log` adds to the log, and so does what the shell says next; nothing is emptied."""
    log, link = tmp_path / "log", tmp_path / "stdout"
    link.symlink_to("/proc/self/fd/1")
    name = str(tmp_path / name)
    ran = shell(f"(echo before; {SPREAD} -o {name}; echo after) >> {log}; (echo 2; {SPREAD} -o {name}) >> {log}", url)
    assert ran.returncode == 0, ran.stderr
    words = log.read_text().split("\n")
    assert words[0] == "before"
    assert [words.count(word) for word in ("before", "after", "2")] == [1, 1, 1]
    assert sum(word.startswith("lbcheck 0.1.0") for word in words) == 2
    assert link.is_symlink()


def test_samples_may_follow_on_standard_output(url: str, tmp_path: Path) -> None:
    """`--samples /dev/stdout -o FILE` is a way into another program."""
    ran = shell(f"{SPREAD} --samples /dev/fd/1 -o {tmp_path}/report", url)
    assert [json.loads(line)["class"] for line in ran.stdout.splitlines()] == ["Question", "Answers", "Ended"]


def test_mode_and_owner_of_a_file_stay(url: str, tmp_path: Path) -> None:
    """Root writes another's report, and it stays another's; through a link in another folder, too."""
    target, link = tmp_path / "report", tmp_path / "other" / "link"
    target.write_text("old")
    target.chmod(0o640)
    os.chown(target, NOBODY, NOBODY)
    link.parent.mkdir()
    link.symlink_to("../report")
    for name in (target, link):
        assert status_of(f"{SPREAD} -o {name}", url) == 0
        status = target.stat()
        assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (NOBODY, NOBODY, 0o640)
        assert target.read_text().startswith("lbcheck")
    assert link.is_symlink()
    assert [path.name for path in link.parent.iterdir()] == ["link"]


def test_a_link_without_its_file_makes_it(url: str, tmp_path: Path) -> None:
    """Results and samples go where the link says."""
    for option, name in (("-o", "report"), ("--samples", "samples")):
        link = tmp_path / f"to-{name}"
        link.symlink_to(name)
        assert status_of(f"{SPREAD} {option} {link}", url) == 0
        assert link.is_symlink()
        assert (tmp_path / name).stat().st_size > 0


def as_nobody(work: Callable[[], None]) -> int:
    """Do it as an ordinary user, in a process of its own; return 0 where that went well."""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
        except BaseException:  # whatever it is, this process is a copy of pytest's and has to end here
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_file_that_cannot_be_given_back_to_its_owner_is_written_itself(open_folder: Path) -> None:
    """An ordinary user may write it, and not make another one of that owner, or in that folder."""
    folder, shared = open_folder / "nobodys", open_folder / "roots"
    folder.mkdir()
    shared.write_text("old and longer")
    shared.chmod(0o666)
    inside = folder / "roots"
    inside.write_text("old and longer")
    inside.chmod(0o666)
    os.chown(folder, NOBODY, NOBODY)
    for path in (shared, inside):
        before = path.stat()
        assert as_nobody(lambda path=path: files.write(str(path), b"new")) == 0
        assert path.read_text() == "new"
        assert (path.stat().st_ino, path.stat().st_uid) == (before.st_ino, 0)
    assert [path.name for path in folder.iterdir()] == ["roots"]


def test_what_may_not_be_written_is_said_before(open_folder: Path) -> None:
    """A file that is read-only, and a folder where nothing can be made, are refused by `check`."""
    (open_folder / "theirs").write_text("")

    def refused(name: str, *, new: bool) -> None:
        with pytest.raises(LbcheckError, match=r"cannot be written|no file can be made"):
            files.check("-o", str(open_folder / name), new=new)

    assert as_nobody(lambda: refused("theirs", new=False)) == 0
    assert as_nobody(lambda: refused("absent", new=False)) == 0
    assert as_nobody(lambda: refused("absent", new=True)) == 0


@pytest.mark.parametrize("option", ["-o", "--samples"])
@pytest.mark.parametrize(
    "name", ["no/such/folder/file", "", "file/inside", "round", "socket", "/dev/fd/0", "/dev/fd/77"]
)
def test_all_is_checked_before_anything_is_sent(option: str, name: str, tmp_path: Path) -> None:
    """A missing folder, a folder, a file for a folder, links that go round, a socket, what is not open for writing."""
    (tmp_path / "file").write_text("")
    (tmp_path / "round").symlink_to("round")
    os.mknod(tmp_path / "socket", 0o666 | stat.S_IFSOCK)
    before = sorted(tmp_path.rglob("*"))
    with web(["s1"]) as (found, heard):
        assert status_of(f"{SPREAD} {option} '{tmp_path / name}' < /dev/null", found) == 2
    assert heard == []
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--samples both -o both", "-o both and --samples name the same file"),
        ("--samples both -o link", "-o link and --samples name the same file"),
        ("--cacert ca.pem -o ca.pem", "-o ca.pem would replace what is read"),
        ("--haproxy-config ca.pem -o hard", "-o hard would replace what is read"),
    ],
)
def test_nothing_that_a_command_reads_or_keeps_is_replaced(words: str, sentence: str, tmp_path: Path) -> None:
    """By whichever of its names: refused before anything is sent."""
    (tmp_path / "ca.pem").write_text("precious")
    os.link(tmp_path / "ca.pem", tmp_path / "hard")
    (tmp_path / "link").symlink_to("both")
    with web(["s1"]) as (found, heard):
        ran = shell(
            f"cd {tmp_path} && {SPREAD} {words}", found, PYTHONPATH=os.environ.get("PYTHONPATH", str(Path.cwd()))
        )
    assert (ran.returncode, heard) == (2, [])
    assert sentence in ran.stderr
    assert (tmp_path / "ca.pem").read_text() == "precious"


def test_a_result_that_finds_no_room_is_not_lost(url: str, tmp_path: Path) -> None:
    """The file asked for is not there, so the status is 2; the report is on standard output."""
    full = device(tmp_path, "full")
    ran = shell(f"{SPREAD} -o {full}", url)
    assert ran.returncode == 2
    assert f"-o {full}: No space left on device; the result is on standard output" in ran.stderr
    assert ran.stdout.startswith("lbcheck 0.1.0")


def test_a_full_disk_costs_samples_and_no_result(url: str, tmp_path: Path) -> None:
    """What cannot be kept is said once; the measurement goes on and is judged."""
    full = device(tmp_path, "full")
    ran = shell(f"{SPREAD} --samples {full}", url)
    assert ran.returncode == 0
    assert ran.stderr == f"lbcheck: --samples {full}: No space left on device; what follows is not kept\n"
    assert ran.stdout.startswith("lbcheck 0.1.0")


def test_a_full_file_system_leaves_the_old_report(url: str, tmp_path: Path) -> None:
    """Nothing of a report that was half written is seen, and nothing lies beside it."""
    target, room = tmp_path / "small" / "report", tmp_path / "small" / "room"
    target.parent.mkdir()
    mounted = f"mount -t tmpfs -o size=64k none {target.parent} && echo old > {target} && head -c 1M /dev/zero > {room}"
    script = f"{mounted}; {SPREAD} -o {target} > /dev/null; s=$?; cat {target}; ls -A {target.parent}; exit $s"
    ran = subprocess.run(
        ["unshare", "--mount", BASH, "-c", f'lbcheck() {{ "$PYTHON" -m lbcheck "$@"; }}; {script}'],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHON": sys.executable, "URL": url},
    )
    assert (ran.returncode, ran.stdout) == (2, "old\nreport\nroom\n"), ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_a_run_that_is_ended_leaves_samples_that_can_be_read(number: signal.Signals, tmp_path: Path) -> None:
    """The first line is on the disk before anything is sent; unless it was killed, what was measured follows."""
    kept = tmp_path / "run.jsonl"
    with web(["s1", "s2"]) as (found, heard):
        words = ["spread", found, "--requests", "100000", "--rate", "50", "--samples", str(kept)]
        process = subprocess.Popen([sys.executable, "-m", "lbcheck", *words], stderr=subprocess.DEVNULL)
        while not heard:
            time.sleep(0.01)
        process.send_signal(number)
        process.wait()
    first, *samples = map(json.loads, kept.read_text().splitlines())
    assert first["class"] == "Question"
    assert [sample["class"] for sample in samples] == ([] if number is signal.SIGKILL else ["Answers", "Ended"])
    assert status_of(f"lbcheck report {kept}", found) == 4


def test_a_cut_last_line_costs_that_line(url: str, tmp_path: Path) -> None:
    """Cut anywhere in it, also within a letter: the file is judged without it, and that is said."""
    kept, whole, cut = (tmp_path / name for name in ("run.jsonl", "whole.jsonl", "cut.jsonl"))
    assert status_of(f"{SPREAD} --samples {kept}", url) == 0
    *lines, last, _ended = kept.read_bytes().splitlines(keepends=True)
    content, last = b"".join([*lines, last]), last.rstrip().replace(b'"s1"', '"東京"'.encode())
    whole.write_bytes(content)
    verdicts = shell(f"lbcheck report {whole} --format json", url)
    assert verdicts.stderr == ""
    letter = last.index("東".encode())
    for length in (1, letter + 1, letter + 2, len(last) - 1):
        cut.write_bytes(content + last[:length])
        ran = shell(f"lbcheck report {cut} --format json", url)
        assert ran.stderr == f"lbcheck: {cut}: its last line is cut, and passed over\n"
        assert json.loads(ran.stdout)["verdicts"] == json.loads(verdicts.stdout)["verdicts"]


def test_lines_are_on_the_disk_one_by_one(tmp_path: Path) -> None:
    """A reader sees each as soon as it is written, and a pipe gets it whole."""
    path, pipe = tmp_path / "lines", tmp_path / "pipe"
    with files.Lines("--samples", str(path)) as lines:
        for number in range(3):
            lines.write(f"{number}\n")
            assert path.read_text() == "".join(f"{n}\n" for n in range(number + 1))
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    with files.Lines("--samples", str(pipe)) as lines:
        lines.write("x" * 200_000 + "\n")
    reader.join()
    assert heard == ["x" * 200_000 + "\n"]


def test_a_probe_speaks_utf_8_in_any_locale() -> None:
    """Whoever reads its samples knows no locale of the host where it runs."""
    step = CountLogLines(server="東京\u2028", path="/nowhere", token="t")
    ran = subprocess.run(
        [sys.executable, "-m", "lbcheck", "probe"],
        input=jsonl.line(Stage(StageName.AFTER, (step,))).encode(),
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    [sample] = jsonl.samples(ran.stdout.decode().splitlines())
    assert sample == replace(
        step.lost(Failure(ErrorKind.NOT_FOUND, "")), failure=sample.failure, seconds=sample.seconds
    )
