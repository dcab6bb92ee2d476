"""Kills ansible-playbook as soon as a task has been done, as somebody might: BREAK_OFF_AFTER is the task's name."""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: break_off
type: aggregate
short_description: Kills ansible-playbook after a task
description:
  - Nothing that comes after the task is done, and nobody is told.
"""


class CallbackModule(CallbackBase):
    """Ends with the task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "break_off"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Kill this process, of which nothing else can be running: one host, one task at a time."""
        if result.task_name.endswith(os.environ["BREAK_OFF_AFTER"]):
            os.kill(os.getpid(), signal.SIGKILL)
