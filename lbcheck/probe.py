"""`lbcheck probe`: run a stage from standard input, write its samples to standard output, a line each."""

import sys
from pathlib import Path

from lbcheck.errors import LbcheckError
from lbcheck.model.plan import Stage
from lbcheck.plain import plain
from lbcheck.probing import guard
from lbcheck.probing.stopping import Stopped
from lbcheck.vantage import here
from lbcheck.wire import jsonl


def main(carried: Path | None = None) -> int:
    """Run the stage, as long as somebody wants it; return the exit status.

    `carried`: the file that was put on this host for it, in a folder of its own.
    """
    try:
        stage = jsonl.parse(Stage, sys.stdin.buffer.read().decode())
        for sample in here.run(stage.steps, _unwanted(stage, carried)):
            # JSON is UTF-8 (RFC 8259, section 8.1), whatever this host's locale is.
            sys.stdout.buffer.write(f"{jsonl.line(sample)}\n".encode())
            sys.stdout.buffer.flush()
    except LbcheckError as error:
        sys.stderr.write(f"lbcheck probe: {plain(str(error))}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0


def _unwanted(stage: Stage, carried: Path | None) -> Stopped:
    if carried and stage.deadline_s is not None:
        folder = carried.absolute().parent
        stopped = guard.unwanted(folder, guarded=True)
        guard.begin(folder, stage.deadline_s)
        return stopped
    return guard.unwanted(Path(stage.permit) if stage.permit else None, guarded=False)
