"""The verdict on a section: its measurements compared with the prediction."""

from collections.abc import Iterator, Sequence

from lbcheck.checks.filled_rows import FilledRow
from lbcheck.checks.prove.evidence import ProveEvidence
from lbcheck.checks.prove.rows import Row, Section
from lbcheck.checks.stop_reasons import OURS, WHY
from lbcheck.model.evidence import Gain
from lbcheck.model.fill import Filled
from lbcheck.model.verdict import Finding, Outcome, Verdict
from lbcheck.model.words import counted

NAME = "prove"


def judge(section: Section, samples: Sequence[Filled]) -> Verdict:
    """Return the verdict on a section. `samples` are of its first rows, in order; further rows were not measured."""
    by_row = [*samples, *[None] * (len(section.rows) - len(samples))]
    pairs = list(zip(section.rows, by_row, strict=True))
    findings = tuple(_all_findings(pairs))
    steps = tuple(_filled_row(row, sample) for row, sample in pairs)
    exact = sum(step.exact for step in steps)
    outcome = max((f.outcome for f in findings), key=_GRAVITY.index, default=Outcome.PASS)
    summary = f"{section.claim}; {exact} of {len(steps)} measured as predicted"
    gains = tuple(Gain(add=what, tuples=number) for what, number in section.gains)
    refusals = dict.fromkeys(row.refusal for row in section.rows if row.refusal)
    notes = (*section.notes, *(f"{refusal}: {WHY[refusal]}" for refusal in refusals))
    evidence = ProveEvidence(steps=steps, gains=gains, notes=notes)
    return Verdict(NAME, section.name, outcome, summary, findings, evidence)


_GRAVITY = (Outcome.PASS, Outcome.UNMEASURED, Outcome.FAIL)


def _all_findings(pairs: Sequence[tuple[Row, Filled | None]]) -> Iterator[Finding]:
    for row, sample in pairs:
        if sample:
            yield from _findings(row, sample)
    if missing := sum(sample is None for _, sample in pairs):
        yield Finding(Outcome.UNMEASURED, f"{counted(missing, 'measurement')} not taken: the run ended before")


def _findings(row: Row, sample: Filled) -> Iterator[Finding]:
    if sample.failure:
        yield Finding(Outcome.UNMEASURED, f"{row.what}: not measured: {sample.failure.message}")
    elif sample.stopped_by in OURS:
        held = f"{row.predicted:,} predicted, {sample.held or 0:,} held when it ended"
        yield Finding(Outcome.UNMEASURED, f"{row.what}: {held}: {WHY[sample.stopped_by]}")
    elif sample.held != row.predicted:
        stop = f"; it ended by {sample.stopped_by}" if sample.stopped_by else ""
        yield Finding(Outcome.FAIL, f"{row.what}: {row.predicted:,} predicted, {sample.held or 0:,} held{stop}")
    elif sample.stopped_by != row.refusal:
        seen, owed = sample.stopped_by or "nobody", row.refusal or "nobody"
        yield Finding(Outcome.FAIL, f"{row.what}: {seen} said no where {owed} should")
    elif sample.time_wait:
        yield Finding(Outcome.FAIL, f"{row.what}: {sample.time_wait:,} connections stayed in TIME_WAIT")


def _filled_row(row: Row, sample: Filled | None) -> FilledRow:
    seen = sample if sample and not sample.failure else None
    return FilledRow(
        what=row.what,
        binding_mode=str(row.fill.binding),
        sources=row.sources,
        endpoints=len(row.fill.endpoints),
        ports=row.ports,
        predicted=row.predicted,
        measured=seen.held if seen else None,
        stopped_by=str(seen.stopped_by) if seen and seen.stopped_by else None,
        seconds=seen.seconds if seen else 0.0,
        release_s=seen.release_s if seen else 0.0,
        workers=seen.workers if seen else 0,
        slab_bytes=seen.slab_bytes if seen else 0,
    )
