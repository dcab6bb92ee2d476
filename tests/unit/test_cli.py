"""The command line: what is wrong is said in a sentence, with the right exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lbcheck.cli import main
from lbcheck.model.plan import Plan
from lbcheck.wire import jsonl

from .scenes import QUESTION, healthy


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["lobster"], "invalid choice: 'lobster'"),
        (["run"], "required: -i/--inventory"),
        (["run", "-i", "/nowhere"], "inventory '/nowhere' does not exist"),
        (["spread", "ftp://x/"], "URL 'ftp://x/': it does not start with http:// or https://"),
        (["spread", "http://x:99999/"], "URL 'http://x:99999/': Port out of range"),
        (["spread", "http://127.0.0.1/", "--weights", "a=4294967296"], "weight 4294967296 is not between 0 and"),
        (["spread", "http://127.0.0.1/", "--weights", "a=257", "--product", "haproxy"], "'a': weight 257 is above 256"),
        (["spread", "http://x/", "--requests", "0"], "'0' is not a number from 1 to 100,000,000"),
        (["spread", "http://x/", "--rate", "-1"], "'-1' is not a rate"),
        (["spread", "http://x/", "--timeout", "0"], "'0' is not a time"),
        (["spread", "http://x/", "--weights", "a:1"], "'a:1' is not of the form s1=1,s2=2"),
        (
            ["spread", "http://x/", "--algorithm", "fair", "--plan"],
            "--algorithm 'fair' is not one of",
        ),
        (["spread", "http://x/", "--servers", "10001"], "'10001' is not a number from 1 to 10,000"),
        (["spread", "http://x/", "--servers", "a,a"], "'a,a' is neither a number nor a list of different names"),
        (["spread", "http://x/", "--detect", "0.1%"], "'0.1%' is below 1%, which takes millions of requests to see"),
        (["spread", "http://x/", "--detect", "100"], "'100' is not a percentage above 0 and below 100"),
        (["spread", "http://x/", "--expect", "6xx"], "'6xx' is not of the form 2xx,301"),
        (["spread", "http://x/", "--names", "a"], "'a' is not of the form NAME=OTHER,…"),
        (["spread", "http://x/", "--weights", "a=1,a=2"], "'a=1,a=2' gives a server two weights"),
        (["spread", "http://x/", "--hash-key", "foo", "--plan"], "--hash-key 'foo' is not of the form header:NAME"),
        (["spread", "http://x/", "--product", "foo", "--plan"], "--product 'foo' is not one of HAProxy, nginx"),
        (["spread", "http://x/", "--resolve", "x:80"], "--resolve 'x:80' is not of the form HOST:PORT:ADDR"),
        (["spread", "http://x/", "--resolve", "y:80:127.0.0.1"], "--resolve names no address for x:80"),
        (["spread", "http://127.0.0.1/", "--stats", "/run/x.sock"], "statistics '/run/x.sock': write unix:PATH"),
        (
            ["spread", "http://127.0.0.1/", "--stats", "http://u:secret@h/"],
            "the URL at h/ has a password",
        ),
        (
            ["spread", "http://127.0.0.1/", "--identify", "x-node"],
            "--identify: 'x-node' is no way to tell servers apart; try header:x-node",
        ),
        (
            ["spread", "http://127.0.0.1/", "--identify", "head:x-node"],
            "--identify: 'head:x-node' does not say who answers; write header:NAME",
        ),
        (
            ["spread", "http://127.0.0.1/", "--identify", "body:a{99999999999}"],
            "--identify: 'body:a{99999999999}' is not a regular expression: the repetition number is too large",
        ),
        (["spread", "http://127.0.0.1/", "--identify", "body:" + "(" * 900], "is not a regular expression"),
        (["spread", "http://x/", "--resolve", f"x:{'9' * 5000}:127.0.0.1"], "is not of the form HOST:PORT:ADDR"),
        (["dns", "x.test", "--server", f"127.0.0.1:{'9' * 5000}"], "does not end in a port number"),
        (["fill", f"127.0.0.1:{'9' * 5000}"], "does not end in a port number"),
        (["fill", "127.0.0.1:80", "--ports", f"1-{'9' * 5000}"], "is not a port range"),
        (["spread", "http://x/", "--requests", "9" * 5000], "argument --requests"),
        (["spread", "http://x/", "--weights", f"a={'9' * 5000}"], "argument --weights"),
        (["spread", "http://x/", "--source", "nobody"], "'nobody' is not an IP address"),
        (["dns", "x.test", "--server", "nobody"], "'nobody' is not an IP address"),
        (["dns", "x.test", "--server", "127.0.0.1:domain"], "does not end in a port number"),
        (["prove", "--connections", "64512"], "one client address can hold 64,512 connections; give 65,536 or more"),
        (["report", "/nowhere.json"], "/nowhere.json: No such file or directory"),
        (["report", ""], "there is an empty argument after report: give a value, or leave it out"),
        (["spread", "http://x/", "--cacert", ""], "there is an empty argument after --cacert"),
        (["spread", "http://x/", "--samples="], "there is an empty argument in --samples="),
        (["spread", "http://x/", "--requests", "١٢"], "'١٢' is not a number from 1 to 100,000,000"),
        (["spread", "http://x/", "--requests", "9" * 5000], "is not a number from 1 to 100,000,000"),
        (["spread", "http://x/", "--rate", "1_0"], "'1_0' is not a rate"),
        (["spread", "http://x/", "--timeout", "١٢"], "'١٢' is not a time"),
        (["spread", "http://x/", "--timeout", " 5 "], "' 5 ' is not a time"),
        (["spread", "http://x/", "--rate", "1e400"], "'1e400' is not a rate"),
        (["spread", "http://x/", "--servers", "2.5"], "'2.5' is not a number from 1 to 10,000"),
        (["spread", "http://x/", "--servers", "-1"], "'-1' is not a number from 1 to 10,000"),
        (["spread", "http://x/", "--source", "nobody"], "--source: 'nobody' is not an IP address"),
        (["spread", "http://x/", "--resolve", "x:٨٠:127.0.0.1"], "is not of the form HOST:PORT:ADDR"),
        (["spread", "http://x/", "--resolve", "x:80:nobody"], "--resolve: 'nobody' is not an IP address"),
        (["spread", "http://127.0.0.1:0/"], "URL 'http://127.0.0.1:0/': it asks for port 0, where nobody listens"),
        (["spread", " http://127.0.0.1/"], "it has blanks around it, or what cannot be seen"),
        (["spread", "http://127.0.0.1/\r\nX: y"], "it has blanks around it, or what cannot be seen"),
        (["spread", "http://127.0.0.1/\u202e"], "it has blanks around it, or what cannot be seen"),
        (["spread", "http://[::1]x:9/"], "it names no host; write http://HOST[:PORT]/PATH"),
        (
            ["spread", "http://[fe80::1%25eth0]/"],
            "URL 'http://[fe80::1%25eth0]/': write its interface with a plain %, as in [fe80::1%eth0]",
        ),
        (["fill", "[fe80::1%lo]:80"], "'fe80::1%lo' names an interface"),
        (["fill", "[::1]:80", "--source", "fe80::1%lo"], "'fe80::1%lo' names an interface"),
        (["spread", "http://*/"], "it names no host; write http://HOST[:PORT]/PATH"),
        (["spread", "http://a..b/"], "has at most 253 letters, and 1 to 63 between two dots"),
        (["spread", f"http://{'a' * 64}.test/"], "has at most 253 letters, and 1 to 63 between two dots"),
        (["spread", f"http://{'é' * 64}.test/"], "has at most 253 letters, and 1 to 63 between two dots"),
        (["dns", "a..b"], "'a..b' is no domain name: a name of DNS has at most 253 letters"),
        (["dns", "a." * 128], "is no domain name: a name of DNS has at most 253 letters"),
        (["dns", "."], "'.' is no domain name: write it as www.example.com, without http:// or a port"),
        (["dns", "127.0.0.1"], "'127.0.0.1' is no domain name"),
        (["dns", "http://x.test/"], "'http://x.test/' is no domain name"),
        (["dns", "x.test", "--server", "127.0.0.1:0"], "--server 127.0.0.1:0 has no port to connect to"),
        (["dns", "x.test", "--server", "[::1"], "--server: '[::1' does not end in a port number"),
        (["fill", "127.0.0.1:80", "--source", "x"], "--source: 'x' is not an IP address"),
        (["fill", "127.0.0.1:80", "--allow-target", "x"], "--allow-target: 'x' is no network"),
        (["capacity", "--model", "x.yml", "--grow", "ipv6=101"], "'101' is not a number from 1 to 100"),
        (["capacity", "--model", "x.yml", "--grow", "backend=0"], "'0' is not a number from 1 to 10,000"),
    ],
)
def test_wrong_usage_is_a_sentence_and_status_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage and unreadable input end with status 2, a sentence on standard error, nothing on standard output."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert sentence in err
    assert "Traceback" not in err
    assert out == ""


def test_an_empty_word_of_another_command_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What follows `--` is handed on as it is."""
    assert main(["failover", "-i", str(tmp_path / "none"), "--", "true", ""]) == 2
    assert "none' does not exist" in capsys.readouterr().err


