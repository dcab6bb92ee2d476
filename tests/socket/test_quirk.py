"""A further product is one file for its page, one that reads it, and one line: shown with a product that is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lbcheck import pipeline
from lbcheck.cli import main
from lbcheck.errors import LbcheckError
from lbcheck.model import schemes
from lbcheck.model.cluster import Backend, Balancer, Cluster, Frontend, Server
from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.exhibit import Style
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.verdict import Outcome, Report
from lbcheck.reporters import text
from lbcheck.vantage import here

from .quirk import SCHEME
from .quirk.balancer import STRENGTH, Quirk, running

REQUESTS = 200


@pytest.fixture(autouse=True)
def _line_in_the_table() -> Iterator[None]:
    schemes.COUNTERS.update(SCHEME)
    yield
    for name in SCHEME:
        del schemes.COUNTERS[name]


def question(quirk: Quirk) -> Question:
    """Return what an inventory would say of a Quirk and its mules."""
    mules = tuple(Server(name, strength, log=str(quirk.log(name))) for name, strength in STRENGTH.items())
    cluster = Cluster(
        balancers=(Balancer("lb1", stats=(quirk.stats,)),),
        backends=(Backend("hay", servers=mules),),
        frontends=(Frontend("www", quirk.url, "hay", ("127.0.0.1",)),),
    )
    return Question(cluster, lab=True)


def measured(quirk: Quirk, samples: Path) -> Report:
    """Plan, probe and judge; the samples are kept."""
    options = Options(requests=REQUESTS, token="bale-of-hay")
    with samples.open("w") as keep:
        return pipeline.run(question(quirk), options, checks=["spread"], keep=keep)


def test_three_witnesses_agree_and_are_called_by_their_names(tmp_path: Path) -> None:
    """Clients, Quirk and the mules' logs count the same, and Quirk's own weights and algorithm are held to."""
    with running(tmp_path) as quirk:
        report = measured(quirk, tmp_path / "run.jsonl")
    (verdict,) = report.verdicts
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["algorithm"] == "roundrobin"
    gamma = verdict.evidence["servers"]["gamma"]
    assert (gamma.client, gamma.balancer, gamma.server, gamma.expected_share) == (100, 100, 100, 0.5)
    said = text.render(pipeline.shown(report), Style())
    assert "the witnesses agree: the clients, Quirk, the servers' logs" in said
    assert "matches roundrobin, as Quirk tells: each server within 0.8 requests of its expected count" in said
    assert "server  clients  Quirk  its log  share  expected" in said
    assert "HAProxy" not in said


def test_a_mule_that_sleeps_is_named_with_quirks_own_word(tmp_path: Path) -> None:
    """What Quirk says of its server is said, and the server that should have answered is missed."""
    with running(tmp_path, beta="asleep (kicked the vet)") as quirk:
        report = measured(quirk, tmp_path / "run.jsonl")
    (verdict,) = report.verdicts
    assert verdict.outcome is Outcome.FAIL
    messages = [finding.message for finding in verdict.findings]
    assert "lb1 says server beta is asleep (kicked the vet)" in messages
    assert any(message.startswith("server beta answered 0 of 200 requests") for message in messages)


def test_samples_of_quirk_are_judged_again_to_the_same_verdict(tmp_path: Path) -> None:
    """A file of samples knows whose counters it has; no line of the table is needed to judge them."""
    with running(tmp_path) as quirk:
        report = measured(quirk, tmp_path / "run.jsonl")
    again = pipeline.reread(tmp_path / "run.jsonl")
    assert again.verdicts == report.verdicts


def test_quirk_is_read_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--stats` takes its URI; Quirk's strengths are owed where nobody else says weights."""
    with running(tmp_path) as quirk:
        assert main(["spread", quirk.url, "--stats", quirk.stats, "--requests", str(REQUESTS)]) == 0
    said = capsys.readouterr().out
    assert "the witnesses agree: the clients, Quirk" in said
    assert "gamma       100    100  50.0%     50.0%" in said


def test_a_plan_says_whose_counters_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    """A plan names the product."""
    assert main(["spread", "http://127.0.0.1:9/", "--stats", "quirk+http://127.0.0.1:9/wheel", "--plan"]) == 0
    assert "at here: read Quirk's counters of quirk+http://127.0.0.1:9/wheel from quirk+" in capsys.readouterr().out


def test_another_page_than_quirks_is_told_apart(tmp_path: Path) -> None:
    """A reading that fails is a sample with its reason, and still Quirk's."""
    with running(tmp_path) as quirk:
        (counters,) = here.run([ReadCounters(balancer="lb1", uri=f"quirk+{quirk.url}", when="after")])
    assert isinstance(counters, Counters)
    assert counters.failure == Failure(ErrorKind.PROTOCOL, f"quirk+{quirk.url}: not Quirk's page: 'hay'")
    assert counters.product == "Quirk"


def test_what_can_be_written_names_quirk_too() -> None:
    """The sentence about URIs comes from the table; without its line, Quirk is no product."""
    uri = "quirk+tcp://127.0.0.1:9"
    with pytest.raises(LbcheckError, match=r"write unix:PATH, .* or quirk\+http://HOST:PORT/PATH$"):
        Balancer("lb1", stats=(uri,))
    assert ReadCounters(balancer="lb1", uri=uri, when="after").product == ""


def test_a_new_team_in_between_makes_its_counts_worthless(tmp_path: Path) -> None:
    """Quirk's own incarnation is watched as HAProxy's process id is."""
    with running(tmp_path, new_team_after=100) as quirk:
        (verdict,) = measured(quirk, tmp_path / "run.jsonl").verdicts
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "Quirk on lb1 was reloaded or restarted during the run: run again" in [f.message for f in verdict.findings]
