"""From a question to a report: plan, probe, judge."""

import codecs
import operator
import secrets
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Protocol

from lbcheck import __version__, documents
from lbcheck.checks import capacity, compare, dns, failover, fill, prove, spread
from lbcheck.errors import LbcheckError
from lbcheck.model.cluster import Cluster
from lbcheck.model.configuration import Configured, ReadConfiguration
from lbcheck.model.ended import Ended
from lbcheck.model.evidence import Record
from lbcheck.model.exhibit import Exhibit, Shown
from lbcheck.model.plan import Options, Plan, StageName
from lbcheck.model.question import HERE, Question
from lbcheck.model.step import Sample, Step
from lbcheck.model.verdict import Outcome, Report, Verdict
from lbcheck.probing.stopping import Hearing, Interrupted, asking
from lbcheck.vantage import ansible, here
from lbcheck.vantage.beside import Beside
from lbcheck.wire import jsonl
from lbcheck.wire import report as wire_report
from lbcheck.wire import samples as samples_file

_UTF_8 = codecs.getincrementaldecoder("utf-8-sig")  # Windows' programs begin a file with a mark


class Judge(Protocol):
    """What makes verdicts, mostly a module: what their evidence can be, and what a person should see of it."""

    NAME: str  # the `check` of its verdicts

    @property
    def EVIDENCE(self) -> Sequence[type[Record]]:  # noqa: N802 (a constant of a module)
        """The classes that the evidence of its verdicts can have."""

    def exhibits(self, verdict: Verdict) -> tuple[Exhibit, ...]:
        """Return what a person should see of one of its verdicts, beside the sentences."""


class Check(Judge, Protocol):
    """A check: pure functions from a question to a plan, and from samples to verdicts."""

    def supports(self, question: Question) -> str:
        """Return why this is not asked, or cannot be checked; nothing where it can."""

    def plan(self, question: Question, options: Options) -> Plan:
        """Return what to do, in stages."""

    def further(self, question: Question, options: Options, samples: Sequence[Sample]) -> Plan:
        """Return a further round if the samples so far do not tell; nothing if they do, or if no round would help."""

    def judge(self, question: Question, samples: Sequence[Sample]) -> list[Verdict]:
        """Return what the samples mean."""


# Every check that runs by a plan: a further one is one more file and one more name here.
CHECKS: Mapping[str, Check] = {"dns": dns, "spread": spread, "capacity": capacity, "failover": failover}
# What makes verdicts from something else: a fill of its own, namespaces, reports.
OTHERS: Mapping[str, Judge] = {"fill": fill, "prove": prove, "growth": compare}


class Reporting:
    """A report in the making: it knows when the work on it began."""

    def __init__(self) -> None:
        self._started, self._clock = datetime.now(UTC), time.monotonic()

    def report(self, verdicts: Sequence[Verdict]) -> Report:
        """Return the report of these verdicts, with the time that they took."""
        return Report(_rfc3339(self._started), round(time.monotonic() - self._clock, 3), __version__, tuple(verdicts))


class Keeps(Protocol):
    """What lines are kept in; each is safe there when `write` returns."""

    def write(self, lines: str, /) -> object:
        """Add lines, whole."""


@dataclass
class Samples:
    """What was seen, append-only; kept in a file too, where one is given, a line each as it comes."""

    file: Keeps | None = None
    seen: list[Sample] = field(default_factory=list)

    def begin(self, question: Question) -> None:
        """Keep what the samples to come are about."""
        self._keep(samples_file.first_line(question))

    def add(self, sample: Sample) -> None:
        """Keep one more."""
        self.seen.append(sample)
        self._keep(jsonl.line(sample))

    def end(self, ended: Ended) -> None:
        """Keep that nothing more comes, and what befell the run."""
        self._keep(samples_file.last_line(ended))

    def _keep(self, line: str) -> None:
        if self.file:
            self.file.write(line + "\n")


def new_token() -> str:
    """Return what marks this run's requests in access logs."""
    return secrets.token_hex(8)


def fault_of_configuration(paths: Sequence[str]) -> str:
    """Return why files on this machine are no configuration of HAProxy that can be read; nothing where they are."""
    (found,) = here.run([ReadConfiguration(at=HERE, balancer=paths[0], paths=tuple(paths))])
    if found.failure:
        return found.failure.message
    told = isinstance(found, Configured) and found.backends
    return "" if told else f"{', '.join(paths)}: no backend is in it; `systemctl cat haproxy` says where they are"


def chosen(question: Question, names: Sequence[str]) -> list[Check]:
    """Return the checks asked for, or every check that the question supports; LbcheckError where there is none."""
    for name in names:
        if name not in CHECKS:
            raise LbcheckError(f"--check '{name}' does not exist; there are {', '.join(CHECKS)}")
        if reason := CHECKS[name].supports(question):
            raise LbcheckError(f"check {name} is not possible here: {reason}")
    found = [CHECKS[name] for name in names] or [c for c in CHECKS.values() if not c.supports(question)]
    if not found:
        reasons = "; ".join(f"{name}: {check.supports(question)}" for name, check in CHECKS.items())
        raise LbcheckError(f"no check is possible here: {reasons}")
    return found


def plan(checks: Sequence[Check], question: Question, options: Options) -> Plan:
    """Return one plan for all checks: the first round of those that take several."""
    return _together(check.plan(question, options) for check in checks)


def _together(plans: Iterable[Plan]) -> Plan:
    """Return one plan; the stages in the order that they must have."""
    whole = reduce(operator.or_, plans, Plan())
    order = list(StageName)
    stages = sorted(whole.stages, key=lambda stage: order.index(stage.name))
    return Plan(tuple(stage for stage in stages if stage.steps), whole.notes)