def test_a_long_word_hides_neither_what_is_wrong_nor_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence that quotes it has at most 2,000 letters, its beginning and its end."""
    assert main(["spread", "http://x/", "--rate", "a" * 100_000]) == 2
    said = capsys.readouterr().err
    assert len(said) < 2100
    assert said.startswith("lbcheck: argument --rate: 'aaa")
    assert "aa' is not a rate; write a number a second, 0 for no limit" in said


WITHOUT = {
    "no standard input": ('exec "$@" <&-', ["probe"], 2, "lbcheck probe: '' is not JSON"),
    "no working directory": (
        'mkdir gone; cd gone; rmdir ../gone; exec "$@"',
        ["topology", "-i", "127.0.0.1,"],
        2,
        "lbcheck: the working directory is not there any more: change to another",
    ),
    "few files": (
        'ulimit -n 8; exec "$@"',
        ["topology", "-i", "127.0.0.1,"],
        2,
        "lbcheck: system: Too many open files; raise `ulimit -n`",
    ),
    "little memory": (
        'ulimit -v 400000; exec "$@"',
        ["report", "large"],
        4,
        "lbcheck: there is not enough memory here for that (ulimit -v, or what the machine has)",
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_what_the_surroundings_lack_is_a_sentence(name: str, tmp_path: Path) -> None:
    """A command that is started without what every other one has ends with the right status."""
    script, words, status, sentence = WITHOUT[name]
    with (tmp_path / "large").open("wb") as file:
        file.truncate(450_000_000)
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "lbcheck", *words]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert (ran.returncode, ran.stderr.startswith(sentence)) == (status, True), ran.stderr


def test_what_ansible_is_asked_to_say_besides_does_not_reach_us(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its debugging goes to standard output, between the lines of the inventory."""
    monkeypatch.setenv("ANSIBLE_DEBUG", "1")
    monkeypatch.setenv("ANSIBLE_VERBOSITY", "3")
    assert main(["topology", "-i", "127.0.0.1,"]) == 0
    assert capsys.readouterr().out.startswith("a lab: no")


