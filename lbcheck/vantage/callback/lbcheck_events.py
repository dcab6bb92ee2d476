"""Ansible's results as JSON, one a line on standard output, as they come."""

import json
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: lbcheck_events
type: stdout
short_description: Results as JSON Lines
description: Writes each task's result as one line of JSON; lbcheck reads them while the playbook runs.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """One line a result: host, task, and of the result what lbcheck reads."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lbcheck_events"

    def _write(self, event: str, result: Any) -> None:
        told = result._result
        line = {"event": event, "host": result._host.get_name(), "task": result._task.get_name()}
        line |= {key: told[key] for key in ("msg", "rc", "stdout", "stderr", "module_stderr") if key in told}
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    def v2_playbook_on_play_start(self, play: Any) -> None:  # noqa: D102
        sys.stdout.write(json.dumps({"event": "play", "play": play.get_name()}) + "\n")
        sys.stdout.flush()

    def v2_runner_on_ok(self, result: Any) -> None:  # noqa: D102
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:  # noqa: ARG002, D102
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:  # noqa: D102
        self._write("unreachable", result)
