"""When a service answered, as a line: the balancer before the longest gap, the gaps, the balancer after it."""

from collections.abc import Iterator

from lbcheck.model.exhibit import Absence, Timeline

WIDTH = 60  # characters for the whole watch


def lines(timeline: Timeline) -> Iterator[str]:
    """Give one line if a gap is long enough to be seen at this scale; else none."""
    if not timeline.watched_s:
        return
    cells = ["━"] * WIDTH
    for absence in timeline.absences:
        begin, end = _cells(absence, timeline.watched_s)
        cells[begin:end] = "·" * len(cells[begin:end])
    if "·" in cells:
        longest = max(timeline.absences, key=lambda absence: absence.seconds)
        yield f"{longest.before} {''.join(cells)} {longest.after}".strip()


def _cells(absence: Absence, whole_s: float) -> tuple[int, int]:
    """Return the cells that an absence takes, from the first to before the last."""
    end_s = absence.start_s + absence.seconds
    return round(absence.start_s / whole_s * WIDTH), round(end_s / whole_s * WIDTH)