@pytest.mark.parametrize("command", ["run", "failover"])
def test_a_way_to_tell_servers_apart_that_is_none_is_refused(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In an inventory as on the command line, before anything is sent."""
    inventory = tmp_path / "hosts.ini"
    inventory.write_text("[load_balancers]\nlb1 ansible_host=127.0.0.1\n[all:vars]\nlbcheck_identify=x-node\n")
    assert main([command, "-i", str(inventory), "--plan"]) == 2
    assert "lbcheck_identify: 'x-node' is no way to tell servers apart; try header:x-node" in capsys.readouterr().err


def test_a_flag_of_an_ini_inventory_is_no_mere_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lbcheck_lab=false` under [all:vars] is text, and switched every limit off; what is no flag is refused."""
    inventory = tmp_path / "hosts.ini"
    hosts = "[load_balancers]\nlb1 ansible_host=127.0.0.1\n[backends]\nweb1 ansible_host=127.0.0.2\n[all:vars]\n"
    for said, lab in (("false", False), ("no", False), ("0", False), ("yes", True)):
        inventory.write_text(f"{hosts}lbcheck_lab={said}\n")
        assert main(["topology", "-i", str(inventory), "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out).get("lab", False) is lab, said
    inventory.write_text(f"{hosts}lbcheck_lab=nein\n")
    assert main(["topology", "-i", str(inventory)]) == 2
    assert "host 'lb1': lbcheck_lab 'nein' is neither true nor false" in capsys.readouterr().err


def test_the_plan_is_printed_and_nothing_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    """`--plan` names each step; the name in the URL is not even resolved."""
    assert main(["spread", "http://nobody.invalid/", "--requests", "10", "--plan"]) == 0
    assert "request http://nobody.invalid/ 10 times over new connections" in capsys.readouterr().out


@pytest.mark.parametrize(("address", "timeout_s"), [("127.0.0.1", 2.0), ("192.0.2.1", 5.0)])
def test_an_operation_is_waited_for_longer_where_it_is_far(
    address: str, timeout_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the user does not say, an operation has two seconds on loopback, and five elsewhere."""
    assert main(["spread", f"http://{address}/", "--plan", "--format", "json"]) == 0
    plan = jsonl.from_json(Plan, json.loads(capsys.readouterr().out))
    assert {step.timeout_s for stage in plan.stages for step in stage.steps} == {timeout_s}


def test_kept_samples_are_judged_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Judging is pure: from the file alone comes the same verdict, in another format."""
    kept = tmp_path / "run.jsonl"
    kept.write_text("".join(jsonl.line(item) + "\n" for item in (QUESTION, *healthy())))
    assert main(["report", str(kept), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "pass"


def test_what_is_no_report_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither an empty file, nor text, nor bytes, nor another schema is a report."""
    for content in (b"", b"hello", b"\xff\xfe\x00", b'{"schema": "other/1"}', b'{"schema": "lbcheck.report/1"}'):
        file = tmp_path / "file.json"
        file.write_bytes(content)
        assert main(["report", str(file)]) == 2
        assert "is neither a report nor samples" in capsys.readouterr().err


def test_samples_are_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of samples that exists is refused before anything is sent."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("precious")
    assert main(["dns", "x.test", "--server", "127.0.0.1:9", "--samples", str(kept)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert kept.read_text() == "precious"


PLAN = ("spread", "http://x/", "--plan", "-o")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [("no/plan.txt", "there is no directory"), ("", "it is a directory; give the name of a file")],
)
def test_a_report_that_cannot_be_written_is_a_sentence(
    output: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not there, or no file, is named before anything is sent."""
    assert main([*PLAN, str(tmp_path / output)]) == 2
    assert sentence in capsys.readouterr().err


def test_output_keeps_a_files_mode_and_what_lies_next_to_it(tmp_path: Path) -> None:
    """The file is replaced, its mode is not, and a file of somebody else's with a similar name stays."""
    target, neighbour = tmp_path / "plan.txt", tmp_path / "plan.txt.part"
    target.write_text("old")
    target.chmod(0o640)
    neighbour.write_text("mine")
    assert main([*PLAN, str(target)]) == 0
    assert target.read_text().startswith("stage traffic")
    assert target.stat().st_mode & 0o777 == 0o640
    assert {path.name for path in tmp_path.iterdir()} == {target.name, neighbour.name}
    assert neighbour.read_text() == "mine"


def test_output_goes_through_a_link(tmp_path: Path) -> None:
    """A link stays a link; what it leads to is written."""
    link, target = tmp_path / "link", tmp_path / "plan.txt"
    target.write_text("old")
    link.symlink_to(target)
    assert main([*PLAN, str(link)]) == 0
    assert link.is_symlink()
    assert target.read_text().startswith("stage traffic")


def test_output_goes_into_a_pipe_and_never_in_its_place(tmp_path: Path) -> None:
    """What is no regular file, a pipe or a device, is written to and stays what it is."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main([*PLAN, str(pipe)]) == 0
        assert os.read(reader, 65536).startswith(b"stage traffic")
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_output_goes_to_the_shells_own_pipe(tmp_path: Path) -> None:
    """`-o /dev/stdout` leads to a pipe that has no path of its own."""
    link = tmp_path / "stdout"  # as /dev/stdout is, which a test by root had better not name
    link.symlink_to("/proc/self/fd/1")
    words = [sys.executable, "-m", "lbcheck", *PLAN, str(link)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout.partition("\n")[0]) == (0, "stage traffic"), ran.stderr


def test_output_never_replaces_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lbcheck report run.jsonl -o run.jsonl` would lose the samples."""
    kept = tmp_path / "run.jsonl"
    kept.write_text("samples")
    assert main(["report", str(kept), "-o", str(kept)]) == 2
    assert "would replace what is read" in capsys.readouterr().err
    assert kept.read_text() == "samples"


@pytest.mark.parametrize("plan", [[], ["--plan"]])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, ": no such file or directory; is HAProxy's configuration there?"),
        ("worker_processes auto;", ":1: 'worker_processes' stands before the first section"),
        ("", ": no backend is in it"),
        ("frontend www\n  bind :80\n", ": no backend is in it"),
    ],
)
def test_what_is_no_configuration_of_haproxys_is_refused_before_anything_is_sent(
    text: str | None, sentence: str, plan: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was unmeasured, after the requests; and what says nothing passed as counters of none of them."""
    path = tmp_path / "haproxy.cfg"
    if text is not None:
        path.write_text(text)
    assert main(["spread", "http://127.0.0.1:9/", "--haproxy-config", str(path), *plan]) == 2
    out, err = capsys.readouterr()
    assert (out, sentence in err) == ("", True)
    assert err.startswith(f"lbcheck: --haproxy-config {path}")


def test_a_folder_without_a_file_of_haproxys_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HAProxy reads those called *.cfg, and there is none."""
    (tmp_path / "haproxy.conf").write_text("backend web\n")
    assert main(["spread", "http://127.0.0.1:9/", "--haproxy-config", str(tmp_path)]) == 2
    assert f"--haproxy-config {tmp_path}: no backend is in it" in capsys.readouterr().err