def run(
    question: Question,
    options: Options,
    *,
    checks: Sequence[str] = (),
    inventories: Sequence[str] = (),
    keep: Keeps | None = None,
    progress: Callable[[Sample], None] = lambda _: None,
) -> Report:
    """Plan, probe and judge, in rounds; an interrupted run is judged by what was seen until then, and never passes."""
    reporting, used = Reporting(), chosen(question, checks)
    samples = Samples(keep)
    stayed: list[str] = []
    samples.begin(question)
    with asking() as signals:
        todo = plan(used, question, options)
        while todo.stages and not signals():
            stayed += _gather(todo, inventories, samples, progress, signals)
            todo = _together(check.further(question, options, samples.seen) for check in used)
        verdicts = judge(question, samples.seen, used)
        ended = Ended(interrupted=signals(), left_behind=tuple(stayed))
        samples.end(ended)
        return reporting.report([*verdicts, *_befell(ended)])


def judge(question: Question, samples: Sequence[Sample], checks: Sequence[Check]) -> list[Verdict]:
    """Return every check's verdicts on the samples."""
    return [verdict for check in checks for verdict in check.judge(question, samples)]


def predict(cluster: Cluster, growth: Mapping[str, int]) -> Report:
    """Return what the model of tuple capacity says of a cluster with that much more; nothing is sent."""
    reporting = Reporting()
    return reporting.report(capacity.predict(cluster, growth))


def read_report(text: str) -> Report:
    """Return a report from its JSON; WireError where it is none."""
    return wire_report.read(text, _classes)


def shown(report: Report) -> Shown:
    """Return the report with what a person should see of each verdict; there is nothing of a check not known here."""
    return Shown(report, tuple((verdict, _exhibits(verdict)) for verdict in report.verdicts))


def _exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    known = _judge(verdict.check)
    return known.exhibits(verdict) if known else ()


def _judge(check: str) -> Judge | None:
    return CHECKS.get(check) or OTHERS.get(check)


def _classes(check: str) -> Sequence[type[Record]]:
    known = _judge(check)
    return known.EVIDENCE if known else ()


def _gather(
    todo: Plan,
    inventories: Sequence[str],
    samples: Samples,
    progress: Callable[[Sample], None],
    signals: Hearing,
) -> list[str]:
    """Run the plan, to its end or a signal; return a sentence for each host where something of ours has stayed."""
    stayed: list[str] = []
    beside = Beside(todo, signals)
    with suppress(Interrupted), closing(_vantage(beside, inventories, signals, stayed.append)) as stream:
        for sample in map(beside.heard, stream):
            samples.add(sample)
            progress(sample)
    for sample in beside.ended():
        samples.add(sample)
    return stayed


def _vantage(
    beside: Beside, inventories: Sequence[str], signals: Hearing, stayed: Callable[[str], None]
) -> Generator[Sample, None, None]:
    """Yield the samples as they come. Whoever runs a step ends it early once it is over, and keeps its counts."""
    todo = beside.others
    if set(todo.hosts) <= {HERE}:
        yield from here.run(_in_order(todo, beside.begun), beside.over, signals.broken_off)
    else:
        yield from ansible.run(todo, inventories, beside.begun, beside.over, lambda why: stayed(why.message))


def _in_order(todo: Plan, begun: here.Begun) -> Iterator[Step]:
    for stage in todo.stages:
        begun(stage.name)
        yield from stage.steps


def _befell(ended: Ended | None) -> Iterator[Verdict]:
    """Give the verdicts on the run itself: none where it came to its end and left nothing. None: nobody knows."""
    for sentence in ended.left_behind if ended else ():
        yield Verdict("run", "what was left behind", Outcome.UNMEASURED, sentence)
    if not ended:
        cut = "killed or cut: the samples do not say that the run came to its end; judged by what is there"
        yield Verdict("run", "the whole run", Outcome.UNMEASURED, cut)
    elif ended.interrupted:
        until_then = "interrupted: judged by what was seen until then"
        yield Verdict("run", "the whole run", Outcome.UNMEASURED, until_then)


def reread(path: Path, remark: Callable[[str], None] = lambda _: None) -> Report:
    """Return a kept report (JSON), or judge kept samples again (JSON Lines, the first line is the question).

    `remark` hears a sentence where a last line was cut, and so passed over.
    """
    text = _text(path)
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    try:
        if not samples_file.begins(text):
            return read_report(text)
        whole = samples_file.whole_lines(text)
        if whole != text:
            remark(f"{path}: its last line is cut, and passed over")
        return _judged_again(whole, moment)
    except samples_file.NewerError as error:
        raise LbcheckError(f"{path} {error}") from None
    except LbcheckError as error:
        raise LbcheckError(f"{path} is neither a report nor samples: {error}") from None


def _text(path: Path) -> str:
    """Return what stands in a file or a pipe."""
    try:
        return _UTF_8().decode(documents.read(path))  # not final: the cut may be in the middle of a letter
    except UnicodeDecodeError:
        raise LbcheckError(f"{path} is neither a report nor samples: it is no text") from None


def _judged_again(text: str, moment: datetime) -> Report:
    kept = samples_file.read(text)
    used = [check for check in CHECKS.values() if not check.supports(kept.question)]
    verdicts = judge(kept.question, kept.samples, used)
    return Report(_rfc3339(moment), 0.0, __version__, (*verdicts, *_befell(kept.ended)))


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
