"""The check `logged`: whether every server's log can be read, and has a line of this run."""

from collections.abc import Sequence
from dataclasses import dataclass

from lbcheck.checks.one_round import further
from lbcheck.model.cluster import Server
from lbcheck.model.evidence import Record
from lbcheck.model.exhibit import Column, Exhibit, Table
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict

__all__ = ["EVIDENCE", "NAME", "exhibits", "further", "judge", "plan", "supports"]

NAME = "logged"


@dataclass(frozen=True, kw_only=True, eq=False)
class LoggedEvidence(Record):
    """One server's log."""

    path: str
    lines: int


EVIDENCE = (LoggedEvidence,)


def supports(question: Question) -> str:
    """Return why this cluster cannot be checked, or nothing where it can."""
    return "" if _servers(question) else "no server has a log"


def plan(question: Question, options: Options) -> Plan:
    """Return one stage: each server's log is read."""
    steps = (CountLogLines(server=server.name, path=server.log, token=options.token) for server in _servers(question))
    return Plan((Stage(StageName.AFTER, tuple(steps)),))


def _servers(question: Question) -> list[Server]:
    return [server for backend in question.cluster.backends for server in backend.servers if server.log]


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return a verdict on each log."""
    return [_of_log(sample) for sample in samples if isinstance(sample, LogLines)]


def _of_log(log: LogLines) -> Verdict:
    if log.failure:
        return Verdict(NAME, log.server, Outcome.UNMEASURED, log.failure.message)
    evidence = LoggedEvidence(path=log.path, lines=log.lines)
    if log.lines:
        return Verdict(NAME, log.server, Outcome.PASS, f"{log.lines:,} lines", (), evidence)
    silent = Finding(Outcome.FAIL, f"{log.path} has no line of this run")
    return Verdict(NAME, log.server, Outcome.FAIL, "no lines", (silent,), evidence)


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the log as a table."""
    match verdict.evidence:
        case LoggedEvidence(path=path, lines=lines):
            return (Table((Column("log"), Column("lines", "count")), ((path, lines),)),)
        case _:
            return ()
