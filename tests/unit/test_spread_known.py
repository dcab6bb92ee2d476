"""What is known of a backend, and who told it: the balancer's configuration stands in for what its counters hide."""

from collections.abc import Sequence
from dataclasses import replace

from lbcheck.checks import spread
from lbcheck.loaders.command_line import of_url
from lbcheck.model.configuration import Configured, ConfiguredBackend, ConfiguredServer
from lbcheck.model.question import HERE
from lbcheck.model.step import ErrorKind, Failure, Sample
from lbcheck.model.verdict import Outcome, Verdict

from .scenes import URL, answers, readings

SOCKET = "unix:/s"
COUNTS = {"web1": 100, "web2": 100, "web3": 200}


def configured(algorithm: str | None = "roundrobin", **more: object) -> Configured:
    """Return what a file says of the backend web: weights 1:1:2."""
    servers = tuple(ConfiguredServer(name=name, weight=count // 100) for name, count in COUNTS.items())
    backend = ConfiguredBackend(name="web", algorithm=algorithm, servers=servers)
    whole = Configured(at=HERE, balancer=SOCKET, paths=("/h.cfg",), product="HAProxy", backends=(backend,))
    return replace(whole, **more)  # type: ignore[arg-type]


def hidden(**more: object) -> list[Sample]:
    """Return readings by a socket that hides the algorithm."""
    return [
        replace(reading, backends=(replace(reading.backends[0], algorithm=None, **more),))  # type: ignore[arg-type]
        for reading in readings(SOCKET, COUNTS)
    ]


def judged(samples: Sequence[Sample]) -> Verdict:
    """Return the verdict on a URL whose balancer has a socket."""
    return spread.judge(of_url(URL, stats=[SOCKET]), [answers("", COUNTS), *samples])[0]


def said(verdict: Verdict) -> str:
    """Return all findings as one text."""
    return "; ".join(finding.message for finding in verdict.findings)


def test_the_configuration_tells_the_algorithm_that_a_socket_hides() -> None:
    """Then round robin's exact bound applies, and the report says who told it."""
    verdict = judged([configured(), *hidden()])
    assert verdict.outcome is Outcome.PASS
    assert (verdict.evidence["algorithm"], verdict.evidence["algorithm_told_by"]) == ("roundrobin", "configuration")
    assert "matches roundrobin, as the configuration tells: each server within 0.8 requests" in said(verdict)


def test_where_the_file_names_none_the_version_decides() -> None:
    """HAProxy balances by random from 3.3 on, and by round robin before."""
    readings_of_3_3 = [replace(reading, default_algorithm="random") for reading in hidden()]  # type: ignore[type-var]
    verdict = judged([configured(algorithm=None), *readings_of_3_3])
    assert (verdict.evidence["algorithm"], verdict.evidence["algorithm_told_by"]) == ("random", "configuration")


def test_what_stands_under_a_condition_is_not_told() -> None:
    """Only the balancer's own process knows which branch it read."""
    one = configured()
    doubtful = replace(one, backends=(replace(one.backends[0], conditional=True),))
    assert judged([doubtful, *hidden()]).evidence["algorithm_told_by"] == "nobody"


def test_the_configuration_alone_tells_weights_and_counts_nothing() -> None:
    """Without counters the client is the only witness, and the file's weights are owed."""
    verdict = judged([configured()])
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence["weights_told_by"] == "configuration"
    assert "the client is the only witness" in said(verdict)
    assert verdict.evidence["servers"]["web3"]["expected_share"] == 0.5


def test_a_configuration_that_cannot_be_read_is_no_pass() -> None:
    """Who named a file wants it heard."""
    lost = configured(backends=(), failure=Failure(ErrorKind.NOT_FOUND, "/h.cfg: there is no such file"))
    verdict = judged([lost, *hidden()])
    assert verdict.outcome is Outcome.UNMEASURED
    assert f"configuration of {SOCKET}: /h.cfg: there is no such file" in said(verdict)


def test_what_was_not_understood_is_said() -> None:
    """A note with its place, and the verdict stands."""
    verdict = judged([configured(notes=("/h.cfg:7: an unknown word",)), *hidden()])
    assert verdict.outcome is Outcome.PASS
    assert "/h.cfg:7: an unknown word" in said(verdict)
