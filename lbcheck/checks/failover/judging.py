"""Verdicts on a failover: the longest gap for each client and address, and whether the command succeeded."""

from collections.abc import Iterator, Sequence
from signal import Signals

from lbcheck.checks.failover.evidence import NOTHING, CommandEvidence, CommandRun, GapEvidence, WatchEvidence
from lbcheck.model.address import Endpoint, port_of
from lbcheck.model.command import Commanded
from lbcheck.model.question import Question
from lbcheck.model.step import ErrorKind, Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest
from lbcheck.model.watch import Gap, RouteSeen, Watched

NAME = "failover"
# Errors of the client itself; they prove no outage.
OURS = (ErrorKind.PORTS_EXHAUSTED, ErrorKind.INTERNAL, ErrorKind.DENIED)


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return a verdict on the command, if one ran, and one for each client and address.

    A run that watches no failover has none.
    """
    if not question.watches_failover:
        return []
    command = next((sample for sample in samples if isinstance(sample, Commanded)), None)
    found = [_of_command(command)] if command else []
    for watched in samples:
        if isinstance(watched, Watched) and not watched.rehearsal:
            found += _of_client(question, watched, command)
    return found


def _of_command(command: Commanded) -> Verdict:
    """Return the verdict on the command: unmeasured if it failed, because then perhaps nothing was broken."""
    if command.failure:
        outcome, summary = Outcome.UNMEASURED, command.failure.message
    else:
        outcome = Outcome.UNMEASURED if command.status else Outcome.PASS
        summary = f"{_how_it_ended(command.status or 0)}, after {command.seconds:.1f} s"
        summary += "; perhaps it has broken nothing" if command.status else ""
    return Verdict(NAME, f"command {' '.join(command.words)}", outcome, summary, (), _command(command))


def _how_it_ended(status: int) -> str:
    """Return how, in words; below 0 its status is the number of a signal (subprocess)."""
    if status >= 0:
        return f"ended with exit status {status}"
    return f"ended by {next((known.name for known in Signals if known == -status), f'signal {-status}')}"


def _command(command: Commanded) -> CommandEvidence:
    run = CommandRun(
        words=command.words,
        status=command.status,
        began_s=command.began_s,
        seconds=round(command.seconds, 3),
    )
    return CommandEvidence(command=run)


def _of_client(question: Question, watched: Watched, command: Commanded | None) -> Iterator[Verdict]:
    if watched.failure:
        message = watched.failure.message
        yield Verdict(NAME, f"{watched.place} → every address", Outcome.UNMEASURED, message, (), NOTHING)
        return
    for seen in watched.seen:
        yield _of_route(question, watched, seen, command)


def _of_route(question: Question, watched: Watched, seen: RouteSeen, command: Commanded | None) -> Verdict:
    allowed_s = question.longest_gap_s
    longest = max(seen.gaps, key=lambda gap: gap.seconds, default=None)
    known = _answered_before(watched, seen, command)
    findings = [*_bad_witness(seen, allowed_s), *_remarks(seen)]
    if not known:
        findings.append(Finding(Outcome.UNMEASURED, _unknown(seen, command)))
    outcomes = [finding.outcome for finding in findings] + [
        _of_gap(longest, allowed_s) if known else Outcome.UNMEASURED
    ]
    return Verdict(
        NAME,
        _subject(question, watched.place, seen),
        gravest(outcomes),
        _summary(seen, longest, allowed_s),
        tuple(findings),
        _evidence(watched, seen, longest, allowed_s),
    )


def _answered_before(watched: Watched, seen: RouteSeen, command: Commanded | None) -> bool:
    """Return whether the address surely answered before the command ran; without a command: at the first attempt."""
    if seen.first_answer_s is None:
        return False
    if command is None:
        return not (seen.gaps and seen.gaps[0].start_s < seen.first_answer_s)
    if command.began_s is None:
        return True  # the command never ran, and its own verdict says so
    return watched.began_by_s is not None and seen.first_answer_s < command.began_s - watched.began_by_s


def _unknown(seen: RouteSeen, command: Commanded | None) -> str:
    if seen.first_answer_s is None:
        return "no answer in the whole watch: there was nothing to lose"
    return "no answer at first" if command is None else "no answer that was surely before the command; --lead is longer"


def _of_gap(longest: Gap | None, allowed_s: float) -> Outcome:
    if longest is None:
        return Outcome.PASS
    if longest.seconds > allowed_s:
        return Outcome.FAIL
    return Outcome.PASS if longest.back else Outcome.INCONCLUSIVE  # the watch ended before the gap exceeded the limit


def _bad_witness(seen: RouteSeen, allowed_s: float) -> Iterator[Finding]:
    """Report errors and pauses of the client itself, which make its observations unreliable."""
    for kind in OURS:
        if count := seen.errors.get(kind):
            sentence = f"{count:,} of {seen.attempts:,} attempts failed at the client itself: {kind}"
            yield Finding(Outcome.UNMEASURED, sentence)
    if seen.pause_s > allowed_s:
        yield Finding(
            Outcome.UNMEASURED, f"the client itself paused for {seen.pause_s:.2f} s: it was kept from watching"
        )


def _remarks(seen: RouteSeen) -> Iterator[Finding]:
    if seen.errors:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in seen.errors.items())
        times = f" in {len(seen.gaps):,} gaps" if len(seen.gaps) > 1 else ""
        failed = sum(seen.errors.values())
        yield Finding(Outcome.PASS, f"{failed:,} of {seen.attempts:,} attempts without an answer{times}: {kinds}")


def _subject(question: Question, client: str, seen: RouteSeen) -> str:
    endpoint = Endpoint(seen.address, port_of(seen.url))
    several = len({frontend.url for frontend in question.cluster.web}) > 1
    return f"{client} → {endpoint}" + (f" ({seen.url})" if several else "")


def _summary(seen: RouteSeen, gap: Gap | None, allowed_s: float) -> str:
    if gap is None:
        balancers = " and ".join(name for name in seen.balancers if name)
        by = f" by {balancers}" if balancers else ""
        return f"{seen.attempts:,} attempts, all answered{by}"
    if gap.back:
        silence = f"no answer for {gap.seconds:.2f} s, from {gap.start_s:.2f} s on"
    else:
        silence = f"no answer from {gap.start_s:.2f} s on, for {gap.seconds:.2f} s until the end of the watch"
    verb = "is" if allowed_s == 1 else "are"
    allowed = f"at most {allowed_s:g} s {verb} allowed"
    return "; ".join(part for part in (silence, _who_answered(gap), allowed) if part)


def _who_answered(gap: Gap) -> str:
    """Return which balancer answered before a gap and which after it; empty if neither is known."""
    after = gap.after if gap.back else ""
    if gap.before and after:
        return f"{gap.before} answered before, {after} after"
    if gap.before:
        return f"{gap.before} answered before"
    if after:
        return f"{after} answered after"
    return ""


def _evidence(watched: Watched, seen: RouteSeen, longest: Gap | None, allowed_s: float) -> WatchEvidence:
    return WatchEvidence(
        client=watched.place,
        url=seen.url,
        address=seen.address,
        attempts=seen.attempts,
        errors=dict(seen.errors),
        balancers=dict(seen.balancers),
        gaps=tuple(_gap(gap) for gap in seen.gaps),
        gap_s=round(longest.seconds, 3) if longest else 0.0,
        back=longest.back if longest else True,
        within_s=allowed_s,
        resolution_s=seen.pause_s,
        watched_s=round(watched.seconds, 3),
        slowest_s=seen.slowest_s,
        began_by_s=watched.began_by_s,
    )


def _gap(gap: Gap) -> GapEvidence:
    return GapEvidence(
        start_s=gap.start_s,
        seconds=round(gap.seconds, 3),
        failures=gap.failures,
        back=gap.back,
        before=gap.before,
        after=gap.after,
    )
