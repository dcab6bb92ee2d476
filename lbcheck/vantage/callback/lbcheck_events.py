"""Ansible's results as JSON, one a line on standard output, as they come; each line begins with the run's mark."""

import json
import os
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: lbcheck_events
type: stdout
short_description: Results as JSON Lines
description: Writes each task's result as one line of JSON; lbcheck reads them while the playbook runs.
"""

_SAYS = "ansible.builtin.debug"  # runs here, and says a value of any type
MOST_OUTPUT = 64 * 2**20  # characters of one host's samples of one stage: what 10,000 servers have is 10 MB
MOST_WORDS = 10_000  # characters of whatever else it says


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One line a result: host, task, and of the result what lbcheck reads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lbcheck_events"

    def _write(self, event: str, result: Any) -> None:
        told = result._result
        line = {"event": event, "host": result._host.get_name(), "task": result._task.get_name()}
        line |= {key: str(told[key])[-MOST_WORDS:] for key in ("msg", "stderr", "module_stderr") if told.get(key)}
        if result._task.action == _SAYS:
            line["said"] = told.get("msg")
        output = str(told.get("stdout", ""))
        if len(output) > MOST_OUTPUT:
            line |= {"event": "failed", "stderr": f"it wrote more than {MOST_OUTPUT / 1e6:.0f} MB"}
        else:
            line["stdout"] = output
        self._line(line)

    def _line(self, line: dict[str, Any]) -> None:
        sys.stdout.write(f"{os.environ.get('LBCHECK_EVENTS_MARK', '')}{json.dumps(line)}\n")
        sys.stdout.flush()

    def v2_playbook_on_play_start(self, play: Any) -> None:  # noqa: D102
        self._line({"event": "play", "play": play.get_name()})

    def v2_runner_on_ok(self, result: Any) -> None:  # noqa: D102
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002, D102
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:  # noqa: D102
        self._write("unreachable", result)
