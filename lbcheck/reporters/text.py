"""The report for people, in a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from lbcheck.model.exhibit import Exhibit, Footnote, Rotation, Shown, Style, Table, Witnesses
from lbcheck.model.verdict import Finding, Outcome, Report, Verdict
from lbcheck.model.words import counted
from lbcheck.reporters import drawing
from lbcheck.reporters.drawing import rotation

_COLOURS = {Outcome.PASS: "32", Outcome.FAIL: "31;1", Outcome.INCONCLUSIVE: "33", Outcome.UNMEASURED: "35"}
_WORDS = {
    Outcome.PASS: "pass",
    Outcome.FAIL: "FAIL",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.UNMEASURED: "unmeasured",
}
_MARKS = {Outcome.PASS: "·", Outcome.FAIL: "✗", Outcome.INCONCLUSIVE: "?", Outcome.UNMEASURED: "!"}
_WIDTH = max(map(len, _WORDS.values()))
_INDENT = " " * (_WIDTH + 4)  # below the subjects
_EXPLAINED = (Table, Witnesses)  # exhibits beside which a reader wants the remarks, too

Pair = tuple[Verdict, tuple[Exhibit, ...]]


def render(shown: Shown, style: Style) -> str:
    """Return the report: a line a verdict, what is wrong below it, exhibits below that."""
    return "\n".join(_lines(shown, style)) + "\n"


def _lines(shown: Shown, style: Style) -> Iterator[str]:
    report = shown.report
    yield f"lbcheck {report.lbcheck}, {report.started}, {report.duration_s:.1f} s"
    for topic, pairs in groupby(shown.verdicts, _topic):
        yield f"\n{topic}"
        yield from _group(list(pairs), style)
    yield f"\n{_ending(report, style)}"
    yield from dict.fromkeys(note.sentence for note in _footnotes(shown) if note.outcome is report.outcome)


def _footnotes(shown: Shown) -> Iterator[Footnote]:
    for _, exhibits in shown.verdicts:
        yield from (exhibit for exhibit in exhibits if isinstance(exhibit, Footnote))


def _topic(pair: Pair) -> str:
    """Return the heading that a verdict stands under: rotations of one title stand under one."""
    verdict, exhibits = pair
    found = _rotation(exhibits)
    return f"{verdict.check}: {found.title}" if found else verdict.check


def _rotation(exhibits: Iterable[Exhibit]) -> Rotation | None:
    return next((exhibit for exhibit in exhibits if isinstance(exhibit, Rotation)), None)


def _group(pairs: Sequence[Pair], style: Style) -> Iterator[str]:
    """Give the verdicts of one topic: a table where each has a rotation, else one below the other."""
    rotations = [found for _, exhibits in pairs if (found := _rotation(exhibits))]
    if rotations:
        yield from _rotations(pairs, rotations, style)
        return
    for verdict, exhibits in pairs:
        yield from _verdict(verdict, exhibits, style)


def _rotations(pairs: Sequence[Pair], rotations: Sequence[Rotation], style: Style) -> Iterator[str]:
    head, *rows = rotation.lines(rotations)
    if head:
        yield _INDENT + head
    for (verdict, _), row in zip(pairs, rows, strict=True):
        yield f"  {_word(verdict, style)}  {row}"
        yield from _findings(verdict, style, remarks=False)


def _verdict(verdict: Verdict, exhibits: Sequence[Exhibit], style: Style) -> Iterator[str]:
    yield f"  {_word(verdict, style)}  {verdict.subject}: {verdict.summary}"
    explained = any(isinstance(exhibit, _EXPLAINED) for exhibit in exhibits)
    yield from _findings(verdict, style, remarks=explained)
    for exhibit in exhibits:
        yield from ((_INDENT + line).rstrip() for line in drawing.lines(exhibit))


def _word(verdict: Verdict, style: Style) -> str:
    return _painted(verdict.outcome, f"{_WORDS[verdict.outcome]:<{_WIDTH}}", style)


def _findings(verdict: Verdict, style: Style, *, remarks: bool) -> Iterator[str]:
    """Give a line a finding; remarks only where they are wanted."""
    for finding in verdict.findings:
        if remarks or style.verbose or finding.outcome is not Outcome.PASS:
            yield f"{_INDENT}{_mark(finding, style)} {finding.message}"


def _mark(finding: Finding, style: Style) -> str:
    return _painted(finding.outcome, _MARKS[finding.outcome], style)


def _ending(report: Report, style: Style) -> str:
    """Return the outcome of all, how many verdicts have it and of which checks, and how many have another."""
    word = _painted(report.outcome, _WORDS[report.outcome], style)
    if not report.verdicts:
        return f"{word}: nothing was checked"
    tally = Counter(verdict.outcome for verdict in report.verdicts)
    same = dict.fromkeys(verdict.check for verdict in report.verdicts if verdict.outcome is report.outcome)
    others = [f"{tally[outcome]:,} {_WORDS[outcome]}" for outcome in Outcome if outcome is not report.outcome]
    rest = "".join(f"; {other}" for other in others if not other.startswith("0 "))
    return f"{word}: {tally[report.outcome]:,} of {counted(len(report.verdicts), 'verdict')} ({', '.join(same)}){rest}"


def _painted(outcome: Outcome, text: str, style: Style) -> str:
    return f"\x1b[{_COLOURS[outcome]}m{text}\x1b[0m" if style.colour else text
