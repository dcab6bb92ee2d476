"""`lbcheck probe`: run a stage from standard input, write its samples to standard output, a line each."""

import os
import sys

from lbcheck.errors import LbcheckError
from lbcheck.model.plan import Stage
from lbcheck.plain import plain
from lbcheck.vantage import here
from lbcheck.wire import jsonl


def main() -> int:
    """Run the stage; return the exit status."""
    parent = os.getppid()
    try:
        stage = jsonl.parse(Stage, sys.stdin.buffer.read().decode())
        # Whoever asked is gone once this process is handed to another parent: then nobody wants the rest.
        for sample in here.run(stage.steps, lambda: os.getppid() != parent):
            # JSON is UTF-8 (RFC 8259, section 8.1), whatever this host's locale is.
            sys.stdout.buffer.write(f"{jsonl.line(sample)}\n".encode())
            sys.stdout.buffer.flush()
    except LbcheckError as error:
        sys.stderr.write(f"lbcheck probe: {plain(str(error))}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return 130
    return 0
