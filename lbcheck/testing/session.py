"""What the plugin's fixtures do: read the inventory once, run each check once."""

from dataclasses import replace
from functools import cached_property
from typing import Any

from lbcheck import pipeline
from lbcheck.loaders import ansible_inventory
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.cluster import Cluster
from lbcheck.model.plan import Options, default_timeout_s
from lbcheck.model.question import Question, Topology
from lbcheck.model.verdict import Report


class Session:
    """One fleet, and the reports on it so far."""

    def __init__(self, inventories: tuple[str, ...]) -> None:
        self.inventories, self._where = inventories, ", ".join(inventories)
        self._listing = ansible_inventory.listing(inventories)
        self.question: Question = ansible_inventory.understand(self._listing, self._where)
        self._done: dict[str, Report] = {}

    @property
    def topology(self) -> Topology:
        """The fleet as lbcheck understands it."""
        return self.question.topology

    @cached_property
    def _with_capacity(self) -> Cluster:
        return with_capacity(self.question.cluster, InventoryReader(self._listing, self._where))

    def run(self, check: str = "", *, measure: bool = False, **options: Any) -> Report:
        """Run one check, or all, as `lbcheck run` would; the same words again give the same report.

        "capacity" is only predicted; with `measure` a lab is filled, too. `options` are those of Options.
        """
        key = f"{check} {measure} {sorted(options.items())}"
        if key not in self._done:
            self._done[key] = self._run(check, measure, options)
        return self._done[key]

    def _run(self, check: str, measure: bool, options: dict[str, Any]) -> Report:
        question = self.question
        if check == "capacity":
            question = replace(question, cluster=self._with_capacity, measures_capacity=measure)
            if not measure:
                return pipeline.predict(question.cluster, {})
        timeout_s = default_timeout_s(near=question.lab)
        defaults: dict[str, Any] = {"token": pipeline.new_token(), "timeout_s": timeout_s}
        asked = Options(**defaults | options)
        return pipeline.run(question, asked, checks=[check] if check else [], inventories=self.inventories)
